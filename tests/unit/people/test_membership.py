"""A person of several organizations: what they may is by the role in the one they are in, and a token is of its own."""

from sqlmodel import Session, select

from guardian.crypto import hash_token
from guardian.models import Organization, Team, TeamMember, User
from guardian.models.enums import TeamRole, UserRole
from guardian.services.people import audit
from guardian.services.people.access.accounts import me
from guardian.services.people.access.callers import callers_of
from guardian.services.people.access.sessions import actor_for_session, open_session
from guardian.services.people.access.tokens import actor_for_token, create_token
from guardian.services.people.membership import is_known, is_member
from tests.conftest import People


def also_in(session: Session, people: People, role: TeamRole = TeamRole.VIEWER) -> None:
    """Charlie, who owns Globex, gets a place in Acme."""
    session.add(TeamMember(organization_id=people.alice.organization_id, user_id=people.charlie.user_id, role=role))
    session.flush()


def test_a_token_stays_one_of_its_organization_wherever_its_owner_works_now(session: Session, people: People) -> None:
    also_in(session, people)
    secret, _view = create_token(session, people.charlie, name="ci", scopes=["api"])
    user = session.get_one(User, people.charlie.user_id)
    user.organization_id = people.alice.organization_id
    session.flush()
    holder = actor_for_token(session, secret)
    assert (holder.organization_id, holder.team_role) == (people.charlie.organization_id, TeamRole.OWNER)
    assert me(session, holder).organization.name == "Globex"
    assert callers_of(session, [hash_token(secret)])[hash_token(secret)].organization_id == holder.organization_id


def test_who_administers_one_organization_is_a_viewer_in_another(session: Session, people: People) -> None:
    also_in(session, people)
    user = session.get_one(User, people.charlie.user_id)
    user.role, user.organization_id = UserRole.ADMIN, people.alice.organization_id
    token, _row = open_session(session, user, user_agent=None, ip_address=None)
    actor = actor_for_session(session, token)
    assert actor.team_role is TeamRole.VIEWER
    assert not actor.can("team:update")
    assert not actor.can("keys:update")


def test_the_tags_of_a_call_are_those_of_the_tokens_team_else_of_its_owners(session: Session, people: People) -> None:
    mine = people.alice.organization_id
    session.add_all(
        [
            Team(organization_id=mine, name="web", default_tags={"cost": "R1"}),
            Team(organization_id=mine, name="search"),
            Team(organization_id=people.charlie.organization_id, name="web", default_tags={"cost": "theirs"}),
        ]
    )
    session.flush()
    member = session.exec(select(TeamMember).where(TeamMember.user_id == people.alice.user_id)).one()
    member.team = "web"
    session.flush()
    found = {}
    for name, team in (("own", None), ("named", "search")):
        secret, view = create_token(session, people.alice, name=name, scopes=["gateway"], team=team)
        assert view.team == team
        found[name] = callers_of(session, [hash_token(secret)])[hash_token(secret)]
    assert (found["own"].team, found["own"].default_tags) == ("web", {"cost": "R1", "team": "web"})
    assert (found["named"].team, found["named"].default_tags) == ("search", {"team": "search"})


def test_names_are_told_of_members_and_of_who_has_left(session: Session, people: People) -> None:
    mine = people.alice.organization_id

    def named(which: object) -> set[str | None]:
        return set(session.exec(select(User.name).where(which)))  # type: ignore[call-overload]

    assert named(is_member(mine)) == named(is_known(mine)) == {"Alice", "Bob"}
    audit.record(session, people.bob, "KEY_TEST")
    place = session.exec(select(TeamMember).where(TeamMember.user_id == people.bob.user_id)).one()
    session.delete(place)
    session.flush()
    assert named(is_member(mine)) == {"Alice"}
    assert named(is_known(mine)) == {"Alice", "Bob"}
    assert session.exec(select(Organization.name).where(Organization.id == mine)).one() == "Acme"
