"""How and where a request was processed, as far as its price depends on it, in the words of the provider's answer."""

from collections.abc import Mapping
from typing import NamedTuple

STANDARD_TIERS = ("", "default", "standard")
BATCH = {"processing": "batch"}


class Processing(NamedTuple):
    """None, or a provider's default, is standard.

    `further_tier` is what a batch row names besides "batch". `region` is that of a provider's regional endpoint.
    `search_size` is Perplexity's search_context_size, `search_type` its kind of search.
    """

    tier: str | None = None
    further_tier: str | None = None
    speed: str | None = None
    region: str | None = None
    search_size: str | None = None
    search_type: str | None = None

    def context(self) -> dict[str, str]:
        """The same in the catalog's words; empty for standard processing."""
        found: dict[str, str] = {}
        tiers = [(tier or "").lower() for tier in (self.tier, self.further_tier)]
        if "batch" in tiers:
            found.update(BATCH)
        for tier in tiers:
            if tier not in (*STANDARD_TIERS, "batch"):
                found["service_tier"] = tier
        if (speed := (self.speed or "").lower()) not in STANDARD_TIERS:
            found["speed"] = speed
        if self.search_type:
            found["search_type"] = self.search_type.lower()
        return found


STANDARD = Processing()


def processing_of(tier: str | None, dimensions: Mapping[str, str]) -> Processing:
    """From a record's tier and dimensions."""
    if not dimensions:
        return STANDARD if tier is None else Processing(tier)
    get = dimensions.get
    return Processing(
        tier,
        get("service_tier"),
        get("speed"),
        get("region"),
        get("search_context_size"),
        get("search_type"),
    )
