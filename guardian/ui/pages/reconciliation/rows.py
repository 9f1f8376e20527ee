"""From the ledger's reconciliation to the text that the page shows: pure functions. Its classes are pickled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from guardian import amounts
from guardian.services.ledger.closing.views import MonthView
from guardian.services.ledger.reconciliation.sentences import kind_name
from guardian.services.ledger.reconciliation.views import BookLine, Cause, Comparison, Finding, Line
from guardian.ui.colors import provider_color, provider_name
from guardian.ui.pages.reconciliation.address import NAMES, STEPS, Address, explorer_href
from guardian.ui.rows import Choice, Money

MOST_FINDINGS, MOST_ROWS = 50, 50
_UNKNOWN = "–"
_CAUSES: dict[Cause, tuple[str, str]] = {
    Cause.BYPASS: ("Bypass", "warn"),
    Cause.UNKNOWN_KEY: ("Unknown key", "warn"),
    Cause.STREAM: ("Stream without usage", ""),
    Cause.STALE_PRICE: ("Stale price", "warn"),
    Cause.TIER: ("Tier", ""),
    Cause.KINDS: ("Kinds of tokens", ""),
    Cause.LATE: ("Late", ""),
    Cause.SHIFT: ("Day shift", ""),
    Cause.TOOL_FEE: ("Tool fee", ""),
    Cause.CREDIT: ("Credit", ""),
    Cause.DISCOUNT: ("Discount", ""),
    Cause.DOUBLE: ("Double", "warn"),
    Cause.ROUNDING: ("Rounding", ""),
    Cause.NO_BOOK: ("Not comparable", ""),
    Cause.UNEXPLAINED: ("Unexplained", "bad"),
}
_BETWEEN = {Comparison.TRACKED_REPORTED: "Tracked → reported", Comparison.REPORTED_BILLED: "Reported → billed"}


@dataclass(frozen=True)
class FindingRow:
    """One finding; `amount` with its sign, `href` to the rows that it is about."""

    key: str
    cause: str
    tone: str
    sentence: str
    between: str
    days: str
    size: Money
    amount: str
    href: str


@dataclass(frozen=True)
class BookRow:
    """One line of the three books; `href` opens it. `color` is a provider's, empty where there are several."""

    key: str
    name: str
    detail: str
    color: str
    href: str
    tracked: Money
    reported: Money
    billed: Money
    difference: Money


@dataclass(frozen=True)
class Chosen:
    """Something that the table is narrowed to; `href` takes it away."""

    label: str
    value: str
    href: str


@dataclass(frozen=True)
class MonthRow:
    """A month: what it says, what changed in it, and whether it can be closed or reopened by the viewer."""

    month: str
    name: str
    state: str
    tone: str
    spend: Money
    billed: Money
    note: str
    adjustments: list[str] = field(default_factory=list[str])
    doubts: list[str] = field(default_factory=list[str])
    adjusted: bool = False
    doubtful: bool = False
    may_close: bool = False
    may_reopen: bool = False


NO_MONTH = MonthRow("", "", "", "", Money(), Money(), "")


def money(amount: Decimal | None) -> Money:
    return Money.unknown(_UNKNOWN, "This book has nothing of these days.") if amount is None else Money.of(amount)


