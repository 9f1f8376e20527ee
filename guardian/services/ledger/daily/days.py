"""Keeps the sums of whole days (guardian/models/cells.py): which ones are missing or outdated, and making them anew.

A day's rows are told to count as spend or not by the rule of queries/books.py as it stands when the day is made; the
day remembers the part of the rule that decided, and is not used once that is another one. Whoever changes rollups says
so in usage_changes. A day is made after the changes that it will see were taken away, in one transaction, so that a
change that it has not seen is still there afterwards.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    and_,
    delete,
    except_all,
    func,
    insert,
    or_,
    select,
    text,
    union_all,
)
from sqlmodel import Session, col

from guardian import db
from guardian.models.cells import CELLS, UsageChange, UsageDay
from guardian.models.people import Organization
from guardian.models.usage import UsageRollup
from guardian.periods import DAY, Window, ceil_hour, floor_hour, local_date, local_days, rfc3339, zone
from guardian.services.ledger.daily.cells import COLUMNS, cells_of
from guardian.services.ledger.queries.books import read_books, read_spans
from guardian.services.ledger.queries.days import read_days
from guardian.services.ledger.queries.spans import rule_of
from guardian.services.ledger.sums.cuts import CUTS, number
from guardian.services.ledger.sums.rollups import DIMENSIONS

AT_ONCE = 7
"""Days made in one transaction: some seconds for an organization with 30,000 rows a day."""


def organizations(session: Session, now: datetime) -> list[str]:
    """The organizations with rollups that have something to be made: outdated days, or an hour that is over."""
    organization = col(Organization.id)

    def edge(of: Any, table: type[UsageDay] | type[UsageRollup]) -> ColumnElement[Any]:
        return select(of).where(col(table.organization_id) == organization).correlate(Organization).scalar_subquery()

    first = edge(func.min(col(UsageRollup.hour)), UsageRollup)
    begin, end = edge(func.min(col(UsageDay.start)), UsageDay), edge(func.max(col(UsageDay.end)), UsageDay)
    changed = select(col(UsageChange.id)).where(col(UsageChange.organization_id) == organization).exists()
    missing = begin.is_(None) | (begin > first) | (end < floor_hour(now))
    query = select(organization).where(first.is_not(None) & missing | changed).order_by(organization)
    return list(session.connection().execute(query).scalars())


def make_days(session: Session, organization_id: str, now: datetime, at_once: int = AT_ONCE) -> int:
    """Make the latest of the organization's days that are missing or outdated; gives how many are left to be made.

    Days are those of the organization's zone from its first row on; the last one ends with the last full hour. Waits
    for whoever else makes days of the same organization.
    """
    db.lock(session, "usage days", organization_id)
    wanted = _wanted(session, organization_id, now)
    due = _outdated(session, organization_id, wanted)
    some = sorted(due[-at_once:], key=lambda window: window.start)
    stored = session.connection().execute(
        select(col(UsageDay.start), col(UsageDay.end)).where(col(UsageDay.organization_id) == organization_id)
    )
    known = {Window(*row) for row in stored}
    # What is in the way of the new ones: days that are outdated, or of another zone. With nothing to do, all of these.
    odd = known - set(wanted)
    gone = known & set(some) | {day for day in odd if not some or any(_meet(day, other) for other in some)}
    _forget(session, organization_id, gone)
    if some:
        _make(session, organization_id, some)
    if len(some) == len(due):
        _forget_changes_elsewhere(session, organization_id)
    return len(due) - len(some)


def disagreements(session: Session, organization_id: str, latest: int = AT_ONCE) -> list[str]:
    """Which of the organization's latest days have other sums than their rollups, in words; empty when all is well.

    Days that are outdated are left out: nothing reads them.
    """
    hour = col(UsageRollup.hour)
    bounds = select(func.min(hour), func.max(hour)).where(col(UsageRollup.organization_id) == organization_id)
    edges: Any = session.connection().execute(bounds).one()
    if edges[0] is None:
        return []
    whole = Window(edges[0] - DAY, edges[1] + DAY)
    _, spans = read_spans(session, organization_id)
    days = [Window(day.start, day.end) for day in read_days(session, organization_id, spans, whole)][-latest:]
    if not days:
        return []
    books = read_books(session, organization_id, Window(days[0].start, days[-1].end), by_day=False)
    right = cells_of(books, days)
    stored = select(*(CELLS.c[name] for name in COLUMNS)).where(
        CELLS.c.organization_id == organization_id,
        CELLS.c.cut.in_([number(cut) for cut in CUTS]),
        CELLS.c.start.in_([day.start for day in days]),
    )
    wrong = union_all(except_all(right, stored), except_all(stored, right)).subquery("wrong")
    rows = session.connection().execute(select(wrong.c[3], func.count()).group_by(wrong.c[3]).order_by(wrong.c[3]))
    return [f"{count} sums of the day {start:%Y-%m-%d %H:%M} UTC differ from its rollups" for start, count in rows]


def _forget_changes_elsewhere(session: Session, organization_id: str) -> None:
    """Changes of hours that no day sums up: whatever sums them up later sees them."""
    change = UsageChange
    in_a_day = select(col(UsageDay.start)).where(
        col(UsageDay.organization_id) == organization_id,
        col(UsageDay.start) <= col(change.hour),
        col(UsageDay.end) > col(change.hour),
    )
    session.connection().execute(
        delete(change).where(col(change.organization_id) == organization_id, ~in_a_day.exists())
    )


def _wanted(session: Session, organization_id: str, now: datetime) -> list[Window]:
    hour = col(UsageRollup.hour)
    hours = select(hour).where(col(UsageRollup.organization_id) == organization_id).order_by(hour).limit(1)
    first = session.connection().execute(hours).scalar_one_or_none()
    last = floor_hour(now)
    if first is None or first >= last:
        return []
    tz = _zone(session, organization_id)
    days = local_days(local_date(first, tz), local_date(last, tz), tz)
    cut = (Window(day.start, min(day.end, last)) for day in days)
    return [day for day in cut if ceil_hour(day.start) < ceil_hour(day.end)]


def _zone(session: Session, organization_id: str) -> ZoneInfo:
    organization = session.get(Organization, organization_id)
    return zone(organization.time_zone if organization else "UTC")


def _outdated(session: Session, organization_id: str, wanted: Sequence[Window]) -> list[Window]:
    if not wanted:
        return []
    whole = Window(wanted[0].start, wanted[-1].end)
    _, spans = read_spans(session, organization_id)
    right = {Window(day.start, day.end) for day in read_days(session, organization_id, spans, whole)}
    return [day for day in wanted if day not in right]


def _meet(one: Window, other: Window) -> bool:
    return one.start < other.end and other.start < one.end


def _forget(session: Session, organization_id: str, days: Iterable[Window]) -> None:
    starts = [day.start for day in days]
    if not starts:
        return
    cells = delete(CELLS).where(
        CELLS.c.organization_id == organization_id,
        # Every cut, since the index knows a day's cells by their cut only.
        CELLS.c.cut.in_([number(cut) for cut in CUTS]),
        CELLS.c.start.in_(starts),
    )
    session.connection().execute(cells)
    session.connection().execute(
        delete(UsageDay).where(col(UsageDay.organization_id) == organization_id, col(UsageDay.start).in_(starts))
    )


def _make(session: Session, organization_id: str, days: Sequence[Window]) -> None:
    change = UsageChange
    inside = or_(*(and_(col(change.hour) >= day.start, col(change.hour) < day.end) for day in days))
    session.connection().execute(delete(change).where(col(change.organization_id) == organization_id, inside))
    # Some 17,000 cells a day where there are 30,000 rows: hashed in memory it takes a fifth of the time of sorting.
    session.connection().execute(text("SET LOCAL work_mem = '512MB'"))
    session.connection().execute(text("SET LOCAL jit = off"))
    books = read_books(session, organization_id, Window(days[0].start, days[-1].end), by_day=False)
    session.connection().execute(insert(CELLS).from_select(COLUMNS, cells_of(books, days)))
    accounts: dict[datetime, list[str]] = {day.start: [] for day in days}
    query = select(CELLS.c.start, CELLS.c.a, CELLS.c.b).distinct()
    query = query.where(
        CELLS.c.organization_id == organization_id,
        CELLS.c.cut == number(DIMENSIONS),
        CELLS.c.start.in_([day.start for day in days]),
    )
    for start, provider, account in session.connection().execute(query):
        accounts[start].append(f"{provider[1:]}/{account[1:]}")
    hidden = books.hidden(days)
    for day in days:
        session.add(
            UsageDay(
                organization_id=organization_id,
                start=day.start,
                end=day.end,
                rule=rule_of(books.spans, day, accounts[day.start]),
                accounts=sorted(accounts[day.start]),
                hidden=[
                    [place.provider.value, place.account_id, rfc3339(place.hour), reported]
                    for place, reported in hidden
                    if day.start <= place.hour < day.end
                ],
            )
        )
    session.flush()
