"""Our own dated table: the multipliers and fees that the catalog lacks, each with the source of its number.

Appended with a date, never edited, as the catalog is: a changed number gets an `until` and a new entry. Read on
VERSION, which is part of the version of every price. What has no known number is not here, and stays unpriced.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from guardian.models.enums import Provider

VERSION = date(2026, 11, 22)
_THOUSAND = 1_000
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """Holds for models whose catalog id matches, from `since` (inclusive) until `until` (exclusive), both UTC days."""

    provider: Provider
    models: re.Pattern[str]
    since: date = date.min
    until: date = date.max

    def holds(self, provider: Provider, model: str, day: date) -> bool:
        return self.provider is provider and self.since <= day < self.until and self.models.match(model) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee(Dated):
    """Dollars for `per` units of something that is no token. `doubt` says why it may not be the real price."""

    unit: str
    price: Decimal
    per: int = 1
    doubt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplift(Dated):
    """A factor on every kind of token, not on fees; `places` are those that pay it, or None for all but `exempt`."""

    kind: str
    factor: Decimal
    places: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived(Dated):
    """A share's price as a multiple of another one's, in every tier and at every length."""

    unit: str
    of: str
    factor: Decimal


def _models(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern})", re.IGNORECASE)


_ALL = _models("")
_SMALLEST = "a container of the smallest size, 1 GB, is taken; the answer does not tell its size"

# OpenAI, models released on or after 5 March 2026 that are eligible for data residency, as LiteLLM 1.109.1 lists them
# with their factor (regional_processing_uplift_multiplier).
_RESIDENT = _models(
    r"gpt-(5\.4(-pro|-mini|-nano)?|5\.5(-pro)?|5\.6(-sol|-terra|-luna)?|6-(astra|sol|luna|rosalind|astra-law)"
    r"|6\.1-(sol|terra)|realtime-2\.1(-mini)?)$"
)
# Of these generations, but in no list of eligible models.
_UNLISTED = _models(r"gpt-(5\.[4-9]|[6-9])")

UPLIFTS = (
    # platform.claude.com, pricing: inference in the US costs 1.1× on every kind of token, for models from 4.6 on.
    Uplift(
        provider=Provider.ANTHROPIC,
        models=_models(r"claude-[a-z]+-(?:4-(?:[6-9]|[1-9]\d)|[5-9]|[1-9]\d)(?!\d)"),
        kind="geo",
        places=frozenset({"us"}),
        factor=Decimal("1.1"),
    ),
    # developers.openai.com/api/docs/guides/data-residency: "Data residency endpoints are charged a 10% uplift for
    # models released on or after March 5, 2026".
    Uplift(provider=Provider.OPENAI, models=_RESIDENT, kind="region", factor=Decimal("1.1"), since=date(2026, 3, 5)),
    # docs.x.ai: the US endpoint costs 10 % more.
    Uplift(provider=Provider.XAI, models=_ALL, kind="region", places=frozenset({"us"}), factor=Decimal("1.1")),
)

DERIVED = (
    # OpenAI's list has the 12 hour write at 2.5× the input, the 30 minute write at 1.25×: twice as much, in every tier
    # and at every length (developers.openai.com/api/docs/pricing, as read by LiteLLM 1.109.1: …_above_12hr).
    Derived(
        provider=Provider.OPENAI,
        models=_models(r"gpt-(5\.6|6)"),
        unit="cache_write_12h_tokens",
        of="cache_write_tokens",
        factor=Decimal(2),
    ),
)

FEES = (
    # docs.x.ai, pricing of tools: web and X search and code execution $5, collections (file search) $2.50, attachments
    # $10 per 1,000 calls.
    *(
        Fee(provider=Provider.XAI, models=_ALL, unit=unit, price=Decimal(price), per=_THOUSAND)
        for unit, price in (
            ("web_search_requests", "5"),
            ("x_search_requests", "5"),
            ("code_execution_requests", "5"),
            ("file_search_requests", "2.5"),
            ("attachment_search_requests", "10"),
        )
    ),
    Fee(
        provider=Provider.XAI,
        models=_ALL,
        unit="server_side_tool_requests",
        price=Decimal(5),
        per=_THOUSAND,
        doubt="the answer does not name its tools; web search, X search and code execution have this price",
    ),
    # docs.perplexity.ai/docs/getting-started/pricing, October 2026; the Agent API's tools, per call.
    *(
        Fee(provider=Provider.PERPLEXITY, models=_models("perplexity/"), unit=unit, price=Decimal(price), per=_THOUSAND)
        for unit, price in (
            ("web_search_requests", "2.5"),
            ("url_fetch_requests", "0.5"),
            ("image_search_requests", "2.5"),
            ("people_search_requests", "5"),
            ("finance_search_requests", "5"),
        )
    ),
    # The same page: the Search API, per request.
    Fee(provider=Provider.PERPLEXITY, models=_models("search$"), unit="requests", price=Decimal(5), per=_THOUSAND),
    # ai.google.dev/gemini-api/docs/pricing: grounding with Google Maps, per 1,000 prompts up to 2.5, then queries.
    Fee(
        provider=Provider.GOOGLE,
        models=_models(r"gemini-(?:live-|flash-|pro-)?[12]\."),
        unit="maps_grounding_requests",
        price=Decimal(25),
        per=_THOUSAND,
    ),
    Fee(
        provider=Provider.GOOGLE,
        models=_models(r"gemini-(?:[a-z-]+)?[3-9]"),
        unit="maps_grounding_requests",
        price=Decimal(14),
        per=_THOUSAND,
    ),
    # developers.openai.com/api/docs/pricing: a container of 1 GB; larger ones cost more.
    Fee(
        provider=Provider.OPENAI,
        models=_models(r"code-interpreter$|gpt-|o\d|codex|chatgpt"),
        unit="code_interpreter_sessions",
        price=Decimal("0.03"),
        doubt=_SMALLEST,
    ),
    # platform.claude.com, pricing: $0.05 an hour of code execution beyond 1,550 free hours a month, $0.08 an hour of a
    # managed agent's session.
    Fee(
        provider=Provider.ANTHROPIC,
        models=_ALL,
        unit="code_execution_hours",
        price=Decimal("0.05"),
        doubt="the first 1,550 hours of code execution in a month are free, and this row may be among them",
    ),
    Fee(provider=Provider.ANTHROPIC, models=_ALL, unit="session_hours", price=Decimal("0.08")),
)

# Names under which a report or an answer bills a service without a model: a fee alone is all of their price.
SERVICES = frozenset({(Provider.OPENAI, "code-interpreter"), (Provider.PERPLEXITY, "search")})

# Perplexity's fee for a request of the Sonar models by search_context_size, in dollars per 1,000 (until 27 September
# 2026 in docs.perplexity.ai; the same in LiteLLM 1.109.1). The catalog has the fee of "high" alone.
REQUEST_FEES: Mapping[str, Mapping[str, Decimal]] = MappingProxyType(
    {
        model: {"low": Decimal(low), "medium": Decimal(medium), "high": Decimal(high)}
        for model, low, medium, high in (
            ("sonar", 5, 8, 12),
            ("sonar-reasoning", 5, 8, 12),
            ("sonar-pro", 6, 10, 14),
            ("sonar-reasoning-pro", 6, 10, 14),
        )
    }
)

# ai.google.dev: flex costs half and priority 1.8 times the standard price, also of models whose tiers no catalog lists.
TIER_GUESSES: Mapping[tuple[Provider, str], Decimal] = MappingProxyType(
    {(Provider.GOOGLE, "flex"): Decimal("0.5"), (Provider.GOOGLE, "priority"): Decimal("1.8")}
)

# Names whose catalog price another list contradicts by more than rounding (LiteLLM 1.109.1, 22 November 2026): by the
# catalog's provider and the name as it was asked for. Until one of them is mended, such a price is an estimate.
DISPUTED: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("mistral", "mistral-large-latest"): "$0.50 and $1.50 per million tokens",
        ("deepseek", "deepseek-chat"): "$0.28, cached $0.028, and $0.42 per million tokens",
    }
)

# These put out nothing but sound: what the catalog calls their output price is that of audio.
SPEAKERS = _models(r".*-tts\b")
# xAI's longer requests are those of so many tokens or more; the catalog means more than the number that it gives.
FROM_THE_BORDER = frozenset({Provider.XAI})


class Place(NamedTuple):
    """Where a request was processed; a place without a price of its own is None or "global"."""

    geo: str | None = None
    region: str | None = None


def uplift(provider: Provider, model: str, day: date, place: Place) -> tuple[Decimal, str | None]:
    """The factor on tokens for a place, and a doubt where it is not known whether there is one."""
    factor, doubt = _ONE, None
    for kind, where in (("geo", place.geo), ("region", place.region)):
        if where is None or where.lower() in ("", "global"):
            continue
        found = [u for u in UPLIFTS if u.kind == kind and u.holds(provider, model, day)]
        fitting = [u for u in found if u.places is None or where.lower() in u.places]
        for each in fitting:
            factor *= each.factor
        if kind == "region" and not found and (provider is not Provider.OPENAI or _UNLISTED.match(model)):
            doubt = f"whether {model} costs more in the region {where!r} is not known; the global price is used"
    return factor, doubt


def dispute(catalog_id: str, model: str) -> str | None:
    """A doubt where the lists disagree about this name."""
    other = DISPUTED.get((catalog_id, model.lower()))
    return f"the lists disagree about {model}: another one has {other}" if other else None


def fees(provider: Provider, model: str, day: date) -> Iterator[Fee]:
    return (fee for fee in FEES if fee.holds(provider, model, day))


def derived(provider: Provider, model: str, day: date) -> Iterator[Derived]:
    return (share for share in DERIVED if share.holds(provider, model, day))
