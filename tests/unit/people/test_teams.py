"""Teams: names that carry along what names them, and tags that calls get."""

from decimal import Decimal

import pytest
from sqlmodel import Session, select

from guardian.errors import AuthorizationError, ConflictError, NotFoundError, ValidationError
from guardian.models import AccessToken, Budget, TeamMember
from guardian.services.people import teams
from guardian.services.people.access.tokens import create_token
from guardian.services.people.members import MemberChange, list_members, update_member
from tests.conftest import People


def test_a_new_name_is_followed_by_members_tokens_and_budgets(session: Session, people: People) -> None:
    team = teams.create_team(session, people.alice, " web ", {"cost-centre": "R1"})
    mine = people.alice.organization_id
    session.add(Budget(organization_id=mine, name="Web", limit=Decimal(1), scope={"type": "team", "value": "web"}))
    session.add(Budget(organization_id=mine, name="Tag", limit=Decimal(1), scope={"type": "tag", "value": "web=1"}))
    theirs = Budget(
        organization_id=people.charlie.organization_id,
        name="Theirs",
        limit=Decimal(1),
        scope={"type": "team", "value": "web"},
    )
    session.add(theirs)
    bob = next(each for each in list_members(session, people.alice) if each.name == "Bob")
    update_member(session, people.alice, bob.id, MemberChange(team="web"))
    create_token(session, people.alice, name="ci", scopes=["gateway"], team="web")
    before, after = teams.update_team(session, people.alice, team.id, name="Frontend")
    assert (before.name, before.members, before.tokens, before.budgets) == ("web", 1, 1, 1)
    assert (after.name, after.members, after.tokens, after.budgets) == ("Frontend", 1, 1, 1)
    assert after.default_tags == {"cost-centre": "R1"}
    assert session.exec(select(TeamMember.team).where(TeamMember.id == bob.id)).one() == "Frontend"
    assert session.exec(select(AccessToken.team)).one() == "Frontend"
    scopes = {row.name: row.scope for row in session.exec(select(Budget))}
    assert scopes == {
        "Web": {"type": "team", "value": "Frontend", "former": ["web"]},
        "Tag": {"type": "tag", "value": "web=1"},
        "Theirs": {"type": "team", "value": "web"},
    }


def test_a_deleted_team_leaves_its_people_and_tokens(session: Session, people: People) -> None:
    team = teams.create_team(session, people.alice, "web")
    create_token(session, people.alice, name="ci", scopes=["gateway"], team="web")
    bob = next(each for each in list_members(session, people.alice) if each.name == "Bob")
    update_member(session, people.alice, bob.id, MemberChange(team="web"))
    teams.delete_team(session, people.alice, team.id)
    assert teams.list_teams(session, people.alice) == []
    assert session.exec(select(TeamMember.team).where(TeamMember.id == bob.id)).one() is None
    assert session.exec(select(AccessToken.team)).one() is None


def test_two_teams_never_look_alike(session: Session, people: People) -> None:
    web = teams.create_team(session, people.alice, "Web")
    for name in ("web", " WEB ", "Web"):
        with pytest.raises(ConflictError):
            teams.create_team(session, people.alice, name)
    teams.create_team(session, people.charlie, "Web")
    # A team may change how its own name is written.
    assert teams.update_team(session, people.alice, web.id, name="WEB")[1].name == "WEB"


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "we\u202eb"])
def test_a_name_that_cannot_be_read_is_refused(session: Session, people: People, name: str) -> None:
    with pytest.raises(ValidationError):
        teams.create_team(session, people.alice, name)


@pytest.mark.parametrize(
    "tags",
    [{"team": "other"}, {"": "x"}, {"a=b": "x"}, {"a": ""}, {"a": "x" * 257}, {f"t{n}": "x" for n in range(33)}],
)
def test_tags_that_no_call_could_have_are_refused(session: Session, people: People, tags: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        teams.create_team(session, people.alice, "web", tags)
    assert caught.value.details[0]["field"] == "defaultTags"


def test_only_who_may_change_the_team_and_only_ones_own(session: Session, people: People) -> None:
    team = teams.create_team(session, people.alice, "web")
    with pytest.raises(AuthorizationError):
        teams.create_team(session, people.bob, "search")
    for actor, error in ((people.bob, AuthorizationError), (people.charlie, NotFoundError)):
        with pytest.raises(error):
            teams.update_team(session, actor, team.id, name="mine")
        with pytest.raises(error):
            teams.delete_team(session, actor, team.id)
    assert [each.name for each in teams.list_teams(session, people.bob)] == ["web"]


def test_a_member_makes_tokens_for_their_own_team_alone(session: Session, people: People) -> None:
    for name in ("web", "search"):
        teams.create_team(session, people.alice, name)
    bob = next(each for each in list_members(session, people.alice) if each.name == "Bob")
    update_member(session, people.alice, bob.id, MemberChange(team="web"))
    assert create_token(session, people.bob, name="ci", scopes=["gateway"], team="web")[1].team == "web"
    for actor, team in ((people.bob, "search"), (people.alice, "nowhere"), (people.charlie, "web")):
        with pytest.raises(ValidationError):
            create_token(session, actor, name="ci", scopes=["gateway"], team=team)
