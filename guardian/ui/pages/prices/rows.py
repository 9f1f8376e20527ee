"""From the price book's views to the text that the price page shows: pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from guardian import amounts
from guardian.services.ledger.currencies import RateView
from guardian.services.ledger.pricebook import Example, OverrideView, Preview
from guardian.services.ledger.repricing.unpriced import Suggestion, UnpricedView
from guardian.ui import format
from guardian.ui.colors import provider_color, provider_name

# What a form asks for; the other units are named over REST.
FIELDS: Mapping[str, str] = {
    "input_tokens": "Input",
    "output_tokens": "Output",
    "cache_read_tokens": "Input read from cache",
    "cache_write_tokens": "Input written to cache",
}
_STATES = {"current": ("Holds", "good"), "planned": ("Planned", "accent"), "ended": ("Ended", "")}


@dataclass(frozen=True)
class UnpricedRow:
    """A model without a price. `best` is the nearest priced model, empty where none is near.

    `untold` are calls that no price helps: nobody knows what they used.
    """

    key: str = ""
    provider: str = ""
    name: str = ""
    color: str = ""
    model: str = ""
    reason: str = ""
    tokens: str = ""
    tokens_title: str = ""
    counted: str = ""
    seen: str = ""
    best: str = ""
    guess: str = ""
    others: str = ""
    untold: bool = False


@dataclass(frozen=True)
class AgreedRow:
    """An agreed price. `example` is what a call costs with it; `may_end` is False for what is over."""

    id: str = ""
    provider: str = ""
    name: str = ""
    color: str = ""
    pattern: str = ""
    price: str = ""
    title: str = ""
    span: str = ""
    span_title: str = ""
    state: str = ""
    tone: str = ""
    note: str = ""
    example: str = ""
    by: str = ""
    may_end: bool = False


@dataclass(frozen=True)
class RateRow:
    key: str
    day: str
    rate: str
    source: str
    by: str


NO_AGREED, NO_UNPRICED = AgreedRow(), UnpricedRow()


def unpriced_row(found: UnpricedView, tz: ZoneInfo) -> UnpricedRow:
    """A line of the queue; the best suggestion first, the others in one sentence."""
    best = found.suggestions[0] if found.suggestions else None
    rows = "1 row" if found.rows == 1 else f"{format.number(found.rows)} rows"
    calls = "" if found.requests is None else f", {_calls(found.requests)}"
    others = [f"{each.model} {_guess(each)}" for each in found.suggestions[1:] if each.cost is not None]
    return UnpricedRow(
        key=f"{found.provider}\x1f{found.model}\x1f{found.reason}",
        provider=found.provider.value,
        name=provider_name(found.provider),
        color=provider_color(found.provider),
        model=found.model,
        reason=_reason(found),
        tokens="–" if found.untold else format.tokens(found.tokens),
        tokens_title="Not told" if found.untold else f"{format.number(found.tokens)} tokens",
        counted=rows + calls,
        seen=_days(found.first_seen, found.last_seen, tz),
        best=best.model if best else "",
        guess=_guess(best) if best else "",
        others=" ".join([*([best.why] if best else []), *([f"Or like {', '.join(others)}."] if others else [])]),
        untold=found.untold,
    )


def agreed_row(found: OverrideView, tz: ZoneInfo) -> AgreedRow:
    """An agreed price in words."""
    state, tone = _STATES[found.state]
    price, title = price_words(found)
    return AgreedRow(
        id=found.id,
        provider=found.provider.value,
        name=provider_name(found.provider),
        color=provider_color(found.provider),
        pattern=found.model_pattern,
        price=price,
        title=title,
        span=_span(found.valid_from, found.valid_to, tz),
        span_title=f"From {format.absolute(found.valid_from, tz)}"
        + (f" until {format.absolute(found.valid_to, tz)}" if found.valid_to else ", with no end"),
        state=state,
        tone=tone,
        note=found.note or "",
        example=example_words(found.example),
        by=found.created_by or "",
        may_end=found.state != "ended",
    )


def example_words(example: Example | None) -> str:
    """A call of 1,000 in + 500 out of gpt-5 costs $0.0035, 50 % of the list price ($0.007)."""
    if example is None or example.cost is None:
        return ""
    size = f"{format.number(example.input_tokens)} in + {format.number(example.output_tokens)} out"
    cost = f"A call of {size} of {example.model} costs {amounts.dollars(example.cost)}"
    if example.list_cost is None:
        return f"{cost}; the list knows no price to compare."
    if example.list_cost == example.cost:
        return f"{cost}."
    share = format.percent(example.cost, example.list_cost)
    return f"{cost}, {share} of the list price ({amounts.dollars(example.list_cost)})."


def preview_words(found: Preview) -> tuple[str, str]:
    """The example call, and the doubt with its factor, empty where there is none."""
    example = example_words(found.example) or "There is no listed model of that name to show an example call of."
    return example, found.far_off.sentence if found.far_off else ""


def rate_row(found: RateView) -> RateRow:
    """1 USD = 0.8653 EUR."""
    rate = f"1 USD = {format.exact(found.per_dollar)} {found.currency}"
    return RateRow(f"{found.currency} {found.day}", found.day.isoformat(), rate, found.source, found.created_by or "")


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{format.tokens(count)} calls"


def _reason(found: UnpricedView) -> str:
    """The stored reason without the names that stand beside it."""
    return found.reason.replace(f"the model {found.model!r} of {found.provider}", "this model")


def _guess(each: Suggestion) -> str:
    return f"≈ {amounts.dollars(each.cost)}" if each.cost is not None else ""


def price_words(found: OverrideView) -> tuple[str, str]:
    """The price in a line, and every unit of it for the hover."""
    if found.percent_of_list is not None:
        text = f"{format.exact(found.percent_of_list)}{amounts.NBSP}% of list"
        return text, text
    named = {"input_tokens": "in", "output_tokens": "out"}
    short = [f"{dollars(amount)} {named[unit]}" for unit, amount in found.prices.items() if unit in named]
    more = len(found.prices) - len(short)
    if more:
        short.append(f"{more} more")
    whole = ", ".join(f"{unit_name(unit)} {dollars(amount)}" for unit, amount in found.prices.items())
    return ", ".join(short), f"Dollars per million: {whole}"


def unit_name(unit: str) -> str:
    """uncached_input_tokens → uncached input tokens."""
    return unit.replace("_", " ")


def dollars(amount: Decimal) -> str:
    """Every digit of a price, and cents where it has any: $2, $7.50, $0.075."""
    text = f"{amount.normalize():,f}"
    return f"${text}0" if len(text.partition(".")[2]) == 1 else f"${text}"


def _day(moment: datetime, tz: ZoneInfo) -> str:
    local = moment.astimezone(tz)
    return f"{local.day} {local:%b %Y}"


def _span(start: datetime, end: datetime | None, tz: ZoneInfo) -> str:
    return f"from {_day(start, tz)}" + (f" to {_day(end, tz)}" if end else "")


def _days(first: datetime, last: datetime, tz: ZoneInfo) -> str:
    one, other = _day(first, tz), _day(last, tz)
    return one if one == other else f"{one} – {other}"
