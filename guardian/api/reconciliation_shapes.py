"""usage/reconciliation: what a client may ask for, and the shapes that it gets."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from guardian.api.answers.envelope import Body, Money, Out, Time
from guardian.models.enums import Provider
from guardian.services.ledger.closing.views import Change, MonthView
from guardian.services.ledger.reconciliation.views import LINE_DIMENSIONS, Cause, Comparison, Line

Values = Annotated[list[str], Field(default_factory=list[str])]


class ReconciliationParameters(Body):
    """`from` and `to` are UTC days (2026-11-01), both within, or instants, which stand for their UTC day.

    Bills are by UTC day, and so is this answer, whatever `tz` says. Every other parameter is a filter, and may be given
    more than once, or with commas between its values.
    """

    from_: str | None = Field(default=None, alias="from")
    to: str | None = None
    tz: str | None = Field(default=None, description="Taken for the sake of uniformity: days are UTC here.")
    group_by: str | None = Field(
        default=None, description=f"Dimensions of the lines, with commas between them: {', '.join(LINE_DIMENSIONS)}."
    )
    limit: int = Field(default=1_000, ge=1, le=20_000, description="The most lines.")
    provider: Values
    account: Values
    provider_key: Values
    model: Values
    tier: Values
    token_kind: Values

    def filters(self) -> dict[str, tuple[str, ...]]:
        """Values by dimension; a parameter that is there but empty ("model=") does not filter."""
        names = ("provider", "account", "provider_key", "model", "tier", "token_kind")
        aliases = ("provider", "account", "providerKey", "model", "tier", "tokenKind")
        given: list[list[str]] = [getattr(self, name) for name in names]
        split = [tuple(part for value in values for part in value.split(",") if part) for values in given]
        return {alias: parts for alias, parts in zip(aliases, split, strict=True) if parts}


class FiguresOut(Out):
    """The three books; null where that book does not exist, which is not zero.

    `coverage` is tracked ÷ reported. `drift` is ours ÷ billed − 1 over what both books can know.
    """

    tracked: Money | None
    reported: Money | None
    billed: Money | None
    coverage: Money | None
    drift: Money | None


class DayOut(FiguresOut):
    """One UTC day."""

    day: date


class GapOut(Out):
    """first + named + notComparable + unexplained = second; `unexplainedSize` adds up without signs."""

    first: Money
    second: Money
    named: Money
    not_comparable: Money
    unexplained: Money
    unexplained_size: Money


class FindingOut(Out):
    """One difference with its cause. `amount` leads from the first book to the second, `size` is how much it is about.

    `quantity` is what was used more, null where a book does not count it. `ourPrice` and `otherPrice` are for a million
    units. `rows` is where the usage rows are, as a path of this API.
    """

    comparison: Comparison
    cause: Cause
    amount: Money
    size: Money
    quantity: Money | None
    sentence: str
    provider: Provider
    account: str | None
    provider_key: str | None
    provider_key_name: str | None
    model: str | None
    tier: str | None
    token_kind: str | None
    first_day: date
    last_day: date
    estimated: bool
    our_price: Money | None
    other_price: Money | None
    rows: str


class ReconciliationOut(Out):
    """The three books of UTC days. A line has its dimensions by name, and what each book has of it, or null.

    `lineCount` is how many lines there are; `lines` are cut at the limit. A gap is null without one of its books.
    """

    first_day: date
    last_day: date
    time_zone: str
    figures: FiguresOut
    spend: Money
    unpriced_tokens: int
    tracked_reported: GapOut | None
    reported_billed: GapOut | None
    days: list[DayOut]
    findings: list[FindingOut]
    lines: list[dict[str, Any]]
    line_count: int
    as_of: Time | None


class BookLineOut(Out):
    quantity: Money | None
    cost: Money | None


def line_json(line: Line) -> dict[str, Any]:
    """A line's values, names and books side by side."""
    books = {"tracked": line.tracked, "reported": line.reported, "billed": line.billed}
    shown = {
        name: None if book is None else BookLineOut.model_validate(book).model_dump() for name, book in books.items()
    }
    return {**line.values, **{f"{dimension}Name": name for dimension, name in line.names.items()}, **shown}


class Closing(Body):
    """`confirm`: the month's doubts are known, close it as it is."""

    confirm: bool = False
    note: str | None = Field(default=None, max_length=500)


class ClosedOut(Out):
    closed_at: Time
    closed_by: str | None
    spend: Money
    tracked: Money | None
    reported: Money | None
    billed: Money | None
    note: str | None


class AdjustmentOut(Out):
    """A change after the month was closed: closed + amount = now."""

    book: str
    change: Change
    provider: Provider
    account: str | None
    model: str | None
    amount: Money
    quantity: Money
    sentence: str


class MonthOut(Out):
    """A UTC month. `closed` null: it is open, and `doubts` say what closing it must confirm."""

    month: str
    ended: bool
    closed: ClosedOut | None
    adjustments: list[AdjustmentOut]
    doubts: list[str]


def month_json(view: MonthView) -> MonthOut:
    return MonthOut(
        month=f"{view.month:%Y-%m}",
        ended=view.ended,
        closed=ClosedOut.model_validate(view.closed) if view.closed else None,
        adjustments=[AdjustmentOut.model_validate(each) for each in view.adjustments],
        doubts=list(view.doubts),
    )
