"""From the catalog's prices, our supplements and the prices of a customer to one sheet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, Inexact, localcontext

from genai_prices.types import Tier, TieredPrices

from guardian.models.enums import Provider
from guardian.pricing.catalog import PRICE_SOURCE, ListPrice, UnitPrice
from guardian.pricing.overrides import KEY_SOURCE, OVERRIDE_SOURCE, Override
from guardian.pricing.processing import Processing
from guardian.pricing.rates import Rate, Sheet
from guardian.pricing.shares import SHARES, Share
from guardian.pricing.supplements import (
    FROM_THE_BORDER,
    REQUEST_FEES,
    SPEAKERS,
    Place,
    derived,
    fees,
    uplift,
)

_ONE = Decimal(1)
_MILLION = 1_000_000
_SHARE_PRICES = frozenset(name for share in SHARES for name in share.prices)
_NOT_TOKENS = frozenset({"seconds", "audio_seconds"})
_NO_PRICES: Mapping[str, Decimal] = {}
_CACHE_WRITES = tuple(share.unit for share in SHARES if share.unit.startswith("cache_write_"))


@dataclass(slots=True)
class _Terms:
    """What the rates of every level are made of.

    `final` are the prices that a customer gave, with the factor that still applies to them: what is agreed is final,
    and a percentage of the list is also one of a CUSTOM key's own prices, which are its list.
    """

    provider: Provider
    model: str
    prices: dict[str, UnitPrice]
    percent: Decimal
    token_factor: Decimal
    final: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    doubts: list[str] = field(default_factory=list[str])
    token_doubts: list[str] = field(default_factory=list[str])
    unit_doubts: dict[str, str] = field(default_factory=dict[str, str])
    multiples: dict[str, tuple[str, Decimal]] = field(default_factory=dict[str, tuple[str, Decimal]])


def compile_sheet(
    provider: Provider,
    listed: ListPrice | None,
    own: Override | None,
    override: Override | None,
    day: date,
    processing: Processing,
    geo: str | None,
) -> Sheet:
    """The sheet of one model. `own` are the prices of a CUSTOM key, `override` those that the organization agreed."""
    terms = _Terms(
        provider=provider,
        model=listed.ref if listed else "",
        prices=dict(listed.prices) if listed else {},
        percent=_ONE if override is None or override.percent_of_list is None else override.percent_of_list / 100,
        token_factor=listed.token_multiplier if listed else _ONE,
    )
    if listed is not None:
        _supplement(terms, listed, day, processing, geo)
    for given, factor in ((own, terms.percent), (override, _ONE)):
        prices = given.prices if given else _NO_PRICES
        if "cache_write_tokens" in prices:
            # One price for every kind of cache write: the list has no other word on those that it names apart.
            _forget(terms, _CACHE_WRITES)
        for unit, amount in prices.items():
            terms.prices[unit] = (amount, _MILLION)
            terms.final[unit] = factor
    tiered = [value for value, _ in terms.prices.values() if isinstance(value, TieredPrices)]
    starts = tuple(sorted({_start(provider, tier) for value in tiered for tier in value.tiers}))
    source, ref = PRICE_SOURCE, listed.ref if listed else ""
    if override is not None:
        source, ref = OVERRIDE_SOURCE, override.id
    elif own is not None:
        source, ref = (KEY_SOURCE, own.id) if own.prices else (PRICE_SOURCE, f"{own.catalog}/{ref}")
    return Sheet(
        levels=tuple(_level(terms, start) for start in (-1, *starts)),
        starts=starts,
        source=source,
        version=listed.version if listed else None,
        ref=ref,
        by_time=listed is not None and listed.by_time,
    )


def _forget(terms: _Terms, units: Iterable[str]) -> None:
    for unit in units:
        terms.prices.pop(unit, None)
        terms.final.pop(unit, None)


def _supplement(terms: _Terms, listed: ListPrice, day: date, processing: Processing, geo: str | None) -> None:
    """Add what the catalog lacks (see supplements.py)."""
    factor, doubt = uplift(terms.provider, terms.model, day, Place(geo, processing.region))
    terms.token_factor *= factor
    terms.doubts += [listed.doubt] if listed.doubt else []
    terms.token_doubts += [said for said in (listed.token_doubt, doubt) if said]
    for fee in fees(terms.provider, terms.model, day):
        if fee.unit not in terms.prices:
            terms.prices[fee.unit] = (fee.price, fee.per)
            if fee.doubt:
                terms.unit_doubts[fee.unit] = fee.doubt
    for share in derived(terms.provider, terms.model, day):
        terms.multiples[share.unit] = (share.of, share.factor)
    by_size = REQUEST_FEES.get(terms.model) if terms.provider is Provider.PERPLEXITY else None
    if by_size is not None:
        size = (processing.search_size or "").lower()
        if size in by_size:
            terms.prices["requests"] = (by_size[size], 1_000)
        else:
            terms.unit_doubts["requests"] = "the answer does not tell its search context size; the fee of high is used"


def _level(terms: _Terms, start: int) -> Mapping[str, Rate]:
    """Rates for requests of more than `start` input tokens."""
    rates: dict[str, Rate] = {}
    for share in SHARES:
        of, factor = terms.multiples.get(share.unit, ("", _ONE))
        if share.unit not in terms.prices and of in terms.prices and of not in terms.final:
            rates[share.unit] = _rate(terms, of, start, token=True, factor=factor)
            continue
        name = next((name for name in share.prices if name in terms.prices), None)
        if name is not None:
            guess = _guess(terms, share, name)
            rates[share.unit] = _rate(terms, name, start, token=share.unit not in _NOT_TOKENS, guess=guess)
    for name in terms.prices.keys() - _SHARE_PRICES:
        rates[name] = _rate(terms, name, start, token=False)
    return rates


def _guess(terms: _Terms, share: Share, name: str) -> str | None:
    """A doubt where another share's price has to do; a model that only speaks has one price for its output."""
    speaks = share.unit == "audio_output_tokens" and SPEAKERS.match(terms.model) is not None
    if speaks or share.prices.index(name) < share.sure:
        return None
    return f"no price of its own is known for {share.unit}; that of {name} is used"


def _rate(
    terms: _Terms, name: str, start: int, *, token: bool, guess: str | None = None, factor: Decimal = _ONE
) -> Rate:
    value, per = terms.prices[name]
    if isinstance(value, TieredPrices):
        tiers = [tier for tier in value.tiers if _start(terms.provider, tier) <= start]
        value = tiers[-1].price if tiers else value.base
    doubts = [guess] if guess else []
    if name in terms.final:
        multiplier = terms.final[name]
    else:
        multiplier = terms.percent * factor * (terms.token_factor if token else _ONE)
        doubts += terms.doubts + (terms.token_doubts if token else [])
        doubts += [terms.unit_doubts[name]] if name in terms.unit_doubts else []
    with localcontext() as arithmetic:
        arithmetic.clear_flags()
        unit_price = value / per
        exact = not arithmetic.flags[Inexact]
    return Rate(unit_price, multiplier, value, per, exact, tuple(doubts))


def _start(provider: Provider, tier: Tier) -> int:
    """The most input tokens that do not pay the tier. A round number of a vendor that means "or more" is one less."""
    inclusive = provider in FROM_THE_BORDER and tier.start % 1_000 == 0
    return tier.start - 1 if inclusive else tier.start
