"""Retention: single calls go, sums stay, nothing that comes again is counted twice."""

from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time
from sqlalchemy import text
from sqlmodel import Session, col, func, select

from guardian import db
from guardian.jobs import retention as jobs
from guardian.models import Organization, UsageLog, UsageRollup
from guardian.models.enums import Plan
from guardian.services.actor import Actor
from guardian.services.ledger import retention
from guardian.services.ledger.sql.partitions import ensure_partitions
from tests.conftest import People
from tests.unit.guard.ledger import add_calls

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _anew() -> None:
    retention._known.clear()


@pytest.fixture
def used(session: Session, people: People) -> People:
    """Alice's organization keeps 90 days, Charlie's 400; both have calls of many months."""
    session.get_one(Organization, people.alice.organization_id).plan = Plan.STARTER
    session.get_one(Organization, people.charlie.organization_id).plan = Plan.GROWTH
    for actor in (people.alice, people.charlie):
        for days in (1, 80, 100, 200, 399, 500, 520):
            add_calls(session, actor, NOW - timedelta(days=days), "1")
    session.commit()
    return people


def _days(session: Session, actor: Actor) -> list[int]:
    query = select(UsageLog.timestamp).where(UsageLog.organization_id == actor.organization_id)
    return sorted((NOW - moment).days for moment in session.exec(query))


def _sum(session: Session, actor: Actor) -> float:
    query = select(func.sum(UsageRollup.cost)).where(UsageRollup.organization_id == actor.organization_id)
    return float(session.exec(query).one() or 0)


def _names(session: Session) -> set[str]:
    return {month.name for month in retention.months(session)}


def test_calls_go_as_each_plan_says_and_sums_stay(session: Session, used: People) -> None:
    with freeze_time(NOW):
        jobs.forget_calls()
    assert _days(session, used.alice) == [1, 80]
    assert _days(session, used.charlie) == [1, 80, 100, 200, 399]
    assert (_sum(session, used.alice), _sum(session, used.charlie)) == (7, 7)
    names = _names(session)
    assert "usage_logs_2025_07" not in names  # 500 days ago
    assert "usage_logs_2025_10" in names  # 399 days ago, of Charlie's
    assert "usage_logs_2026_11" in names


def test_who_keeps_all_keeps_every_month(session: Session, used: People) -> None:
    session.get_one(Organization, used.charlie.organization_id).plan = Plan.ENTERPRISE
    session.commit()
    with freeze_time(NOW):
        jobs.forget_calls()
    assert _days(session, used.alice) == [1, 80]
    assert len(_days(session, used.charlie)) == 7
    assert "usage_logs_2025_07" in _names(session)


def test_a_dry_run_changes_nothing(session: Session, used: People) -> None:
    before, said = _names(session), list[str]()
    with freeze_time(NOW):
        jobs.run(said.append, dry_run=True)
        session.connection().execute(text("ANALYZE usage_logs_2025_07"))
        session.commit()
        jobs.run(said.append, dry_run=True)
    assert "month 2025-07 would be dropped (about 2 rows)" in said
    assert "month 2025-07 would be dropped (rows not counted)" in said
    assert any(line.startswith("5 calls before 2026-08-22 would be deleted") for line in said)
    session.expire_all()
    assert _names(session) == before
    assert len(_days(session, used.alice)) == 7
    assert retention.kept_from(session, used.alice.organization_id) is None


def test_what_comes_again_is_not_counted_again(session: Session, used: People) -> None:
    with freeze_time(NOW):
        jobs.forget_calls()
    retention._known.clear()  # a minute later
    add_calls(session, used.alice, NOW - timedelta(days=200), "1", "1")
    add_calls(session, used.alice, NOW - timedelta(days=2), "1")
    session.commit()
    assert _days(session, used.alice) == [1, 2, 80]
    assert _sum(session, used.alice) == 8


def test_deleting_goes_on_where_it_stopped(session: Session, used: People) -> None:
    floor = retention.floor_of(90, NOW)
    assert floor == datetime(2026, 8, 22, tzinfo=UTC)
    organization_id = used.alice.organization_id
    assert [retention.forget_older(session, organization_id, floor, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert retention.count_older(session, used.charlie.organization_id, floor) == 5


def test_a_month_that_was_dropped_can_be_made_again(session: Session, used: People) -> None:
    with db.session() as one:  # this connection knows its partitions
        ensure_partitions(one, NOW - timedelta(days=520), NOW)
    with freeze_time(NOW):
        jobs.forget_calls()
    add_calls(session, used.charlie, NOW - timedelta(days=300), "1")
    session.commit()
    assert 300 in _days(session, used.charlie)
    assert session.exec(select(func.count()).where(col(UsageLog.timestamp) < NOW - timedelta(days=400))).one() == 0
