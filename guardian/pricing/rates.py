"""Rate and Sheet: unit prices that are ready for multiplying."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple


class Rate(NamedTuple):
    """Dollars for one unit. `exact` is False where `price` for `per` units does not divide into a finite decimal."""

    unit_price: Decimal
    multiplier: Decimal
    price: Decimal
    per: int
    exact: bool
    doubts: tuple[str, ...]


class Sheet(NamedTuple):
    """Rates by unit, one set per input length: `levels[n]` holds above `starts[n - 1]` input tokens of one request."""

    levels: tuple[Mapping[str, Rate], ...]
    starts: tuple[int, ...]
    source: str
    version: str | None
    ref: str
    by_time: bool = False
