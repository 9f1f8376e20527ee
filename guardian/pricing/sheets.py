"""Price sheets: one model's unit prices at a time, in a tier, region and contract, ready for multiplying; cached."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, Inexact, localcontext
from functools import lru_cache
from typing import NamedTuple

from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.types import TieredPrices

from guardian.models.enums import Provider
from guardian.pricing.catalog import PRICE_SOURCE, Catalog, ListPrice, Processing, UnitPrice
from guardian.pricing.overrides import Override

STANDARD = Processing()
_ONE = Decimal(1)
_MILLION = 1_000_000
# Anthropic, pricing page: inference in the US costs 1.1× on every kind of token, for models from 4.6 on.
_US_INFERENCE, _US_INFERENCE_SINCE = Decimal("1.1"), (4, 6)
_CLAUDE_VERSION = re.compile(r"^claude-[a-z]+-(\d+)(?:-(\d{1,2}))?(?!\d)")


class Share(NamedTuple):
    """A disjoint part of a record's tokens, and the prices that may hold for it, the most specific first.

    A price beyond the first `sure` ones is a guess: providers are known to have another price for this share.
    """

    unit: str
    prices: tuple[str, ...]
    sure: int


SHARES = (
    Share("uncached_input_tokens", ("input_tokens",), 1),
    Share("cache_read_tokens", ("cache_read_tokens", "input_tokens"), 2),
    Share("cache_write_5m_tokens", ("cache_write_5m_tokens", "cache_write_tokens", "input_tokens"), 3),
    # OpenAI's cache write price is that of the 30 minute cache; the 12 hour cache costs more, but no catalog says what.
    Share("cache_write_30m_tokens", ("cache_write_30m_tokens", "cache_write_tokens", "input_tokens"), 3),
    Share("cache_write_1h_tokens", ("cache_write_1h_tokens", "cache_write_tokens", "input_tokens"), 1),
    Share("cache_write_12h_tokens", ("cache_write_12h_tokens", "cache_write_tokens", "input_tokens"), 1),
    Share("audio_input_tokens", ("audio_input_tokens", "input_tokens"), 1),
    # Chat models bill the tokens of a picture like text; only models that make pictures have a price of their own.
    Share("image_input_tokens", ("image_input_tokens", "input_tokens"), 2),
    Share(
        "cache_read_audio_tokens",
        ("cache_read_audio_tokens", "audio_input_tokens", "cache_read_tokens", "input_tokens"),
        2,
    ),
    Share(
        "cache_read_image_tokens",
        ("cache_read_image_tokens", "image_input_tokens", "cache_read_tokens", "input_tokens"),
        4,
    ),
    Share("output_tokens", ("output_tokens",), 1),
    Share("reasoning_tokens", ("reasoning_tokens",), 1),
    Share("audio_output_tokens", ("audio_output_tokens", "output_tokens"), 1),
    Share("image_output_tokens", ("image_output_tokens", "output_tokens"), 2),
    Share("video_input_tokens", ("video_input_tokens", "input_tokens"), 2),
    Share("video_output_tokens", ("video_output_tokens", "output_tokens"), 1),
    Share("seconds", ("seconds", "audio_seconds"), 2),
)
_SHARE_PRICES = frozenset(name for share in SHARES for name in share.prices)
_NOT_TOKENS = frozenset({"seconds", "audio_seconds"})


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


class Sheets:
    """Sheets of one catalog snapshot. A sheet is made once per model, UTC day, tier, speed, region and override."""

    def __init__(self, snapshot: DataSnapshot) -> None:
        self.snapshot = snapshot
        self._catalog = Catalog(snapshot)
        # 8,192 sheets of some 5 kB: a year of days for 22 models, or 90 days for 90.
        self._by_day = lru_cache(maxsize=8192)(self._make)

    def find(
        self,
        provider: Provider,
        model: str,
        moment: datetime,
        processing: Processing = STANDARD,
        region: str | None = None,
        override: Override | None = None,
    ) -> Sheet | None:
        """The sheet at `moment` (UTC), or None when neither the catalog nor an override knows a price."""
        day = moment.date()
        sheet = self._by_day(provider, model, day, None, processing, region, override)
        if sheet is not None and sheet.by_time:
            return self._make(provider, model, day, moment.timetz(), processing, region, override)
        return sheet

    def _make(
        self,
        provider: Provider,
        model: str,
        day: date,
        clock: time | None,
        processing: Processing,
        region: str | None,
        override: Override | None,
    ) -> Sheet | None:
        moment = datetime.combine(day, clock or time.min, UTC)
        listed = self._catalog.list_price(provider, model, moment, processing.context())
        if listed is None and (override is None or not override.prices):
            return None
        return _compile(listed, override, _region_multiplier(provider, listed, region))


_sheets: Sheets | None = None


def sheets() -> Sheets:
    """The sheets of the catalog's current snapshot; made anew when the catalog was updated."""
    global _sheets
    snapshot = get_snapshot()
    if _sheets is None or _sheets.snapshot is not snapshot:
        _sheets = Sheets(snapshot)
    return _sheets


