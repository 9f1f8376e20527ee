"""The organizations of one person: another one, working in one of several, and ending one for good."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlmodel import Session, func, select

from guardian.errors import AuthenticationError, AuthorizationError, ConflictError, NotFoundError, ValidationError
from guardian.models import ActivityLog, ApiKey, Budget, Organization, Subscription, TeamMember, UsageLog, User
from guardian.models.enums import CostSource, Plan, Provider, TeamRole, UsageOrigin
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.services.people import audit, places
from guardian.services.people.access.sessions import actor_for_session, open_session
from tests.conftest import People
from tests.unit.people.making import now


def test_another_organization_is_ones_own_and_empty(session: Session, people: People) -> None:
    made = places.create_organization(session, people.bob, "  Side   project ")
    assert (made.name, made.role, made.current) == ("Side project", TeamRole.OWNER, True)
    actor = now(session, people.bob)
    assert (actor.organization_id, actor.team_role) == (made.id, TeamRole.OWNER)
    assert [(each.name, each.current) for each in places.list_places(session, actor)] == [
        ("Acme", False),
        ("Side project", True),
    ]
    back = places.switch_organization(session, actor, people.bob.organization_id)
    assert (back.name, now(session, people.bob).team_role) == ("Acme", TeamRole.MEMBER)


def test_nobody_works_where_they_do_not_belong(session: Session, people: People) -> None:
    for organization in (people.charlie.organization_id, "c" + "0" * 24):
        with pytest.raises(NotFoundError):
            places.switch_organization(session, people.bob, organization)


def test_an_access_token_stays_in_its_organization(session: Session, people: People) -> None:
    holder = replace(people.alice, scopes=frozenset({"api"}))
    works: tuple[Callable[[], object], ...] = (
        lambda: places.create_organization(session, holder, "Other"),
        lambda: places.switch_organization(session, holder, people.alice.organization_id),
        lambda: places.leave_organization(session, holder),
        lambda: places.delete_organization(session, holder, "Acme"),
    )
    for work in works:
        with pytest.raises(AuthorizationError):
            work()


def test_who_leaves_goes_on_where_else_they_belong(session: Session, people: People) -> None:
    globex = people.charlie.organization_id
    session.add(TeamMember(organization_id=globex, user_id=people.bob.user_id, role=TeamRole.VIEWER))
    session.flush()
    token, _row = open_session(session, session.get_one(User, people.bob.user_id), user_agent=None, ip_address=None)
    went = places.leave_organization(session, people.bob)
    assert went is not None
    assert went.name == "Globex"
    assert actor_for_session(session, token).organization_id == globex


def test_who_leaves_the_only_one_is_signed_out(session: Session, people: People) -> None:
    token, _row = open_session(session, session.get_one(User, people.bob.user_id), user_agent=None, ip_address=None)
    assert places.leave_organization(session, people.bob) is None
    with pytest.raises(AuthenticationError):
        actor_for_session(session, token)


def test_a_deleted_organization_leaves_nothing_but_its_audit_log(session: Session, people: People) -> None:
    mine, now_ = people.alice.organization_id, utcnow()
    ensure_partitions(session, now_, now_)
    session.add(Budget(organization_id=mine, name="Web", limit=Decimal(1)))
    session.add(usage(people.alice))
    session.add(usage(people.charlie))
    for actor in (people.alice, people.charlie):
        session.add(
            ApiKey(
                provider=Provider.OPENAI,
                encrypted_key="0",
                iv="0",
                tag="0",
                hint="abcd",
                user_id=actor.user_id,
                organization_id=actor.organization_id,
            )
        )
    audit.record(session, people.alice, "ORGANIZATION_DELETE")
    token, _row = open_session(session, session.get_one(User, people.bob.user_id), user_agent=None, ip_address=None)
    with pytest.raises(ValidationError):
        places.delete_organization(session, people.alice, "acme")
    assert places.delete_organization(session, people.alice, "Acme") is None
    session.expire_all()
    assert session.get(Organization, mine) is None
    counts = [session.exec(select(func.count()).select_from(t)).one() for t in (UsageLog, ApiKey, Budget, TeamMember)]
    assert counts == [1, 1, 0, 1]
    with pytest.raises(AuthenticationError):
        actor_for_session(session, token)
    assert session.get(User, people.bob.user_id) is not None
    assert session.exec(select(ActivityLog.action).where(ActivityLog.chain == mine)).all() == ["ORGANIZATION_DELETE"]
    assert audit.verify(session, mine) is None


def test_an_organization_that_is_paid_for_is_not_deleted(session: Session, people: People) -> None:
    session.add(
        Subscription(organization_id=people.alice.organization_id, plan=Plan.GROWTH, stripe_subscription_id="sub_1")
    )
    session.flush()
    with pytest.raises(ConflictError, match="End the subscription"):
        places.delete_organization(session, people.alice, "Acme")


def test_only_an_owner_deletes(session: Session, people: People) -> None:
    admin = replace(people.bob, team_role=TeamRole.ADMIN)
    with pytest.raises(AuthorizationError):
        places.delete_organization(session, admin, "Acme")


def usage(actor: Actor) -> UsageLog:
    return UsageLog(
        provider=Provider.OPENAI,
        model="gpt-5",
        operation="chat",
        origin=UsageOrigin.GATEWAY,
        cost=Decimal("0.0000002"),
        cost_source=CostSource.COMPUTED,
        timestamp=utcnow(),
        user_id=actor.user_id,
        organization_id=actor.organization_id,
    )
