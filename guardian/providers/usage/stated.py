"""StatedUsage: what one answer of a vendor states of its use, in the shape that all vendors share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from guardian.records import UsageCounts

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedUsage:
    """What one answer states of its use; the model and the tier are the answer's, never the request's.

    `counts` are disjoint shares, its `units` what is billed and no token. `provider_cost` is in dollars. `dimensions`
    are what a price depends on besides (inference_geo, speed, search_context_size). Each of `doubts` says how a number
    that cannot be was repaired: a cost worked out from such counts is an estimate.
    """

    counts: UsageCounts
    model: str | None = None
    response_id: str | None = None
    service_tier: str | None = None
    provider_cost: Decimal | None = None
    requests: int = 1
    dimensions: Mapping[str, str] = field(default_factory=lambda: _NONE)
    doubts: tuple[str, ...] = ()


Settings = Mapping[str, Any]
ReadUsage = Callable[[Mapping[str, Any], Settings], StatedUsage | None]
"""Takes the JSON object of an answer and the settings of a CUSTOM key (other vendors: empty)."""
