"""Sums of whole days: whatever is written, covered and asked, the answer is the one that the rollups give."""

import threading
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlmodel import Session

from guardian import db
from guardian.models import Organization
from guardian.models.cells import CELLS, UsageChange
from guardian.models.enums import Provider, UsageOrigin
from guardian.models.keys import ProviderAccount
from guardian.periods import DAY, Window, floor_hour, local_midnight
from guardian.services.ledger import daily, queries
from guardian.services.ledger.queries import days, summaries
from guardian.services.ledger.queries.books import read_books
from guardian.services.ledger.queries.stretches import stretches
from guardian.services.ledger.views import Summary, SummaryQuery, UsageFilter
from tests.unit.ledger_queries.conftest import Ledger, utc
from tests.unit.ledger_queries.test_properties import FIRST, FULL, ODD_ZONES, SPAN, ZONES, moments, spans

GATEWAY = UsageOrigin.GATEWAY
NOW = utc("2026-04-30")

rows = st.fixed_dictionaries(
    {
        "at": moments,
        "cost": st.none() | st.decimals(0, 100, places=10),
        "provider": st.sampled_from([Provider.OPENAI, Provider.ANTHROPIC]),
        "model": st.sampled_from(["a", "b"]),
        "origin": st.sampled_from([UsageOrigin.SYNC, UsageOrigin.SYNC, UsageOrigin.GATEWAY, UsageOrigin.INGEST]),
        "account_id": st.sampled_from([None, "first", "second"]),
        "project_id": st.sampled_from([None, "p", "q"]),
        "service_tier": st.sampled_from([None, "batch"]),
        "tags": st.sampled_from([{}, {"team": "web"}, {"team": "app", "feature": "="}]),
        "requests": st.none() | st.integers(0, 5),
        "input_tokens": st.integers(0, 10**12),
    }
)
groups = st.sampled_from(
    [(), ("model",), ("team",), ("tag:feature",), ("origin", "costSource"), ("provider", "project", "tier", "model")]
)
filters = st.sampled_from(
    [
        {},
        {"model": ("a",)},
        {"project": ("", "p")},
        {"origin": ("gateway",)},
        {"origin": ("sync", "ingest")},
        {"tag": ("team:web", "feature:")},
        {"provider": ("OPENAI",), "account": ("first",), "team": ("",), "tier": ("batch",)},
    ]
)


def account(ledger: Ledger, provider: Provider, name: str, since: datetime, until: datetime) -> ProviderAccount:
    return ProviderAccount(
        organization_id=ledger.actor.organization_id,
        provider=provider,
        account_id=name,
        covered_from=floor_hour(min(since, until)),
        covered_to=floor_hour(max(since, until)),
    )


def keep_zone(session: Session, organization_id: str, zone: str) -> None:
    organization = session.get_one(Organization, organization_id)
    organization.settings = {"timeZone": zone}
    session.flush()


def make_all(ledger: Ledger, now: datetime = NOW, at_once: int = 100) -> None:
    while daily.make_days(ledger.session, ledger.actor.organization_id, now, at_once):
        pass


def ask(ledger: Ledger, start: datetime | str, end: datetime | str, **query: Any) -> Summary:
    queries.invalidate_organization(ledger.actor.organization_id)
    edges = [utc(moment) if isinstance(moment, str) else moment for moment in (start, end)]
    return queries.summary(ledger.session, ledger.actor, SummaryQuery(start=edges[0], end=edges[1], **query))


def days_at_hand(ledger: Ledger) -> list[days.Day]:
    window = Window(utc("2026-01-01"), utc("2026-12-31"))
    return list(read_books(ledger.session, ledger.actor.organization_id, window).days)


