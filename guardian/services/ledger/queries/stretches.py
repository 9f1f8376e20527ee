"""Where in a range rows can be at all: a rare value's rows are found without reading what lies between them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import Session

from guardian.models.cells import CELLS
from guardian.periods import Window, ceil_hour
from guardian.services.ledger.queries.books import read_spans
from guardian.services.ledger.queries.days import Day, left_of, read_days
from guardian.services.ledger.queries.dimensions import Filters, rollup_filters
from guardian.services.ledger.sums.cuts import cut_for, number, place_of, stored
from guardian.services.ledger.sums.rollups import TAGS
from guardian.services.ledger.views import ROW_DIMENSIONS

# A row loses a key that is deleted, which its day still knows; sessions, tokens and other tags days do not know at all.
# For all of these there are indexes.
_UNKNOWN = (*ROW_DIMENSIONS, "apiKey", "tag")


def stretches(session: Session, organization_id: str, filters: Filters, window: Window) -> list[Window]:
    """The parts of the window that can have rows which pass the filters, the latest first.

    Days that are summed up tell which ones have none; of all others it is not known.
    """
    known = {name: values for name, values in filters.items() if name not in _UNKNOWN}
    known["tag"] = tuple(tag for tag in filters.get("tag", ()) if tag.partition(":")[0] in TAGS)
    asked = rollup_filters(known)
    if not asked:
        return [window]
    _, spans = read_spans(session, organization_id)
    days = read_days(session, organization_id, spans, window)
    left: Sequence[Day] = days
    for name, values in asked:
        left = _with(session, organization_id, left, name, values)
    starts = {day.start for day in left}
    empty = (Window(ceil_hour(day.start), ceil_hour(day.end)) for day in days if day.start not in starts)
    return left_of(window, empty)[::-1]


def _with(session: Session, organization_id: str, days: Sequence[Day], name: str, values: list[str]) -> list[Day]:
    """Those of the days that have rows with one of the values, whether they count as spend or not."""
    if not days:
        return []
    cut = cut_for((name, "origin"))
    query = (
        select(CELLS.c.start)
        .distinct()
        .where(
            CELLS.c.organization_id == organization_id,
            CELLS.c.cut == number(cut),
            CELLS.c.more.is_(None),
            place_of(name, cut).in_([stored(value or None) for value in values]),
            CELLS.c.start >= days[0].start,
            CELLS.c.start <= days[-1].start,
        )
    )
    starts = set(session.connection().execute(query).scalars())
    return [day for day in days if day.start in starts]