def finding(found: Finding) -> FindingRow:
    name, tone = _CAUSES[found.cause]
    note = "This cause is likely, not proven." if found.estimated else ""
    return FindingRow(
        key=f"{found.comparison} {found.cause} {found.sentence}",
        cause=name,
        tone=tone,
        sentence=found.sentence,
        between=_BETWEEN[found.comparison],
        days=_span(found.first_day, found.last_day),
        size=Money.of(found.size, note),
        amount=amounts.signed(found.amount),
        href=explorer_href(
            found.first_day,
            found.last_day,
            provider=found.provider.value,
            providerKey=found.provider_key,
            model=found.model,
            origin="sync" if found.comparison is Comparison.REPORTED_BILLED else None,
        ),
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _span(first: date, last: date) -> str:
    return _day(first) if first == last else f"{_day(first)} – {_day(last)}"


def line(found: Line, address: Address, first: date, last: date) -> BookRow:
    """A row of the table, by the dimension that the address asks for."""
    value = found.values[address.by]
    provider = value if address.by == "provider" else address.chosen.get("provider")
    href = address.into(value)
    if not href:
        chosen = address.chosen
        day = date.fromisoformat(chosen["day"] or "") if chosen.get("day") else None
        href = explorer_href(
            day or first,
            day or last,
            provider=chosen.get("provider"),
            providerKey=chosen.get("providerKey"),
            model=chosen.get("model"),
        )
    return BookRow(
        key=value or "none",
        name=_name(address.by, value, found.names.get(address.by)),
        detail=value if value and found.names.get(address.by) not in (None, value) else "",
        color=provider_color(provider) if provider else "",
        href=href,
        tracked=_book(found.tracked),
        reported=_book(found.reported),
        billed=_book(found.billed),
        difference=_difference(found.reported, found.billed),
    )


def _name(dimension: str, value: str | None, name: str | None) -> str:
    if value is None:
        return {"providerKey": "No key named", "model": "No model named"}.get(dimension, "None")
    if dimension == "day":
        return _day(date.fromisoformat(value))
    if dimension == "provider":
        return provider_name(value)
    if dimension == "tokenKind":
        return kind_name(value)
    return name or value


def _book(book: BookLine | None) -> Money:
    if book is None:
        return Money.unknown(_UNKNOWN)
    used = "" if not book.quantity else f"{book.quantity:,.0f} used"
    if book.cost is None:
        return Money.unknown("unpriced", f"No price is known. {used}.")
    plain = Money.of(book.cost)
    return Money(plain.text, plain.exact, "", f"{plain.title}{', ' if used else ''}{used}")


def _difference(reported: BookLine | None, billed: BookLine | None) -> Money:
    """billed − ours; nothing to say where one of them has nothing."""
    if reported is None or billed is None or reported.cost is None or billed.cost is None:
        return Money.unknown("")
    amount = billed.cost - reported.cost
    plain = Money.of(amount)
    text = f"+{plain.text}" if amount > 0 else plain.text if amount else "same"
    return Money(text, plain.exact, "", plain.title)


def tabs(address: Address) -> list[Choice]:
    """What the rows may be: the dimensions that are not chosen yet."""
    open_ones = [step for step in STEPS if step not in address.chosen]
    return [Choice(f"By {NAMES[step].lower()}", address.by_other(step), step == address.by) for step in open_ones]


def chosen(address: Address, names: Mapping[str, str]) -> list[Chosen]:
    """What the table is narrowed to; `names` are those of keys."""
    return [
        Chosen(NAMES[name], _name(name, value, names.get(value or "")), address.without(name))
        for name, value in address.chosen.items()
    ]


def month(found: MonthView, *, may_change: bool) -> MonthRow:
    closed = found.closed
    name = f"{found.month:%B %Y}"
    if closed is None:
        state = "Open" if found.ended else "Not over yet"
        return MonthRow(
            month=f"{found.month:%Y-%m}",
            name=name,
            state=state,
            tone="",
            spend=Money.unknown(""),
            billed=Money.unknown(""),
            note="",
            doubts=list(found.doubts),
            doubtful=bool(found.doubts),
            may_close=may_change and found.ended,
        )
    by = f" by {closed.closed_by}" if closed.closed_by else ""
    return MonthRow(
        month=f"{found.month:%Y-%m}",
        name=name,
        state="Closed",
        tone="good",
        spend=Money.of(closed.spend),
        billed=money(closed.billed),
        note=f"Closed on {_day(closed.closed_at.date())}{by}{f': “{closed.note}”' if closed.note else ''}",
        adjustments=[f"{amounts.signed(each.amount)} {each.book}. {each.sentence}" for each in found.adjustments],
        adjusted=bool(found.adjustments),
        may_reopen=may_change,
    )
