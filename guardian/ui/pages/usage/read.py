"""What the explorer reads for an address: groups and bars, or a page of rows; and the row that is open."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from sqlmodel import Session

from guardian import db
from guardian.errors import NotFoundError, ValidationError
from guardian.periods import DAY, Window, local_date, local_midnight, utcnow
from guardian.services.actor import Actor
from guardian.services.ledger import queries
from guardian.services.ledger.queries.buckets import windows
from guardian.services.ledger.queries.freshness import read_freshness
from guardian.services.ledger.queries.names import Names, read_names
from guardian.services.ledger.views import (
    Bucket,
    Freshness,
    Group,
    SpendBucket,
    Summary,
    SummaryQuery,
    Totals,
    UsageFilter,
    UsageView,
)
from guardian.services.people import provider_keys
from guardian.services.people.organizations import get_organization
from guardian.services.people.views import Page
from guardian.ui.pages.usage.address import MOST, STEP, TAG, Address, Asked, Query, asked, before
from guardian.ui.ranges import Range

SERIES = 7
_POINTS = 200
_FEWEST_SERIES = 2  # with fewer the bars say nothing of the groups
# The widest range in days for which the page chooses that bucket by itself: room for some four series.
_CHOSEN: tuple[tuple[Bucket, int], ...] = (("hour", 2), ("day", 45), ("week", 200))
_HOURS_DAYS = 31  # the ledger's own limit

Nothing = Literal["", "unconnected", "filtered", "range"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """The first tab. `previous` is None where no data covers the days before, which `compared` names."""

    summary: Summary
    previous: Summary | None
    compared: Range
    bars: tuple[SpendBucket, ...]
    bucket: Bucket
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explorer:
    """Everything that the page shows of the organization; one of `spending` and `page` is there."""

    asked: Asked
    organizations_zone: str
    freshness: Freshness
    names: Names
    nothing: Nothing
    spending: Spending | None = None
    page: Page[UsageView] | None = None
    row: UsageView | None = None


def read(session: Session, actor: Actor, query: Query) -> Explorer:
    """The page for these parameters. Raises AuthorizationError, and ValidationError for a filter that cannot be."""
    now = utcnow()
    db.prefer_replica(session)
    zone = get_organization(session, actor).time_zone
    wanted = asked(Address.of(query), now, zone)
    spending = _spending(session, actor, wanted, now) if wanted.tab == "groups" else None
    page = _page(session, actor, wanted) if wanted.tab == "rows" else None
    found = bool(spending.summary.groups) if spending else bool(page and page.items)
    return Explorer(
        asked=wanted,
        organizations_zone=zone,
        freshness=read_freshness(session, actor.organization_id, now),
        names=read_names(session, actor.organization_id, wanted.filters),
        nothing="" if found else _nothing(session, actor, wanted, now),
        spending=spending,
        page=page,
        row=_row(session, actor, wanted.row) if wanted.row else None,
    )


def values_of(session: Session, actor: Actor, address: Address, dimension: str) -> tuple[Group, ...]:
    """The values of a dimension that occur with all the other filters of the page, the most expensive ones first.

    Of sessions, and of a dimension with more values than an answer holds, only the 100 most expensive ones.
    """
    db.prefer_replica(session)
    wanted = asked(address, utcnow(), get_organization(session, actor).time_zone)
    others = {name: values for name, values in wanted.filters.items() if name != dimension}
    query = replace(_query(wanted, wanted.window), filters=others, group_by=(dimension,))
    most = replace(query, top=MOST)
    try:
        found = queries.summary(session, actor, most if dimension == "session" else query)
    except ValidationError:
        found = queries.summary(session, actor, most)
    return tuple(group for group in found.groups if not group.others)


def buckets_for(span: Range) -> tuple[Bucket, ...]:
    """The buckets that make a legible chart of the range, the finest first."""
    length = (span.last - span.first).days + 1
    bars = {"hour": length * 24, "day": length, "week": length // 7, "month": length // 30}
    legible = [b for b in get_args(Bucket) if bars[b] + 1 >= 2 and bars[b] * _FEWEST_SERIES <= _POINTS]
    return tuple(b for b in legible if b != "hour" or length <= _HOURS_DAYS) or ("day",)


def _bucket(wanted: Asked) -> Bucket:
    possible = buckets_for(wanted.span)
    if wanted.bucket in possible:
        return wanted.bucket
    length = (wanted.span.last - wanted.span.first).days + 1
    chosen = next((bucket for bucket, longest in _CHOSEN if length <= longest), "month")
    return chosen if chosen in possible else possible[-1]


def _spending(session: Session, actor: Actor, wanted: Asked, now: datetime) -> Spending:
    query = _query(wanted, wanted.window)
    summary = queries.summary(session, actor, replace(query, top=wanted.most))
    bucket = _bucket(wanted)
    compared, window = before(wanted.span, now, wanted.tz)
    return Spending(
        summary=summary,
        previous=_previous(session, actor, wanted, window, summary),
        compared=compared,
        bars=_bars(session, actor, query, bucket, len(summary.groups)),
        bucket=bucket,
        buckets=buckets_for(wanted.span),
    )


def _bars(session: Session, actor: Actor, query: SummaryQuery, bucket: Bucket, groups: int) -> tuple[SpendBucket, ...]:
    """At most 200 points: bars, times the series in each of them."""
    bars = len(windows(bucket, query.start, query.end, ZoneInfo(query.tz)))
    room = min(_POINTS // bars, SERIES + 1)
    top = max(1, groups if groups <= min(room, SERIES) else room - 1)
    return queries.summary(session, actor, replace(query, bucket=bucket, top=top)).buckets


def _previous(session: Session, actor: Actor, wanted: Asked, window: Window, summary: Summary) -> Summary | None:
    """The same groups in the days before, with their whole; None where no book covers all of those days."""
    if window.start >= window.end:
        return None
    query = replace(_query(wanted, window), group_by=())
    # Only buckets tell whether a book covers them.
    whole = queries.summary(session, actor, replace(query, bucket="week"))
    if not all(bucket.covered for bucket in whole.buckets):
        return None
    filters = {**wanted.filters, **_only(wanted, summary)}
    same = queries.summary(
        session, actor, replace(query, filters=filters, group_by=(wanted.group_by,), top=wanted.most)
    )
    return replace(whole, groups=same.groups)


def _only(wanted: Asked, summary: Summary) -> Mapping[str, tuple[str, ...]]:
    """A filter that leaves the groups shown; a filter takes at most 100 values, so more groups are not narrowed."""
    values = [group.values[wanted.group_by] or "" for group in summary.groups if not group.others]
    if not 0 < len(values) <= 2 * STEP:
        return {}
    if not wanted.group_by.startswith(TAG):
        return {wanted.group_by: tuple(values)}
    key = wanted.group_by.removeprefix(TAG)
    others = [each for each in wanted.filters.get("tag", ()) if not each.startswith(f"{key}:")]
    return {"tag": (*others, *(f"{key}:{value}" for value in values))}


def _query(wanted: Asked, window: Window) -> SummaryQuery:
    return SummaryQuery(
        start=window.start, end=window.end, tz=wanted.zone, group_by=(wanted.group_by,), filters=wanted.filters
    )


def _page(session: Session, actor: Actor, wanted: Asked) -> Page[UsageView]:
    window = wanted.window
    rows = UsageFilter(start=window.start, end=window.end, filters=wanted.filters)
    return queries.list_usage(session, actor, rows, wanted.cursor, STEP)


def _row(session: Session, actor: Actor, id: str) -> UsageView | None:
    try:
        return queries.get_usage(session, actor, id)
    except NotFoundError:
        return None


def _nothing(session: Session, actor: Actor, wanted: Asked, now: datetime) -> Nothing:
    """Why there is nothing to see, which decides the way on."""
    if wanted.filters:
        return "filtered"
    today = local_date(now, wanted.tz)
    year = Window(local_midnight(today - 365 * DAY, wanted.tz), local_midnight(today + DAY, wanted.tz))
    if queries.summary(session, actor, replace(_query(wanted, year), group_by=())).totals != Totals():
        return "range"
    return "range" if provider_keys.list_keys(session, actor) else "unconnected"