def _region_multiplier(provider: Provider, listed: ListPrice | None, region: str | None) -> Decimal:
    if provider is not Provider.ANTHROPIC or region != "us" or listed is None:
        return _ONE
    version = _CLAUDE_VERSION.match(listed.ref)
    if version is None or (int(version[1]), int(version[2] or 0)) < _US_INFERENCE_SINCE:
        return _ONE
    return _US_INFERENCE


def _compile(listed: ListPrice | None, override: Override | None, region: Decimal) -> Sheet:
    prices: dict[str, UnitPrice] = dict(listed.prices) if listed else {}
    agreed: Mapping[str, Decimal] = override.prices if override else {}
    prices.update({unit: (amount, _MILLION) for unit, amount in agreed.items()})
    tiered = [value for value, _ in prices.values() if isinstance(value, TieredPrices)]
    starts = tuple(sorted({tier.start for value in tiered for tier in value.tiers}))
    levels = tuple(_level(prices, start, listed, override, region) for start in (-1, *starts))
    version = listed.version if listed else None
    by_time = listed is not None and listed.by_time
    if override is not None:
        return Sheet(levels, starts, "override", version, override.id, by_time)
    return Sheet(levels, starts, PRICE_SOURCE, version, listed.ref if listed else "", by_time)


def _level(
    prices: Mapping[str, UnitPrice], start: int, listed: ListPrice | None, override: Override | None, region: Decimal
) -> Mapping[str, Rate]:
    """Rates for requests of more than `start` input tokens."""
    percent = _ONE
    if override is not None and override.percent_of_list is not None:
        percent = override.percent_of_list / 100

    def rate(name: str, *, token: bool, guess: str | None) -> Rate:
        value, per = prices[name]
        if isinstance(value, TieredPrices):
            value = next((tier.price for tier in reversed(value.tiers) if tier.start <= start), value.base)
        multiplier, doubts = _ONE, [guess]
        if listed is not None and (override is None or name not in override.prices):
            multiplier = percent * (listed.token_multiplier * region if token else _ONE)
            doubts += [listed.doubt, listed.token_doubt if token else None]
        with localcontext() as arithmetic:
            arithmetic.clear_flags()
            unit_price = value / per
            exact = not arithmetic.flags[Inexact]
        return Rate(unit_price, multiplier, value, per, exact, tuple(d for d in doubts if d))

    rates: dict[str, Rate] = {}
    for share in SHARES:
        name = next((name for name in share.prices if name in prices), None)
        if name is not None:
            guessed = share.prices.index(name) >= share.sure
            guess = f"no price of its own is known for {share.unit}; that of {name} is used" if guessed else None
            rates[share.unit] = rate(name, token=share.unit not in _NOT_TOKENS, guess=guess)
    for name in prices.keys() - _SHARE_PRICES:
        rates[name] = rate(name, token=False, guess=None)
    return rates
