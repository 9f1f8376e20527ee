"""The figures of a span and of its days, and how far each book leads to the next. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from guardian.periods import DAY
from guardian.services.ledger.reconciliation.books import ZERO, BilledLine, Cells, Known, Slice
from guardian.services.ledger.reconciliation.views import BookFigures, Cause, Comparison, DayFigures, Gap

_RATIO = Decimal("1e-10")


@dataclass(slots=True)
class _Sums:
    """What one span adds up to; `outside` by comparison and book is what takes no part in coverage and drift."""

    tracked: Decimal = ZERO
    reported: Decimal = ZERO
    billed: Decimal = ZERO
    outside: dict[tuple[Comparison, str], Decimal] = field(
        default_factory=lambda: defaultdict[tuple[Comparison, str], Decimal](lambda: ZERO)
    )


def figures(
    tracked: Cells,
    reported: Cells,
    billed: Sequence[BilledLine],
    slices: Iterable[Slice],
    known: Known,
    first: date,
    last: date,
    step: int = 1,
) -> tuple[BookFigures, tuple[DayFigures, ...]]:
    """The books of [first, last] as a whole and by `step` days; None for a book that does not exist there."""
    whole, steps = _Sums(), defaultdict[date, _Sums](_Sums)

    def start(day: date) -> date:
        return first + (day - first).days // step * step * DAY

    for spot, cell in tracked.items():
        whole.tracked += cell.cost
        steps[start(spot.day)].tracked += cell.cost
    for spot, cell in reported.items():
        whole.reported += cell.cost
        steps[start(spot.day)].reported += cell.cost
    for line in billed:
        whole.billed += line.amount
        steps[start(line.spot.day)].billed += line.amount
    for part in slices:
        if part.outside:
            place = part.comparison, part.outside
            for sums in (whole, steps[start(part.spot.day)]):
                sums.outside[place] += part.amount
    reported_days = {spot.day for spot in reported}
    listed: list[DayFigures] = []
    day = first
    while day <= last:
        end = min(day + (step - 1) * DAY, last)
        listed.append(DayFigures(day=day, **_figures(steps[day], known, day, end, reported_days)))
        day = end + DAY
    return BookFigures(**_figures(whole, known, first, last, reported_days)), tuple(listed)


def _figures(
    sums: _Sums, known: Known, first: date, last: date, reported_days: set[date]
) -> Mapping[str, Decimal | None]:
    since = known.tracked_from
    has_tracked = since is not None and since <= last
    has_reported = any(span[0] <= last and first <= span[1] for span in known.reported.values()) or any(
        first <= day <= last for day in reported_days
    )
    has_billed = any(span[0] <= last and first <= span[1] for span in known.billed.values())
    outside = sums.outside
    covered = sums.tracked + outside[Comparison.TRACKED_REPORTED, "first"]
    coverable = sums.reported - outside[Comparison.TRACKED_REPORTED, "second"]
    ours = sums.reported + outside[Comparison.REPORTED_BILLED, "first"]
    theirs = sums.billed - outside[Comparison.REPORTED_BILLED, "second"]
    return {
        "tracked": sums.tracked if has_tracked else None,
        "reported": sums.reported if has_reported else None,
        "billed": sums.billed if has_billed else None,
        "coverage": _ratio(covered, coverable) if has_tracked and has_reported else None,
        "drift": (drift - 1 if (drift := _ratio(ours, theirs)) is not None else None)
        if has_reported and has_billed
        else None,
    }


def _ratio(one: Decimal, two: Decimal) -> Decimal | None:
    return (one / two).quantize(_RATIO).normalize() + 0 if two > 0 else None


def gap(comparison: Comparison, first: Decimal | None, second: Decimal | None, slices: Iterable[Slice]) -> Gap | None:
    """How the first book leads to the second; None where one of them does not exist."""
    if first is None or second is None:
        return None
    named = not_comparable = unexplained = size = ZERO
    for part in slices:
        if part.comparison is not comparison:
            continue
        if part.cause is Cause.NO_BOOK:
            not_comparable += part.amount
        elif part.cause is Cause.UNEXPLAINED:
            unexplained += part.amount
            size += abs(part.amount)
        else:
            named += part.amount
    return Gap(
        first=first,
        second=second,
        named=named,
        not_comparable=not_comparable,
        unexplained=unexplained,
        unexplained_size=size,
    )
