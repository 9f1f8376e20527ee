"""From a usage record and its prices to a bill: pure, Decimal, and honest about what it does not know."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType

from guardian.models.enums import CostSource, Provider
from guardian.pricing.overrides import Override, choose
from guardian.pricing.processing import processing_of
from guardian.pricing.rates import Rate, Sheet
from guardian.pricing.sheets import sheets
from guardian.records import UNKNOWN_MODEL, BillLine, CostBreakdown, UsageRecord

_ZERO, _ONE = Decimal(0), Decimal(1)
_MONEY = Decimal("1e-10")
_MOMENT = timedelta(microseconds=1)
_NO_RATES: Mapping[str, Rate] = MappingProxyType({})
# Anthropic's reports tell the length of the requests of a row: more than the first, at most the second, input tokens.
_CONTEXT_WINDOWS = {"0-200k": (0, 200_000), "200k-1M": (200_000, 1_000_000)}

# Where a report does not name the model, these operations still tell it: all their models have one price.
_MODEL_OF = {(Provider.OPENAI, "moderation"): "moderation"}
# The dimension with which a reader of reports says that tokens do not tell what a row costs, and why.
INCOMPLETE = "incomplete"
_INCOMPLETE = {"provisioned_throughput": "Provisioned throughput is paid for by its reservation, not by its tokens."}
_PARTLY_TOLD = "The report tells only a part of what was used, so no price can be told."

Quantities = list[tuple[str, int | Decimal]]


def to_money(amount: Decimal) -> Decimal:
    """Rounded, half to even, to the ten decimal places that the database keeps (NUMERIC(20,10))."""
    return amount.quantize(_MONEY, ROUND_HALF_EVEN)


def price(record: UsageRecord, overrides: Sequence[Override] = (), *, key_id: str | None = None) -> CostBreakdown:
    """What a record costs, line by line, unrounded: provider's own word > override > catalog at its start > unpriced.

    The lines add up to the amount. One used unit without a price leaves the whole record unpriced: unknown is never
    zero. A price that may not be the real one makes the cost an estimate, and `reason` says why. `key_id` is the
    vault's key that the call used: a CUSTOM key may have prices of its own among the overrides.
    """
    if record.provider_cost is not None:
        return _as_reported(record.provider_cost)
    if INCOMPLETE in record.dimensions:
        return _unpriced(_INCOMPLETE.get(record.dimensions[INCOMPLETE], _PARTLY_TOLD))
    sheet, doubt = _sheet_of(record, overrides, key_id)
    if sheet is None:
        return _without_price(record)
    level, length_doubt = _level_of(sheet, record)
    rates = sheet.levels[level]
    quantities = _quantities(record, rates)
    if any(quantity < 0 for _, quantity in quantities):
        return _unpriced(_impossible(record), sheet)
    missing = [unit for unit, _ in quantities if unit not in rates]
    if "requests" in rates:
        _count_requests(record, quantities, missing)
    if missing:
        return _unpriced(f"No price is known for {', '.join(missing)} of {record.model}.", sheet)
    lines = tuple([_line(unit, quantity, rates[unit]) for unit, quantity in quantities])
    doubts = [doubt for unit, _ in quantities for doubt in rates[unit].doubts]
    reason = _sentence([*doubts, doubt, length_doubt]) if lines else None
    if record.doubts:
        reason = " ".join([said for said in (_sentence(record.doubts), reason) if said])
    return CostBreakdown(
        amount=sum([line.amount for line in lines], _ZERO),
        source=CostSource.ESTIMATED if reason else CostSource.COMPUTED,
        lines=lines,
        price_source=sheet.source,
        price_version=sheet.version,
        price_ref=sheet.ref,
        reason=reason,
    )


def _as_reported(cost: Decimal) -> CostBreakdown:
    line = BillLine(unit="provider_cost", quantity=_ONE, unit_price=cost, multiplier=_ONE, amount=cost)
    return CostBreakdown(amount=cost, source=CostSource.PROVIDER, lines=(line,), price_source="provider")


def _sheet_of(
    record: UsageRecord, overrides: Sequence[Override], key_id: str | None
) -> tuple[Sheet | None, str | None]:
    """The price sheet at the record's start, and a doubt when another one holds at its end."""
    start = record.start if record.start.tzinfo is UTC else record.start.astimezone(UTC)
    sheet = _sheet_at(record, start, overrides, key_id)
    if record.end <= record.start or sheet is None:
        return sheet, None
    last = record.end.astimezone(UTC) - _MOMENT
    if sheet.by_time:
        return sheet, "the price depends on the time of day; that of the start of this span is used"
    if last.date() == start.date() and not overrides:
        return sheet, None
    then = _sheet_at(record, last, overrides, key_id)
    if then is sheet or (then is not None and then.levels == sheet.levels):
        return sheet, None
    return sheet, "the price changed within this span; that of its start is used"


def _sheet_at(record: UsageRecord, moment: datetime, overrides: Sequence[Override], key_id: str | None) -> Sheet | None:
    provider, model, dimensions = record.provider, record.model, record.dimensions
    if model == UNKNOWN_MODEL:
        model = _MODEL_OF.get((provider, record.operation), model)
    override = own = None
    if overrides:
        override = choose(overrides, provider, model, moment)
        if key_id is not None and provider is Provider.CUSTOM:
            own = choose(overrides, provider, model, moment, key_id)
    processing = processing_of(record.service_tier, dimensions)
    return sheets().find(provider, model, moment, processing, dimensions.get("inference_geo"), override, own)


