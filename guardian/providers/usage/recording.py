"""From one answer of a vendor to the record of the call, ready for pricing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from guardian.models.enums import PROVIDER_NAMES, Provider
from guardian.providers.usage.reading import read_usage
from guardian.providers.usage.stated import StatedUsage
from guardian.records import UNKNOWN_MODEL, UsageCounts, UsageRecord


def record_of(
    provider: Provider,
    operation: str,
    flavour: str,
    answer: Mapping[str, Any],
    *,
    asked_model: str,
    at: datetime,
    settings: Mapping[str, Any] | None = None,
) -> tuple[UsageRecord, str | None]:
    """The record of one call at `at` (UTC), and why it cannot be priced when the answer states no usage.

    Model, tier, speed and the like are those of the answer: vendors may serve others than were asked for. Raises as
    read_usage does.
    """
    stated = read_usage(provider, flavour, answer, settings)
    return record_from(provider, operation, stated, answer, asked_model=asked_model, at=at)


def record_from(
    provider: Provider,
    operation: str,
    stated: StatedUsage | None,
    answer: Mapping[str, Any],
    *,
    asked_model: str,
    at: datetime,
) -> tuple[UsageRecord, str | None]:
    """As record_of, of what read_usage made of the answer."""
    found = stated or StatedUsage(counts=UsageCounts())
    named: object = answer.get("model")
    record = UsageRecord(
        provider=provider,
        operation=operation,
        model=found.model or (named if isinstance(named, str) else "") or asked_model or UNKNOWN_MODEL,
        start=at,
        end=at,
        counts=found.counts,
        requests=found.requests,
        service_tier=found.service_tier,
        dimensions=found.dimensions,
        provider_cost=found.provider_cost,
        doubts=found.doubts,
    )
    if stated is not None:
        return record, None
    vendor = "The provider" if provider is Provider.CUSTOM else PROVIDER_NAMES[provider]
    return record, f"{vendor}'s answer states no usage."
