"""From budgets' views to the text and the bars that the page shows: pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import zip_longest
from zoneinfo import ZoneInfo

from guardian import amounts
from guardian.periods import local_date
from guardian.services.guard.budgets import BudgetState, BudgetView
from guardian.services.guard.budgets.what_if import WhatIf
from guardian.ui import format
from guardian.ui.pages.budgets import words
from guardian.ui.pages.usage.address import Address
from guardian.ui.rows import NO_MONEY, Money

_MOST_AHEAD = Decimal("1.6")  # of the limit: a forecast beyond is shown at the end of the bar
_ALL, _WORD = Decimal(100), Decimal(17)  # percent of the bar, and what a threshold's word takes of a narrow one
_URGENT: tuple[BudgetState, ...] = ("over", "near", "ok", "paused")
_WIDTH, _HEIGHT = 300, 80  # of the what-if's picture, in its own units


@dataclass(frozen=True)
class Tick:
    """A threshold on the bar, at `at` percent of its length."""

    at: str
    text: str
    reached: bool


@dataclass(frozen=True)
class BudgetRow:
    """One budget. Widths and places are percent of the bar, as text for CSS; "" where there is nothing to show."""

    id: str = ""
    name: str = ""
    scope: str = ""
    period: str = ""
    kind: str = ""
    state: str = ""
    tone: str = ""
    active: bool = True
    raised: bool = False
    raise_note: str = ""
    limit: Money = NO_MONEY
    spent: Money = NO_MONEY
    percent: str = ""
    held: Money = NO_MONEY
    left: Money = NO_MONEY
    left_name: str = "Left"
    forecast: Money = NO_MONEY
    forecast_note: str = ""
    forecast_over: bool = False
    resets: str = ""
    resets_name: str = "Starts anew"
    note: str = ""
    spent_width: str = "0"
    held_width: str = "0"
    forecast_at: str = ""
    limit_at: str = ""
    ticks: tuple[Tick, ...] = ()
    href: str = ""
    told: str = ""


NO_BUDGET = BudgetRow()


@dataclass(frozen=True)
class Look:
    """How the past would have run: a sentence, and a picture as SVG paths; `text` is empty before one was asked for."""

    text: str = ""
    line: str = ""
    limit: str = ""
    marks: str = ""
    first: str = ""
    last: str = ""
    over: bool = False


NO_LOOK = Look()


def budget_row(view: BudgetView, now: datetime, tz: ZoneInfo) -> BudgetRow:
    state, tone = words.STATES[view.state]
    scale = _scale(view)
    over = view.left is not None and view.left < 0
    return BudgetRow(
        id=view.id,
        name=view.name,
        scope=words.scope(view.scope.type, view.of),
        period=words.period(view.period, view.rolling_days),
        kind=words.KINDS[view.kind][0],
        state=state,
        tone=tone,
        active=view.is_active,
        raised=view.raised is not None,
        raise_note=_raise_note(view, now, tz),
        limit=Money.of(view.effective_limit),
        spent=Money.of(view.spent, _unpriced(view)),
        percent=format.percent(view.spent, view.effective_limit),
        held=Money.unknown("–", "Redis does not answer, which keeps what calls under way hold.")
        if view.held is None
        else Money.of(view.held),
        left=Money.unknown("–", "It is not known what calls under way hold.")
        if view.left is None
        else Money.of(abs(view.left)),
        left_name="Over by" if over else "Left",
        forecast=Money.unknown("–", "Nothing was spent before today to tell it from.")
        if view.forecast is None
        else Money.of(view.forecast),
        forecast_note=_bounds(view),
        forecast_over=view.forecast is not None and view.forecast > view.effective_limit,
        resets=_resets(view, now, tz),
        resets_name="Counts" if view.rolling_days is not None else "Starts anew",
        note=_unpriced(view),
        spent_width=_at(min(view.spent, scale), scale),
        held_width=_at(min(view.held or Decimal(0), max(scale - view.spent, Decimal(0))), scale),
        forecast_at="" if view.forecast is None else _at(min(view.forecast, scale), scale),
        limit_at="" if scale == view.effective_limit else _at(view.effective_limit, scale),
        ticks=_ticks(view, scale),
        href=_rows_behind(view, now, tz),
        told=f"{format.percent(view.spent, view.effective_limit)} of {amounts.dollars(view.effective_limit)} spent",
    )


def in_order(views: Sequence[BudgetView]) -> list[BudgetView]:
    """What needs somebody first; those of one state stay as they are, by name."""
    return sorted(views, key=lambda view: _URGENT.index(view.state))


def look(found: WhatIf, text: str) -> Look:
    """The picture: what was spent by each day's end, the limit, and dots where thresholds were reached."""
    points = found.days
    highest = max([found.limit, *(point.cumulative for point in points)])
    place = {point.day: number for number, point in enumerate(points)}

    def x(number: int) -> str:
        return f"{number * _WIDTH / max(len(points) - 1, 1):.1f}"

    def y(amount: Decimal) -> str:
        return f"{_HEIGHT - amount / highest * _HEIGHT:.1f}"

    starts = {each.first for each in found.periods}
    line = " ".join(
        f"{'M' if number == 0 or point.day in starts else 'L'}{x(number)} {y(point.cumulative)}"
        for number, point in enumerate(points)
    )
    crossings = [each for past in found.periods for each in past.crossings]
    return Look(
        text=text,
        line=line,
        limit=f"M0 {y(found.limit)} L{_WIDTH} {y(found.limit)}",
        # A path of no length is a dot where its ends are round.
        marks=" ".join(f"M{x(place[each.day])} {y(points[place[each.day]].cumulative)} h0" for each in crossings),
        first=words.day(points[0].day),
        last=words.day(points[-1].day),
        over=found.over > 0,
    )


