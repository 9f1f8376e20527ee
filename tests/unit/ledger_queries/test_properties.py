"""Whatever the rows, the zone and the range: every sum adds up, and equals one made in plain Python."""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardian.models.enums import Provider, UsageOrigin
from guardian.models.keys import ProviderAccount
from guardian.models.usage import UsageLog
from guardian.periods import DAY, HOUR, floor_hour, local_midnight, local_months
from guardian.services.ledger import queries
from guardian.services.ledger.queries import buckets, sums
from guardian.services.ledger.views import SummaryQuery, Totals
from tests.unit.ledger_queries.conftest import Ledger

FULL = os.environ.get("GUARDIAN_FULL") == "1"
ZONES = sorted(available_timezones())
ODD_ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Beirut"),
    *("Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Apia", "Antarctica/Troll", "America/Havana", "Africa/Cairo"),
)
FIRST = date(2026, 2, 20)  # the clocks change in America on 8 March and in Europe on 29 March
SPAN = 50

moments = st.integers(0, SPAN * 24 * 60 - 1).map(
    lambda minutes: datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(minutes=minutes)
)
rows = st.fixed_dictionaries(
    {
        "at": moments,
        "cost": st.none() | st.decimals(0, 100, places=10),
        "provider": st.sampled_from([Provider.OPENAI, Provider.ANTHROPIC]),
        "model": st.sampled_from(["a", "b"]),
        "origin": st.sampled_from([UsageOrigin.SYNC, UsageOrigin.SYNC, UsageOrigin.GATEWAY, UsageOrigin.INGEST]),
        "account_id": st.sampled_from(["first", "second"]),
        "project_id": st.sampled_from([None, "p", "q"]),
        "requests": st.none() | st.integers(0, 5),
        "input_tokens": st.integers(0, 10**12),
    }
)
spans = st.tuples(st.sampled_from(list(Provider)[:2]), st.sampled_from(["first", "second"]), moments, moments)
days = st.tuples(st.integers(0, SPAN), st.integers(0, SPAN)).map(sorted)


def truth(written: list[UsageLog], covered: list[ProviderAccount]) -> list[UsageLog]:
    """The rows that are spend, by the words of design and not by the SQL: row by row, hour by hour."""
    places = {
        (row.provider, row.account_id, floor_hour(row.timestamp), row.origin is UsageOrigin.SYNC) for row in written
    }
    spans = {(a.provider, a.account_id): (a.covered_from, a.covered_to) for a in covered}

    def counts(row: UsageLog) -> bool:
        place = row.provider, row.account_id, floor_hour(row.timestamp)
        reported = row.origin is UsageOrigin.SYNC
        since, until = spans.get(place[:2], (None, None))
        if since is not None and until is not None and since <= place[2] < until:
            return reported
        rival = (*place, not reported) in places
        pulled_before = since is not None and place[2] < since
        return not rival or reported is pulled_before

    return [row for row in written if counts(row)]


def added(found: list[Totals]) -> Totals:
    whole = Totals()
    for each in found:
        whole = sums.add(whole, each)
    return whole


def of_rows(found: list[UsageLog]) -> Totals:
    unpriced = [row for row in found if row.cost is None]
    return Totals(
        cost=sum((row.cost for row in found if row.cost is not None), Decimal(0)),
        requests=sum(row.requests or 0 for row in found),
        input_tokens=sum(row.input_tokens for row in found),
        output_tokens=sum(row.output_tokens for row in found),
        unpriced_rows=len(unpriced),
        unpriced_tokens=sum(row.total_tokens for row in unpriced),
    )


