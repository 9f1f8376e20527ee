"""The first answer of /reconciliation in words, and its figures over time: pure functions."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from guardian import amounts
from guardian.services.ledger.reconciliation.views import (
    BookFigures,
    Cause,
    Comparison,
    DayFigures,
    Gap,
    Reconciliation,
)
from guardian.ui import format

_UNKNOWN = "–"


def answer(found: Reconciliation) -> tuple[str, str]:
    """The page's first sentence, and what stands behind it."""
    gap, reported = found.reported_billed, found.figures.reported
    if gap is None:
        if reported is None:
            return _no_report(found), ""
        return f"Reported {amounts.dollars(reported)}, not billed yet", "No cost report covers these days."
    named = sum(f.comparison is Comparison.REPORTED_BILLED and f.cause is not Cause.UNEXPLAINED for f in found.findings)
    if gap.unexplained_size:
        words = f"{amounts.dollars(gap.unexplained_size)} of {amounts.dollars(gap.second)} unexplained"
        return words, f"Ours is {amounts.dollars(gap.first)}. {_explained(named, 'the rest of the difference')}"
    words = f"Billed {amounts.dollars(gap.second)}, ours {amounts.dollars(gap.first)}: nothing unexplained"
    if not named:
        return words, "The bill is exactly what we work out."
    return words, _explained(named, f"the {amounts.dollars(abs(gap.second - gap.first))} between them")


def _no_report(found: Reconciliation) -> str:
    tracked, billed = found.figures.tracked, found.figures.billed
    if billed is not None:
        return f"Billed {amounts.dollars(billed)}, no usage report to explain it"
    return f"Tracked {amounts.dollars(tracked or Decimal(0))}, no report of the providers yet"


def _explained(named: int, what: str) -> str:
    if not named:
        return "No other difference has a cause either."
    return f"{named} finding{'s' if named > 1 else ''} explain{'' if named > 1 else 's'} {what}."


def coverage(figures: BookFigures, gap: Gap | None) -> tuple[str, str]:
    """How much of what the providers report was tracked, and what that means."""
    if figures.coverage is None:
        return _UNKNOWN, "tracked ÷ reported, once both exist"
    if gap is not None and gap.unexplained_size:
        return _percent(figures.coverage), f"{amounts.dollars(gap.unexplained_size)} of the rest has no cause"
    return _percent(figures.coverage), "of what the providers report was tracked"


def drift(figures: BookFigures) -> tuple[str, str]:
    """How far our prices are from the bill."""
    if figures.drift is None:
        return _UNKNOWN, "ours ÷ billed − 1, once both exist"
    if not figures.drift:
        return f"0{amounts.NBSP}%", "our prices make exactly the bill"
    sign = "+" if figures.drift > 0 else amounts.MINUS
    return f"{sign}{_percent(abs(figures.drift))}", f"ours is {'more' if figures.drift > 0 else 'less'} than the bill"


def _percent(share: Decimal) -> str:
    percent = share * 100
    digits = 0 if percent == percent.to_integral_value() else 1 if percent >= 1 else 2
    shown = f"{percent:,.{digits}f}"
    # 0.004 % is not nothing, and 99.97 % is not all.
    if digits == 2 and percent and shown == "0.00":
        shown = "<0.01"
    return f"{'99.9' if percent < 100 and shown == '100.0' else shown}{amounts.NBSP}%"


def unpriced(tokens: int) -> str:
    """What is in none of our amounts; empty where all has a price."""
    return f"{format.tokens(tokens)} tokens have no known price and are in none of our amounts." if tokens else ""


def missing(days: Sequence[DayFigures], name: str) -> str:
    """Why there is no coverage or drift to draw on any of these days; empty where there is."""
    if any(getattr(day, name) is not None for day in days):
        return ""
    if all(day.reported is None for day in days):
        return "No usage report covers these days, so there is nothing to compare."
    if name == "drift":
        if all(day.billed is None for day in days):
            return "No cost report covers these days, so there is nothing to hold our prices against."
        return "Nothing was billed in these days that a usage report counts."
    if all(day.tracked is None for day in days):
        return "No call was tracked up to these days, so none of what providers report can be attributed."
    return "Nothing was reported in these days that could have been tracked."


def over_time(days: Sequence[DayFigures], name: str, title: str, color: str) -> tuple[dict[str, Any], str]:
    """A line of coverage or drift in percent by day, or some days each; where not both books are, it has gaps."""
    values: list[Decimal | None] = [getattr(day, name) for day in days]
    series = {
        "type": "scatter",
        "mode": "lines+markers" if len(days) <= 62 else "lines",
        "name": title,
        "x": [f"{day.day.day} {day.day:%b}" for day in days],
        "y": [None if value is None else float(value * 100) for value in values],
        "customdata": ["" if value is None else _signed(value, name) for value in values],
        "hovertemplate": f"{title}  %{{customdata}}<extra></extra>",
        "line": {"color": color, "width": 2},
        "marker": {"color": color, "size": 5},
        "connectgaps": False,
    }
    known = [float(value * 100) for value in values if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    # A line at the very edge would be cut in half; where all is zero, one percent is what is drawn.
    space = (high - low) * 0.06 or 1.0
    axis = {"tickprefix": "", "ticksuffix": " %", "range": [low - space, high + space]}
    text = f"{title} by day, {len(known)} of {len(days)} days known."
    return {"data": [series], "layout": {"autosize": True, "yaxis": axis}}, text


def _signed(value: Decimal, name: str) -> str:
    sign = "" if name == "coverage" or not value else "+" if value > 0 else amounts.MINUS
    return sign + _percent(abs(value))
