"""Members: who may give which role, that the last owner stays, and that nothing of who was removed works any more."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from guardian import db
from guardian.crypto import hash_token
from guardian.errors import AuthenticationError, AuthorizationError, ConflictError, NotFoundError, ValidationError
from guardian.models import Alert, ApiKey, Organization, TeamMember, User
from guardian.models.enums import AlertFrequency, AlertType, ComparisonType, Plan, Provider, TeamRole
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people import places, teams
from guardian.services.people.access.callers import callers_of
from guardian.services.people.access.sessions import actor_for_session, open_session
from guardian.services.people.access.tokens import actor_for_token, create_token
from guardian.services.people.invitations import invite, list_invitations
from guardian.services.people.members import (
    MemberChange,
    join,
    list_members,
    remove_member,
    roles_to_give,
    transfer_ownership,
    update_member,
)
from tests.conftest import People
from tests.unit.people.making import colleague, now


def place(session: Session, actor: Actor) -> str:
    query = select(TeamMember.id).where(
        TeamMember.user_id == actor.user_id, TeamMember.organization_id == actor.organization_id
    )
    return session.exec(query).one()


def cookie(session: Session, actor: Actor) -> str:
    token, _row = open_session(session, session.get_one(User, actor.user_id), user_agent=None, ip_address=None)
    return token


def test_members_are_listed_by_what_they_may_and_by_name(session: Session, people: People) -> None:
    colleague(session, people, "zoe", TeamRole.ADMIN)
    colleague(session, people, "yan", TeamRole.ADMIN)
    found = list_members(session, people.bob)
    assert [(each.name, each.role) for each in found] == [
        ("Alice", TeamRole.OWNER),
        ("Yan", TeamRole.ADMIN),
        ("Zoe", TeamRole.ADMIN),
        ("Bob", TeamRole.MEMBER),
    ]
    assert found[0].last_seen is None
    cookie(session, people.alice)
    assert list_members(session, people.bob)[0].last_seen is not None


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (TeamRole.OWNER, set(TeamRole)),
        (TeamRole.ADMIN, {TeamRole.ADMIN, TeamRole.MEMBER, TeamRole.VIEWER}),
        (TeamRole.MEMBER, set()),
        (TeamRole.BILLING, set()),
        (TeamRole.VIEWER, set()),
    ],
)
def test_nobody_gives_a_role_that_may_more_than_their_own(
    session: Session, people: People, role: TeamRole, may: set[TeamRole]
) -> None:
    giver = colleague(session, people, "giver", role)
    taker = place(session, people.bob)
    assert set(roles_to_give(giver)) == may
    for wanted in TeamRole:
        if wanted in may or (wanted is TeamRole.MEMBER and giver.can("team:update")):
            assert update_member(session, giver, taker, MemberChange(role=wanted))[1].role is wanted
            update_member(session, people.alice, taker, MemberChange(role=TeamRole.MEMBER))
        else:
            with pytest.raises(AuthorizationError):
                update_member(session, giver, taker, MemberChange(role=wanted))


def test_nobody_lowers_or_removes_who_may_more(session: Session, people: People) -> None:
    admin = colleague(session, people, "admin", TeamRole.ADMIN)
    biller = colleague(session, people, "biller", TeamRole.BILLING)
    for above in (people.alice, biller):
        with pytest.raises(AuthorizationError):
            update_member(session, admin, place(session, above), MemberChange(role=TeamRole.VIEWER))
        with pytest.raises(AuthorizationError):
            remove_member(session, admin, place(session, above))
    # Nor does anybody raise themselves.
    with pytest.raises(AuthorizationError):
        update_member(session, admin, place(session, admin), MemberChange(role=TeamRole.OWNER))


def test_the_last_owner_stays_an_owner(session: Session, people: People) -> None:
    own = place(session, people.alice)
    with pytest.raises(ConflictError, match="last owner"):
        update_member(session, people.alice, own, MemberChange(role=TeamRole.ADMIN))
    with pytest.raises(ConflictError, match="last owner"):
        places.leave_organization(session, people.alice)
    second = colleague(session, people, "second", TeamRole.OWNER)
    remove_member(session, second, own)
    with pytest.raises(ConflictError, match="last owner"):
        places.leave_organization(session, second)
    with pytest.raises(ConflictError, match="Leave the organization instead"):
        remove_member(session, second, place(session, second))


def test_two_owners_who_leave_at_once_do_not_leave_it_without_one(session: Session, people: People) -> None:
    second = colleague(session, people, "second", TeamRole.OWNER)
    session.commit()
    assert at_once(
        lambda one: places.leave_organization(one, people.alice), lambda one: places.leave_organization(one, second)
    ) == [None, ConflictError]
    owners = select(TeamMember.id).where(
        TeamMember.organization_id == people.alice.organization_id, TeamMember.role == TeamRole.OWNER
    )
    assert len(session.exec(owners).all()) == 1


def test_two_owners_who_remove_each_other_at_once_do_not_leave_it_without_one(session: Session, people: People) -> None:
    second = colleague(session, people, "second", TeamRole.OWNER)
    mine, theirs = place(session, people.alice), place(session, second)
    session.commit()
    found = at_once(lambda one: remove_member(one, people.alice, theirs), lambda one: remove_member(one, second, mine))
    # The one who came second was removed meanwhile, and changes nothing any more.
    assert found in ([None, NotFoundError], [None, ConflictError])


def test_handing_over_makes_the_other_the_owner_and_oneself_an_administrator(session: Session, people: People) -> None:
    with pytest.raises(AuthorizationError):
        transfer_ownership(session, people.bob, place(session, people.bob))
    with pytest.raises(ConflictError):
        transfer_ownership(session, people.alice, place(session, people.alice))
    transfer_ownership(session, people.alice, place(session, people.bob))
    assert now(session, people.bob).team_role is TeamRole.OWNER
    assert now(session, people.alice).team_role is TeamRole.ADMIN


def test_who_is_removed_is_out_at_once_and_what_they_made_stays(session: Session, people: People) -> None:
    bob = people.bob
    mine: dict[str, Any] = {"user_id": bob.user_id, "organization_id": bob.organization_id}
    key = ApiKey(provider=Provider.OPENAI, encrypted_key="0", iv="0", tag="0", hint="abcd", **mine)
    alert = Alert(
        name="Spend",
        type=AlertType.COST_THRESHOLD,
        threshold=Decimal(1),
        comparison_type=ComparisonType.GREATER_THAN,
        frequency=AlertFrequency.DAILY,
        **mine,
    )
    session.add_all([key, alert])
    session.flush()
    browser = cookie(session, bob)
    secret, _view = create_token(session, bob, name="ci", scopes=["api", "gateway"])
    assert actor_for_session(session, browser).user_id == actor_for_token(session, secret).user_id == bob.user_id
    removed = remove_member(session, people.alice, place(session, bob))
    assert removed.email == bob.email
    for find in (lambda: actor_for_session(session, browser), lambda: actor_for_token(session, secret)):
        with pytest.raises(AuthenticationError):
            find()
    assert callers_of(session, [hash_token(secret)]) == {}
    session.expire_all()
    assert session.get_one(ApiKey, key.id).user_id == bob.user_id
    # An alert that told nobody would be silent without anybody's having switched it off.
    assert session.get_one(Alert, alert.id).user_id == people.alice.user_id


def test_who_is_removed_goes_on_in_another_organization_after_signing_in_again(
    session: Session, people: People
) -> None:
    globex = people.charlie.organization_id
    session.add(TeamMember(organization_id=globex, user_id=people.bob.user_id, role=TeamRole.VIEWER))
    session.flush()
    elsewhere, _view = create_token(session, people.charlie, name="ci", scopes=["api"])
    browser = cookie(session, people.bob)
    remove_member(session, people.alice, place(session, people.bob))
    with pytest.raises(AuthenticationError):
        actor_for_session(session, browser)
    assert now(session, people.bob).organization_id == globex
    assert actor_for_token(session, elsewhere).organization_id == globex


def test_invitations_of_who_was_removed_are_worth_nothing(session: Session, people: People) -> None:
    admin = colleague(session, people, "admin", TeamRole.ADMIN)
    invite(session, admin, "second.self@example.com", TeamRole.ADMIN)
    invite(session, people.alice, "wanted@example.com", TeamRole.MEMBER)
    remove_member(session, people.alice, place(session, admin))
    assert [each.email for each in list_invitations(session, people.alice)] == ["wanted@example.com"]


def test_another_organizations_member_is_nobody(session: Session, people: People) -> None:
    theirs = place(session, people.bob)
    for work in (
        lambda: update_member(session, people.charlie, theirs, MemberChange(role=TeamRole.VIEWER)),
        lambda: remove_member(session, people.charlie, theirs),
        lambda: transfer_ownership(session, people.charlie, theirs),
    ):
        with pytest.raises(NotFoundError):
            work()
    with pytest.raises(ValidationError):
        update_member(session, people.alice, theirs, MemberChange(team="nowhere"))


def test_a_team_is_given_and_taken(session: Session, people: People) -> None:
    teams.create_team(session, people.alice, "web")
    before, after = update_member(session, people.alice, place(session, people.bob), MemberChange(team="web"))
    assert (before.team, after.team) == (None, "web")
    assert update_member(session, people.alice, after.id, MemberChange(team=""))[1].team is None


def test_a_full_plan_has_no_room_for_another_member(session: Session, people: People) -> None:
    session.get_one(Organization, people.alice.organization_id).plan = Plan.FREE
    invite(session, people.alice, "third@example.com", TeamRole.VIEWER)
    with pytest.raises(ConflictError, match="room for 3 members"):
        invite(session, people.alice, "fourth@example.com", TeamRole.VIEWER)


def at_once(*works: Callable[[Session], object]) -> list[type[Exception] | None]:
    """What became of each, in an order of their own: all begin together, each in its own transaction."""
    gate = threading.Barrier(len(works))
    found: list[type[Exception] | None] = []

    def run(work: Callable[[Session], object]) -> None:
        try:
            with db.session() as one:
                gate.wait(10)
                work(one)
            found.append(None)
        except (ConflictError, NotFoundError, ValidationError, AuthorizationError) as error:
            found.append(type(error))

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(found, key=lambda each: each is not None)


def test_nobody_joins_an_organization_that_is_disabled(session: Session, people: People) -> None:
    session.get_one(Organization, people.alice.organization_id).disabled_at = utcnow()
    charlie = session.get_one(User, people.charlie.user_id)
    with pytest.raises(ConflictError, match="disabled"):
        join(session, people.alice.organization_id, charlie, TeamRole.MEMBER)
    assert charlie.organization_id == people.charlie.organization_id
