"""Room in a plan: what fits, what is refused and in which words, and that nothing goes when a plan shrinks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from sqlmodel import Session, col, select

from guardian import db
from guardian.config import settings
from guardian.errors import ConflictError, NotFoundError
from guardian.models import ApiKey, Organization
from guardian.models.enums import AlertType, Plan, Provider
from guardian.periods import utcnow
from guardian.records import TestResult
from guardian.services.actor import Actor
from guardian.services.guard.alerts.rules import NewAlert, create_alert
from guardian.services.people import provider_keys
from guardian.services.people.access.accounts import register
from guardian.services.people.billing.keeping import give_plan
from guardian.services.people.billing.plans import PLANS, count, require_room, retention_days
from tests.conftest import People
from tests.unit.billing.conftest import Put

GOOD = TestResult(success=True, message="This key works.", kind="inference")
LIMITED = ("members", "keys", "alerts", "retention_days", "requests_per_month")


def add_key(session: Session, actor: Actor, number: int) -> None:
    provider_keys.add_key(
        session, actor, provider=Provider.OPENAI, secret=f"sk-number-{number:020}", label=f"key {number}", tested=GOOD
    )


def test_each_larger_plan_has_more_of_everything() -> None:
    assert list(PLANS) == list(Plan)
    for smaller, larger in pairwise(PLANS.values()):
        for name in LIMITED:
            limit = getattr(larger, name)
            assert limit is None or limit > getattr(smaller, name), name
        assert larger.price is None or larger.price > (smaller.price or 0)
    assert all(getattr(PLANS[Plan.ENTERPRISE], name) is None for name in (*LIMITED, "price"))


def test_a_plan_has_room_for_so_many_keys_and_no_more(session: Session, people: People, put_on: Put) -> None:
    put_on(people.alice, Plan.FREE)
    for number in range(3):
        add_key(session, people.alice, number)
    with pytest.raises(ConflictError) as refused:
        add_key(session, people.bob, 3)
    assert (refused.value.code, refused.value.status_code) == ("PLAN_LIMIT", 409)
    assert refused.value.message == (
        "The plan Free has room for 3 provider keys, and 3 are in use. "
        "Remove one, or move to a larger plan under Plan and invoices."
    )
    assert refused.value.details == {"resource": "keys", "plan": "FREE", "limit": 3, "used": 3}
    # Another organization has room of its own, and a larger plan has more.
    add_key(session, people.charlie, 3)
    put_on(people.alice, Plan.STARTER)
    add_key(session, people.alice, 4)


def test_a_smaller_plan_takes_nothing_away_and_lets_nothing_in(session: Session, people: People, put_on: Put) -> None:
    for number in range(5):
        add_key(session, people.alice, number)
    put_on(people.alice, Plan.FREE)
    assert count(session, people.alice.organization_id, "keys") == 5
    assert all(session.exec(select(ApiKey.is_active).where(col(ApiKey.organization_id).is_not(None))))
    with pytest.raises(ConflictError, match="room for 3 provider keys, and 5 are in use"):
        add_key(session, people.alice, 5)


def test_alerts_and_members_have_their_room_too(session: Session, people: People, put_on: Put) -> None:
    put_on(people.alice, Plan.FREE)
    wanted = NewAlert(name="Spend", type=AlertType.COST_THRESHOLD, threshold=Decimal(5))
    for _ in range(5):
        create_alert(session, people.alice, wanted)
    with pytest.raises(ConflictError, match="room for 5 alerts, and 5 are in use"):
        create_alert(session, people.alice, wanted)
    require_room(session, people.alice.organization_id, "members")
    with pytest.raises(ConflictError, match="room for 3 members, and 2 are in use"):
        require_room(session, people.alice.organization_id, "members", adding=2)


def test_of_two_at_once_only_one_gets_the_last_place(session: Session, people: People, put_on: Put) -> None:
    put_on(people.alice, Plan.FREE)
    for number in range(2):
        add_key(session, people.alice, number)
    session.commit()

    def add(number: int) -> str | None:
        try:
            with db.session() as own:
                add_key(own, people.alice, number)
        except ConflictError as error:
            return error.code
        return None

    with ThreadPoolExecutor() as pool:
        assert sorted(map(str, pool.map(add, (2, 3)))) == ["None", "PLAN_LIMIT"]
    assert count(session, people.alice.organization_id, "keys") == 3


def test_who_is_not_there_has_no_room(session: Session, people: People) -> None:
    with pytest.raises(NotFoundError):
        require_room(session, "nobody", "keys")


@pytest.mark.parametrize(("stripe_key", "plan"), [(None, Plan.ENTERPRISE), ("sk_test_1", Plan.FREE)])
def test_the_plan_to_begin_with(
    session: Session, monkeypatch: pytest.MonkeyPatch, stripe_key: str | None, plan: Plan
) -> None:
    if stripe_key:
        monkeypatch.setenv("STRIPE_SECRET_KEY", stripe_key)
    settings.cache_clear()
    user = register(session, email="ada@acme.test", password="correct horse battery")
    assert session.get_one(Organization, user.organization_id).plan is plan


def test_what_a_larger_plan_kept_is_kept_for_a_month_more(session: Session, people: People) -> None:
    organization = session.get_one(Organization, people.alice.organization_id)
    start = utcnow()
    assert retention_days(organization, start) is None
    give_plan(session, None, organization, Plan.GROWTH, why="assigned")
    assert retention_days(organization, start) is None
    # A second step down does not begin anew with less.
    give_plan(session, None, organization, Plan.FREE, why="assigned")
    assert retention_days(organization, start + timedelta(days=29)) is None
    assert retention_days(organization, start + timedelta(days=31)) == 30
    give_plan(session, None, organization, Plan.SCALE, why="assigned")
    session.commit()
    assert retention_days(organization, start + timedelta(days=31)) == 800
