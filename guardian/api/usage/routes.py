"""usage: single rows of the ledger with their bill, and what was spent, summed up."""

from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from guardian.api.requests.moments import end_of, start_of
from guardian.api.steps import CallDep, route
from guardian.api.usage.shapes import (
    BucketOut,
    SummaryOut,
    SummaryParameters,
    TotalsOut,
    UsageOut,
    UsageQuery,
    UsageWithBillOut,
    group_json,
)
from guardian.periods import DAY, local_date, local_midnight, utcnow, zone
from guardian.services.ledger import queries
from guardian.services.ledger.views import SummaryQuery, UsageFilter
from guardian.services.people import organizations
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/usage", tags=["usage"])

DEFAULT_DAYS = 30


@route(api, "GET", "", permission="usage:read")
def list_usage(call: CallDep, query: Annotated[UsageQuery, Query()]) -> Page[UsageOut]:
    """Rows of every book, newest first. They are sorted by time alone: by cost, a page would cost a look at all."""
    with call.transaction() as session:
        tz = zone(query.tz or organizations.get_organization(session, call.actor).time_zone)
        wanted = UsageFilter(
            start=start_of(query.from_, "from", tz), end=end_of(query.to, "to", tz), filters=query.filters()
        )
        page = queries.list_usage(
            session, call.actor, wanted, query.cursor, query.limit, oldest_first=query.sort == "timestamp"
        )
    return Page(items=tuple(UsageOut.model_validate(view) for view in page.items), next_cursor=page.next_cursor)


@route(api, "GET", "/summary", permission="usage:read")
def summary(call: CallDep, query: Annotated[SummaryParameters, Query()]) -> SummaryOut:
    """What was spent, from one source per hour (the provider's report where it covers the hour). The last 30 days."""
    with call.transaction() as session:
        name = query.tz or organizations.get_organization(session, call.actor).time_zone
        tz = zone(name)
        today = local_date(utcnow(), tz)
        end = end_of(query.to, "to", tz) or local_midnight(today + DAY, tz)
        start = start_of(query.from_, "from", tz) or _days_before(end, tz)
        wanted = SummaryQuery(
            start=start,
            end=end,
            tz=name,
            bucket=query.bucket,
            group_by=tuple(part.strip() for part in (query.group_by or "").split(",") if part.strip()),
            filters=query.filters(),
            top=query.top,
        )
        found = queries.summary(session, call.actor, wanted)
    return SummaryOut(
        start=start,
        end=end,
        time_zone=name,
        totals=TotalsOut.model_validate(found.totals),
        groups=[group_json(group) for group in found.groups],
        buckets=[
            BucketOut(
                start=bucket.start,
                end=bucket.end,
                covered=bucket.covered,
                groups=[group_json(group) for group in bucket.groups],
                **TotalsOut.model_validate(bucket.totals).model_dump(),
            )
            for bucket in found.buckets
        ],
    )


@route(api, "GET", "/{usage_id}", permission="usage:read")
def get_usage(call: CallDep, usage_id: str) -> UsageWithBillOut:
    """One row with its bill, line by line."""
    with call.transaction() as session:
        return UsageWithBillOut.model_validate(queries.get_usage(session, call.actor, usage_id))


def _days_before(end: datetime, tz: ZoneInfo) -> datetime:
    """The first instant of the 30 local days that `end` closes."""
    last = local_date(end - timedelta(seconds=1), tz)
    return local_midnight(last - (DEFAULT_DAYS - 1) * DAY, tz)
