"""Requests of a month: what counts, where the month begins, and what a caller is told when they are used up."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from guardian.models import UsageRollup
from guardian.models.base import new_id
from guardian.models.enums import CostSource, Plan, Provider, UsageOrigin
from guardian.services.people.billing import counting
from guardian.services.people.billing.counting import FRESH_SECONDS, Rooms, gateway_requests, month_of
from tests.conftest import People
from tests.unit.billing.conftest import Put

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def add(
    session: Session, organization_id: str, requests: int, at: datetime = NOW, origin: UsageOrigin = UsageOrigin.GATEWAY
) -> None:
    session.add(
        UsageRollup(
            organization_id=organization_id,
            id=new_id(),
            hour=at.replace(minute=0),
            provider=Provider.OPENAI,
            model="gpt-5",
            operation="chat",
            origin=origin,
            cost_source=CostSource.COMPUTED,
            rows=requests,
            requests=requests,
        )
    )
    session.commit()


def test_calls_through_the_gateway_of_this_month_count_and_nothing_else(session: Session, people: People) -> None:
    mine = people.alice.organization_id
    month = month_of(NOW)
    assert (month.start, month.end) == (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
    add(session, mine, 5)
    add(session, mine, 7, month.start)
    add(session, mine, 100, month.start - timedelta(hours=1))
    add(session, mine, 100, month.end)
    add(session, people.charlie.organization_id, 100)
    for origin in (UsageOrigin.INGEST, UsageOrigin.IMPORT, UsageOrigin.SYNC):
        add(session, mine, 100, origin=origin)
    assert gateway_requests(session, mine, month) == 12


def test_a_plan_is_full_when_its_requests_are_used_up(session: Session, people: People, put_on: Put) -> None:
    mine, seconds = people.alice.organization_id, 0.0
    rooms = Rooms(lambda: seconds)
    put_on(people.alice, Plan.FREE)
    add(session, mine, 9_999)
    assert rooms.full(session, mine, NOW) is None
    add(session, mine, 1)
    assert rooms.full(session, mine, NOW) is None
    seconds = FRESH_SECONDS + 1
    full = rooms.full(session, mine, NOW)
    assert full is not None
    assert full.details == {"plan": "FREE", "limit": 10_000, "used": 10_000, "resetsAt": "2026-12-01T00:00:00Z"}
    assert full.message == (
        "The plan Free has 10,000 requests a month, and they are used up. The count starts anew on 01 December 2026 "
        "(UTC); a larger plan has more, under Plan and invoices."
    )
    # A larger plan holds at once, and a new month begins with nothing.
    put_on(people.alice, Plan.STARTER)
    assert rooms.full(session, mine, NOW) is None
    put_on(people.alice, Plan.FREE)
    assert rooms.full(session, mine, NOW) is not None
    assert rooms.full(session, mine, NOW + timedelta(days=10)) is None


def test_of_a_plan_without_a_limit_nothing_is_counted(
    session: Session, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> int:
        raise AssertionError("counted")

    monkeypatch.setattr(counting, "gateway_requests", never)
    assert Rooms().full(session, people.alice.organization_id, NOW) is None
    assert Rooms().full(session, "nobody", NOW) is None