def _scale(view: BudgetView) -> Decimal:
    """What the whole bar stands for: the limit, or as much more as has to be shown."""
    ahead = min(view.forecast or Decimal(0), view.effective_limit * _MOST_AHEAD)
    return max(view.effective_limit, view.spent + (view.held or Decimal(0)), ahead)


def _at(amount: Decimal, scale: Decimal) -> str:
    return f"{amount / scale * 100:.2f}"


def _ticks(view: BudgetView, scale: Decimal) -> tuple[Tick, ...]:
    places = [(each, view.effective_limit * each / scale) for each in view.thresholds]
    shown = [(each, at) for each, at in places if at <= _ALL]
    ends = [at for _, at in shown[1:]]
    return tuple(
        Tick(
            at=f"{at:.2f}",
            text=f"{each}{amounts.NBSP}%" if after is None or after - at >= _WORD else "",
            reached=each in view.crossed,
        )
        for (each, at), after in zip_longest(shown, ends)
    )


def _bounds(view: BudgetView) -> str:
    if view.forecast_low is None or view.forecast_high is None:
        return ""
    return f"{amounts.dollars(view.forecast_low)} to {amounts.dollars(view.forecast_high)}"


def _resets(view: BudgetView, now: datetime, tz: ZoneInfo) -> str:
    if view.rolling_days is not None:
        return f"since {format.clock(view.starts_at, now, tz)}"
    day = view.resets_at.astimezone(tz)
    return f"{day.day} {day:%b}, {format.relative(view.resets_at, now)}"


def _unpriced(view: BudgetView) -> str:
    if not view.unpriced_calls:
        return ""
    if view.unpriced_calls == 1:
        return "1 call has no price and is not in it."
    return f"{format.number(view.unpriced_calls)} calls have no price and are not in it."


def _raise_note(view: BudgetView, now: datetime, tz: ZoneInfo) -> str:
    raised = view.raised
    if raised is None:
        return ""
    by = f" by {raised.by}" if raised.by else ""
    until = format.clock(raised.until, now, tz)
    return f"Raised from {amounts.dollars(view.limit)}{by} until {until}: {raised.reason}"


def _rows_behind(view: BudgetView, now: datetime, tz: ZoneInfo) -> str:
    """The explorer with the budget's filters, from its first day to today; of a rolling one whole days."""
    if view.filters is None:
        return ""
    first, last = local_date(view.starts_at, tz), local_date(now, tz)
    pairs = [(name, value) for name, values in view.filters.items() for value in values]
    return Address.of([("from", f"{first}"), ("to", f"{last}"), *pairs]).href