@given(
    first=st.lists(rows, max_size=25),
    later=st.lists(rows, max_size=4),
    covered=st.lists(spans, max_size=3, unique_by=lambda span: span[:2]),
    covered_later=st.booleans(),
    zones=st.tuples(st.sampled_from(ZONES if FULL else ODD_ZONES), st.sampled_from(ODD_ZONES), st.booleans()),
    between=st.tuples(st.integers(0, SPAN), st.integers(0, SPAN)).map(sorted),
    off=st.sampled_from([timedelta(0), timedelta(0), timedelta(minutes=95)]),
    bucket=st.sampled_from([None, "day", "week", "month"]),
    group_by=groups,
    filtered=filters,
    top=st.sampled_from([None, 1, 2]),
)
@settings(max_examples=400 if FULL else 40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_days_change_no_answer(
    ledger: Ledger,
    first: list[dict[str, Any]],
    later: list[dict[str, Any]],
    covered: list[Any],
    covered_later: bool,
    zones: tuple[str, str, bool],
    between: list[int],
    off: timedelta,
    bucket: Any,
    group_by: tuple[str, ...],
    filtered: dict[str, tuple[str, ...]],
    top: int | None,
) -> None:
    mine, other, same = zones
    tz = ZoneInfo(mine if same else other)
    start = local_midnight(FIRST + between[0] * DAY, tz) + off
    end = local_midnight(FIRST + (between[1] + 1) * DAY, tz) + off
    accounts = [account(ledger, *span) for span in covered]
    named = {span[:2] for span in covered}
    pulled = {(r["provider"], r["account_id"]) for r in [*first, *later] if r["account_id"]} - named
    accounts += [
        ProviderAccount(organization_id=ledger.actor.organization_id, provider=provider, account_id=name)
        for provider, name in sorted(pulled)
    ]
    try:
        keep_zone(ledger.session, ledger.actor.organization_id, mine)
        if not covered_later:
            ledger.session.add_all(accounts)
        ledger.roll_up([ledger.row(**row) for row in first])
        make_all(ledger)
        assert not first or days_at_hand(ledger)
        ledger.roll_up([ledger.row(**row) for row in later])
        if covered_later:
            ledger.session.add_all(accounts)
        ledger.session.flush()
        query = {"tz": tz.key, "bucket": bucket, "group_by": group_by, "filters": filtered, "top": top}
        with_days = ask(ledger, start, end, **query)
        ledger.session.connection().execute(text("DELETE FROM usage_days"))
        assert with_days == ask(ledger, start, end, **query)
    finally:
        ledger.session.rollback()


def test_a_change_makes_its_own_day_outdated_and_no_other(ledger: Ledger) -> None:
    ledger.write(*(ledger.row(f"2026-03-0{day}T12:00", "1") for day in (1, 2, 3)))
    make_all(ledger, utc("2026-03-04T05:30"))
    assert [day.start for day in days_at_hand(ledger)] == [utc(f"2026-03-0{day}") for day in (1, 2, 3, 4)]
    assert days_at_hand(ledger)[-1].end == utc("2026-03-04T05:00")
    ledger.write(ledger.row("2026-03-02T23:59", "20"))
    assert [day.start for day in days_at_hand(ledger)] == [utc(f"2026-03-0{day}") for day in (1, 3, 4)]
    assert ask(ledger, "2026-03-01", "2026-03-04").totals.cost == 23
    assert daily.make_days(ledger.session, ledger.actor.organization_id, utc("2026-03-04T05:59")) == 0
    assert len(days_at_hand(ledger)) == 4
    assert ask(ledger, "2026-03-01", "2026-03-04").totals.cost == 23


def test_sums_really_come_from_the_days(ledger: Ledger) -> None:
    ledger.write(ledger.row("2026-03-01T12:00", "1"), ledger.row("2026-03-02T12:00", "2"))
    make_all(ledger)
    ledger.session.connection().execute(text("UPDATE usage_cells SET cost = cost + 100 WHERE start = '2026-03-01Z'"))
    assert ask(ledger, "2026-03-01", "2026-03-03").totals.cost == 103
    assert ask(ledger, "2026-03-01T01:00", "2026-03-03").totals.cost == 3, "a day that the range cuts"
    assert ask(ledger, "2026-03-01", "2026-03-03", tz="Asia/Tokyo", bucket="day").totals.cost == 5 - 2
    assert ask(ledger, "2026-03-01", "2026-03-03", group_by=("model", "user", "team", "tier")).totals.cost == 103


def test_coverage_that_changes_the_rule_of_a_day_takes_it_out_until_it_is_made_again(ledger: Ledger) -> None:
    ledger.write(
        ledger.row("2026-03-01T12:00", "1", origin=GATEWAY, account_id=None),
        ledger.row("2026-03-02T12:00", "20", origin=GATEWAY),
        ledger.row("2026-03-02T13:00", "300"),
    )
    make_all(ledger, utc("2026-03-03"))
    ledger.cover("2026-03-02", "2026-03-03")
    assert [day.start for day in days_at_hand(ledger)] == [utc("2026-03-01")]
    assert ask(ledger, "2026-03-01", "2026-03-03").totals.cost == 301
    make_all(ledger, utc("2026-03-03"))
    assert len(days_at_hand(ledger)) == 2
    assert ask(ledger, "2026-03-01", "2026-03-03").totals.cost == 301
    # Another account of the same provider, which has no rows here, changes nothing before it is covered.
    ledger.cover("2026-03-02T12:00", "2026-03-03", account="new")
    assert [day.start for day in days_at_hand(ledger)] == [utc("2026-03-01")]


def test_another_zone_of_the_organization_makes_other_days(ledger: Ledger, session: Session) -> None:
    ledger.write(*(ledger.row(f"2026-03-0{day}T12:00", "1") for day in (1, 2, 3)))
    make_all(ledger, utc("2026-03-05"))
    keep_zone(session, ledger.actor.organization_id, "Asia/Tokyo")
    make_all(ledger, utc("2026-03-05"), at_once=2)
    assert {day.start.hour for day in days_at_hand(ledger)} == {15}
    starts = set(session.connection().execute(select(CELLS.c.start).distinct()).scalars())
    assert starts <= {day.start for day in days_at_hand(ledger)}
    tokyo = {"tz": "Asia/Tokyo", "bucket": "day"}
    assert ask(ledger, "2026-02-28T15:00", "2026-03-03T15:00", **tokyo).totals.cost == 3


def test_what_is_to_be_made_is_known(ledger: Ledger, other_ledger: Ledger, session: Session) -> None:
    mine = ledger.actor.organization_id
    assert daily.organizations(session, NOW) == []
    ledger.write(*(ledger.row(f"2026-03-0{day}T12:00", "1") for day in (1, 2, 3, 4)))
    assert daily.organizations(session, NOW) == [mine]
    assert daily.make_days(session, mine, utc("2026-03-05"), at_once=3) == 1
    assert daily.organizations(session, utc("2026-03-05T00:59")) == [mine], "the first day is still to be made"
    assert daily.make_days(session, mine, utc("2026-03-05"), at_once=3) == 0
    assert daily.organizations(session, utc("2026-03-05T00:59")) == []
    assert daily.organizations(session, utc("2026-03-05T01:00")) == [mine]
    ledger.write(ledger.row("2026-03-05T00:30", "1"))
    assert daily.organizations(session, utc("2026-03-05T00:59")) == [mine]
    assert daily.make_days(session, mine, utc("2026-03-05")) == 0
    assert session.connection().execute(select(func.count()).select_from(UsageChange)).scalar_one() == 0


def test_one_call_leaves_nothing_of_the_running_hour(ledger: Ledger, session: Session) -> None:
    """Just after midnight, too, when the running hour is in no day at all."""
    mine = ledger.actor.organization_id
    for now in (utc("2026-03-05T00:40"), utc("2026-03-05T09:40")):
        ledger.write(ledger.row("2026-03-04T12:00", "1"), ledger.row(f"{floor_hour(now):%Y-%m-%dT%H}:30", "1"))
        assert daily.make_days(session, mine, now) == 0
        assert daily.organizations(session, now) == []


def test_a_change_that_was_not_seen_is_not_forgotten(ledger: Ledger, session: Session) -> None:
    """A writer is not done while the days are made: its day is outdated once it is, not before and not never."""
    ledger.write(ledger.row("2026-03-01T12:00", "1"))
    with Session(db.engine()) as writing:
        Ledger(writing, ledger.actor).roll_up([ledger.row("2026-03-01T13:00", "20")])
        make_all(ledger, utc("2026-03-02"))
        session.commit()
        assert len(days_at_hand(ledger)) == 1
        assert ask(ledger, "2026-03-01", "2026-03-02").totals.cost == 1
        writing.commit()
    assert days_at_hand(ledger) == []
    assert ask(ledger, "2026-03-01", "2026-03-02").totals.cost == 21


def test_an_answer_of_two_states_is_asked_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the days and the sums, today's day is made anew and longer."""
    ledger.write(ledger.row("2026-03-01T10:00", "1"), ledger.row("2026-03-01T11:30", "20"))
    make_all(ledger, utc("2026-03-01T11:00"))
    ledger.session.commit()
    read, seen = summaries.cells.read, list[int]()

    def meanwhile(session: Session, asked: Any) -> Any:
        seen.append(len(asked.days))
        if len(seen) == 1:
            with db.session() as own:
                daily.make_days(own, ledger.actor.organization_id, utc("2026-03-01T12:00"))
        return read(session, asked)

    monkeypatch.setattr(summaries.cells, "read", meanwhile)
    assert ask(ledger, "2026-03-01", "2026-03-02").totals.cost == 21
    assert seen == [1, 1]


def test_two_makers_of_the_same_days_take_turns(ledger: Ledger) -> None:
    ledger.write(*(ledger.row(f"2026-03-0{day}T12:00", "1") for day in (1, 2, 3)))

    def make() -> None:
        with db.session() as own:
            daily.make_days(own, ledger.actor.organization_id, utc("2026-03-04"))

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(days_at_hand(ledger)) == 3
    assert ask(ledger, "2026-03-01", "2026-03-04").totals.cost == 3


def test_organizations_have_days_of_their_own(ledger: Ledger, other_ledger: Ledger) -> None:
    ledger.write(ledger.row("2026-03-01T12:00", "1"))
    other_ledger.write(other_ledger.row("2026-03-01T12:00", "20"))
    make_all(ledger)
    make_all(other_ledger)
    assert ask(ledger, "2026-03-01", "2026-03-02").totals.cost == 1
    assert ask(other_ledger, "2026-03-01", "2026-03-02").totals.cost == 20


def test_a_day_that_disagrees_with_its_rollups_is_found(ledger: Ledger, session: Session) -> None:
    mine = ledger.actor.organization_id
    assert daily.disagreements(session, mine) == []
    ledger.write(*(ledger.row(f"2026-03-0{day}T12:00", "1", tags={"team": "web"}) for day in (1, 2, 3)))
    assert daily.disagreements(session, mine) == []
    make_all(ledger, utc("2026-03-04"))
    assert daily.disagreements(session, mine) == []
    session.connection().execute(
        text("UPDATE usage_cells SET requests = requests + 1 WHERE b = '=web' AND start = '2026-03-02Z'")
    )
    session.connection().execute(text("DELETE FROM usage_cells WHERE b IS NULL AND start = '2026-03-03Z'"))
    found = daily.disagreements(session, mine)
    assert [one.split(" of the ")[1][:14] for one in found] == ["day 2026-03-02", "day 2026-03-03"]
    assert len(daily.disagreements(session, mine, latest=1)) == 1


def test_pages_of_rows_leave_out_days_that_have_none(ledger: Ledger, session: Session) -> None:
    """Each filter finds the same rows with days as without; days that have none of them are not read."""
    tags = {"team": "web"}
    written = [
        ledger.row("2026-03-01T12:00", "1", model="rare", account_id=None),
        ledger.row("2026-03-02T12:00", "1", origin=GATEWAY, tags=tags),
        ledger.row("2026-03-03T23:59:59", "1", model="rare", origin=GATEWAY),
        ledger.row("2026-03-04T12:00", None, project_id="p"),
        ledger.row("2026-03-05T12:00", "1", model="rare", project_id="p", tags=tags, origin=GATEWAY),
    ]
    ledger.cover("2026-03-03", "2026-03-04")
    ledger.write(*written)
    asked: list[dict[str, tuple[str, ...]]] = [
        *({"model": ("rare",)}, {"model": ("rare",), "project": ("",)}, {"tag": ("team:web",)}, {"tag": ("team:",)}),
        *({"user": (ledger.actor.user_id,)}, {"costSource": ("unpriced",)}, {"account": ("",)}, {"model": ("none",)}),
    ]

    def pages() -> list[list[str]]:
        found: list[list[str]] = []
        for filters in asked:
            for limit in (1, 2, 50):
                cursor = None
                while True:
                    usage = UsageFilter(filters=filters)
                    page = queries.list_usage(session, ledger.actor, usage, cursor, limit)
                    found.append([row.id for row in page.items])
                    if (cursor := page.next_cursor) is None:
                        break
            newest, oldest = (
                queries.list_usage(session, ledger.actor, UsageFilter(filters=filters), oldest_first=order).items
                for order in (False, True)
            )
            assert oldest == newest[::-1]
        return found

    without = pages()
    make_all(ledger, utc("2026-03-06"))
    assert pages() == without
    span = Window(utc("2026-03-01"), utc("2026-03-05T18:00"))
    assert stretches(session, ledger.actor.organization_id, {"model": ("rare",)}, span) == [
        Window(utc("2026-03-05"), utc("2026-03-05T18:00")),
        Window(utc("2026-03-03"), utc("2026-03-04")),
        Window(utc("2026-03-01"), utc("2026-03-02")),
    ]
    assert stretches(session, ledger.actor.organization_id, {}, span) == [span]