def _level_of(sheet: Sheet, record: UsageRecord) -> tuple[int, str | None]:
    """Which input length's prices hold, and a doubt when a bucket's requests may have been of several lengths.

    A long request pays the long price for all of its tokens, but a bucket is the sum of many requests: its total says
    nothing of their lengths. It gets the base price, unless the provider tells the length.
    """
    starts, total = sheet.starts, record.counts.input_tokens
    if not starts:
        return 0, None
    if record.start == record.end or record.requests == 1:
        return bisect_left(starts, total), None
    low, high = _CONTEXT_WINDOWS.get(record.dimensions.get("context_window", ""), (0, total))
    level = bisect_right(starts, low)
    if level == len(starts) or min(high, total) <= starts[level]:
        return level, None
    if record.requests is not None and total <= starts[level] * record.requests:
        return level, None
    return level, (
        f"requests of more than {starts[level]} input tokens cost more, and this row does not tell their lengths; "
        "the price of shorter ones is used"
    )


def _quantities(record: UsageRecord, rates: Mapping[str, Rate]) -> Quantities:
    """What was used, as disjoint shares; reasoning is apart only where it has a price of its own."""
    c = record.counts
    cached_audio, cached_image = c.cache_read_audio_tokens, c.cache_read_image_tokens
    reasoning = c.reasoning_tokens if "reasoning_tokens" in rates else 0
    written = c.cache_write_5m_tokens + c.cache_write_30m_tokens + c.cache_write_1h_tokens + c.cache_write_12h_tokens
    shares: Quantities = [
        (
            "uncached_input_tokens",
            c.input_tokens
            - c.cache_read_tokens
            - written
            - c.audio_input_tokens
            - c.image_input_tokens
            - c.video_input_tokens,
        ),
        ("cache_read_tokens", c.cache_read_tokens - cached_audio - cached_image),
        ("cache_write_5m_tokens", c.cache_write_5m_tokens),
        ("cache_write_30m_tokens", c.cache_write_30m_tokens),
        ("cache_write_1h_tokens", c.cache_write_1h_tokens),
        ("cache_write_12h_tokens", c.cache_write_12h_tokens),
        ("audio_input_tokens", c.audio_input_tokens),
        ("image_input_tokens", c.image_input_tokens),
        ("cache_read_audio_tokens", cached_audio),
        ("cache_read_image_tokens", cached_image),
        (
            "output_tokens",
            c.output_tokens - c.audio_output_tokens - c.image_output_tokens - c.video_output_tokens - reasoning,
        ),
        ("reasoning_tokens", reasoning),
        ("audio_output_tokens", c.audio_output_tokens),
        ("image_output_tokens", c.image_output_tokens),
        ("video_input_tokens", c.video_input_tokens),
        ("video_output_tokens", c.video_output_tokens),
        # In one order: a stored record forgets the one that it came in, and its bill must be the same again.
        *sorted(c.units.items()),
    ]
    return [share for share in shares if share[1]]


def _count_requests(record: UsageRecord, quantities: Quantities, missing: list[str]) -> None:
    """Add the fee per request: a single call is one request, a bucket's must have been counted."""
    requests = 1 if record.requests is None and record.start == record.end else record.requests
    if requests is None:
        missing.append("requests")
    elif requests:
        quantities.append(("requests", requests))


def _line(unit: str, quantity: int | Decimal, rate: Rate) -> BillLine:
    number = Decimal(quantity)
    amount = number * rate.unit_price if rate.exact else rate.price * number / rate.per
    return BillLine(
        unit=unit,
        quantity=number,
        unit_price=rate.unit_price,
        multiplier=rate.multiplier,
        amount=amount * rate.multiplier,
    )


def _sentence(doubts: Sequence[str | None]) -> str | None:
    """The distinct doubts in their order as one sentence, or None."""
    found = "; ".join(dict.fromkeys(d for d in doubts if d))
    return f"{found[0].upper()}{found[1:]}." if found else None


def _without_price(record: UsageRecord) -> CostBreakdown:
    """A record of a model that has no price: it costs nothing exactly when it used nothing, and that for sure."""
    quantities = _quantities(record, _NO_RATES)
    if any(quantity < 0 for _, quantity in quantities):
        return _unpriced(_impossible(record))
    if not quantities and not record.doubts:
        return CostBreakdown(amount=_ZERO, source=CostSource.COMPUTED)
    if record.model == UNKNOWN_MODEL:
        return _unpriced("The report does not name the model, so no price can be told.")
    return _unpriced(f"No price is known for the model {record.model!r} of {record.provider}.")


def _impossible(record: UsageRecord) -> str:
    problems = record.counts.problems()
    return f"These counts cannot be true: {'; '.join(problems) or 'reasoning_tokens exceed the text output'}."


def _unpriced(reason: str, sheet: Sheet | None = None) -> CostBreakdown:
    return CostBreakdown(
        amount=None,
        source=CostSource.UNPRICED,
        price_source=sheet and sheet.source,
        price_version=sheet and sheet.version,
        price_ref=sheet and sheet.ref,
        reason=reason,
    )