@given(
    drawn=st.lists(rows, max_size=40),
    covered=st.lists(spans, max_size=3, unique_by=lambda span: span[:2]),
    zone=st.sampled_from(ZONES if FULL else ODD_ZONES),
    between=days,
    bucket=st.sampled_from(["day", "month", "hour"]),
    group_by=st.sampled_from([("model",), ("provider", "project"), ("origin", "account", "costSource")]),
)
@settings(max_examples=400 if FULL else 40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sums_of_groups_and_of_buckets_are_the_total_and_the_truth(
    ledger: Ledger,
    drawn: list[dict[str, Any]],
    covered: list[Any],
    zone: str,
    between: list[int],
    bucket: Any,
    group_by: Any,
) -> None:
    tz = ZoneInfo(zone)
    if bucket == "hour":
        between = [between[0], min(between[1], between[0] + 20)]
    first, last = (FIRST + n * DAY for n in between)
    start, end = local_midnight(first, tz), local_midnight(last + DAY, tz)
    written = [ledger.row(**row) for row in drawn]
    accounts = [
        ProviderAccount(
            organization_id=ledger.actor.organization_id,
            provider=provider,
            account_id=account,
            covered_from=floor_hour(min(since, until)),
            covered_to=floor_hour(max(since, until)),
        )
        for provider, account, since, until in covered
    ]
    # A pull makes the row of its account before it writes anything else.
    pulled = {(row.provider, row.account_id) for row in written if row.origin is UsageOrigin.SYNC}
    for provider, account in pulled - {span[:2] for span in covered}:
        organization_id = ledger.actor.organization_id
        accounts.append(ProviderAccount(organization_id=organization_id, provider=provider, account_id=account or ""))
    try:
        ledger.roll_up(written)
        ledger.session.add_all(accounts)
        ledger.session.flush()
        queries.invalidate_organization(ledger.actor.organization_id)
        query = SummaryQuery(start=start, end=end, tz=zone, bucket=bucket, group_by=group_by)
        found = queries.summary(ledger.session, ledger.actor, query)
    finally:
        ledger.session.rollback()
    spend = [row for row in truth(written, accounts) if start <= floor_hour(row.timestamp) < end]
    assert found.totals == of_rows(spend)
    assert added([group.totals for group in found.groups]) == found.totals
    assert added([each.totals for each in found.buckets]) == found.totals
    for each in found.buckets:
        assert added([group.totals for group in each.groups]) == each.totals
        # The bucket of a row is that of the local time at which its hour began.
        inside = [row for row in spend if each.start <= floor_hour(row.timestamp) < each.end]
        assert each.totals == of_rows(inside)
        assert len({label(floor_hour(row.timestamp).astimezone(tz), bucket) for row in inside}) <= 1


def label(local: datetime, bucket: str) -> tuple[int, ...]:
    # Where the clock goes back over an hour, the same reading comes twice: the offset tells them apart.
    offset = int((local.utcoffset() or timedelta()).total_seconds())
    return (local.month, local.day, local.hour, offset)[: {"month": 1, "day": 2, "hour": 4}[bucket]]


@pytest.mark.parametrize("zone", ZONES if FULL else ODD_ZONES)
def test_days_add_up_to_their_month_and_hours_to_their_day_in_every_zone(zone: str) -> None:
    tz = ZoneInfo(zone)
    for month in local_months(date(2025, 1, 1), date(2027, 12, 31), tz):
        cut = buckets.windows("day", month.start, month.end, tz)
        assert (cut[0].start, cut[-1].end) == (month.start, month.end)
        assert all(one.end == other.start for one, other in pairwise(cut))
        assert 28 <= len(cut) <= 31
    for hour in hours_of(date(2026, 1, 1), date(2026, 12, 31), tz):
        assert hour.end - hour.start in (HOUR, HOUR * 1.5)


def hours_of(first: date, last: date, tz: ZoneInfo) -> Iterator[Any]:
    day = first
    while day <= last:
        start, end = local_midnight(day, tz), local_midnight(day + 20 * DAY, tz)
        cut = buckets.windows("hour", start, end, tz)
        assert (cut[0].start, cut[-1].end) == (start, end)
        yield from cut
        day += 20 * DAY
