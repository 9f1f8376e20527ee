"""The days whose sums are at hand and right, and what they leave of a range to be read from the rollups."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, exists, select
from sqlmodel import Session, col

from guardian.models.cells import UsageChange, UsageDay
from guardian.models.enums import Provider
from guardian.periods import Window, ceil_hour
from guardian.services.ledger.queries.spans import Place, Span, rule_of


@dataclass(frozen=True, slots=True)
class Day:
    """Cells of that start sum up the hours in [start, end). `hidden`: its places that do not count, as JSON.

    It stays text until it is asked for: to read a year of it takes 30 ms.
    """

    start: datetime
    end: datetime
    version: str
    hidden: str

    def places(self) -> Iterable[tuple[Place, bool]]:
        """The hidden places, and whether they are reported."""
        for provider, account_id, hour, reported in json.loads(self.hidden):
            yield Place(Provider(provider), account_id, datetime.fromisoformat(hour)), reported


def read_days(session: Session, organization_id: str, spans: Sequence[Span], window: Window) -> tuple[Day, ...]:
    """The days within the window that nothing has changed since they were made, in order."""
    day, change = UsageDay, UsageChange
    changed = exists().where(
        col(change.organization_id) == organization_id,
        col(change.hour) >= col(day.start),
        col(change.hour) < col(day.end),
    )
    hidden = cast(col(day.hidden), String).label("hidden")
    query = (
        select(col(day.start), col(day.end), col(day.version), hidden, col(day.rule), col(day.accounts))
        .where(
            col(day.organization_id) == organization_id,
            col(day.start) >= window.start,
            col(day.start) < window.end,
            col(day.end) <= window.end,
            ~changed,
        )
        .order_by(col(day.start))
    )
    rows: Sequence[Any] = session.connection().execute(query).fetchall()
    return tuple(Day(*row[:4]) for row in rows if row.rule == rule_of(spans, Window(row.start, row.end), row.accounts))


def still_stand(session: Session, organization_id: str, days: Sequence[Day]) -> bool:
    """Whether none of the days was made anew since it was read: sums of two states would not add up."""
    if not days:
        return True
    query = select(col(UsageDay.start), col(UsageDay.version)).where(
        col(UsageDay.organization_id) == organization_id,
        col(UsageDay.start) >= days[0].start,
        col(UsageDay.start) <= days[-1].start,
    )
    now: dict[datetime, str] = {row[0]: row[1] for row in session.connection().execute(query)}
    return all(now.get(day.start) == day.version for day in days)


def whole_days(days: Sequence[Day], window: Window, cut: Sequence[Window] | None) -> list[Day]:
    """The days that lie within the window, and whole in one of its adjoining buckets."""
    edges = [ceil_hour(bucket.start) for bucket in cut or ()]

    def is_whole(day: Day) -> bool:
        """No bucket begins after its first hour and before its end."""
        return bisect_right(edges, ceil_hour(day.start)) == bisect_left(edges, ceil_hour(day.end))

    inside = [day for day in days if window.start <= day.start and day.end <= window.end]
    return [day for day in inside if is_whole(day)] if edges else inside


def left_of(window: Window, days: Iterable[Day | Window]) -> list[Window]:
    """The parts of the window that lie in none of these days."""
    found: list[Window] = []
    start = window.start
    for day in days:
        if start < day.start:
            found.append(Window(start, day.start))
        start = day.end
    if start < window.end:
        found.append(Window(start, window.end))
    return found


def runs(days: Iterable[Day]) -> list[Window]:
    """From the first start to the last end of days that follow each other without a gap."""
    found: list[Window] = []
    for day in days:
        if found and found[-1].end == day.start:
            found[-1] = Window(found[-1].start, day.end)
        else:
            found.append(Window(day.start, day.end))
    return found
