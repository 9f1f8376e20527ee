"""The team's page and the switch between organizations: what they show, what their handlers do and refuse."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from guardian.config import settings
from guardian.errors import AuthorizationError, GuardianError, NotFoundError
from guardian.live import TEAM_UPDATE
from guardian.models import ActivityLog, Invitation, Organization, TeamMember, User
from guardian.models.enums import TeamRole
from guardian.periods import utcnow
from guardian.services.people import teams
from guardian.services.people.access.sessions import actor_for_user, open_session
from guardian.services.people.invitations import invite
from guardian.ui.live_hub import hub
from guardian.ui.pages.doors.invitation import InvitationState
from guardian.ui.pages.team import rows
from guardian.ui.pages.team.page import TeamState
from guardian.ui.places import PlacesState
from guardian.ui.session import NotSignedIn
from tests.conftest import make_actor
from tests.fakes import seed
from tests.fakes.name_server import NameServer
from tests.ui.conftest import StatePage
from tests.ui.pages import payload, work
from tests.unit.people.making import token_in_mail


@pytest.fixture
def company(session: Session) -> seed.Company:
    """Mia owns Acme; Bob is a member of it."""
    found = seed.company(session, "Acme", zone="UTC")
    make_actor(session, found.organization, "bob", TeamRole.MEMBER)
    session.commit()
    return found


@pytest.fixture
def page(page_of: StatePage, company: seed.Company) -> TeamState:
    state = page_of(TeamState, company.token, "/team")
    work(state, "load")
    return state


def token_for(session: Session, email: str) -> str:
    user = session.exec(select(User).where(User.email == email)).one()
    token, _row = open_session(session, user, user_agent=None, ip_address=None)
    session.commit()
    return token


def actions(session: Session) -> list[str]:
    session.expire_all()
    return list(session.exec(select(ActivityLog.action).order_by(col(ActivityLog.created_at))))


def bob_of(page: TeamState) -> str:
    return next(row.id for row in page.members if row.name == "Bob")


def test_the_page_follows_changes_of_the_team() -> None:
    assert TeamState._live_events == {TEAM_UPDATE}


def test_somebody_is_invited_reminded_and_taken_back(page: TeamState, session: Session) -> None:
    work(page, "open_invite")
    assert page.dialog == "invite"
    work(page, "invite", {"email": "nobody", "role": "MEMBER"})
    assert (page.dialog, page.refusal) == ("invite", "This is not a valid e-mail address.")
    work(page, "invite", {"email": "grace@acme.example", "role": "KING"})
    assert page.refusal == "Choose a role."
    said = work(page, "invite", {"email": "grace@acme.example", "role": "VIEWER"})
    assert payload(said)["message"] == "grace@acme.example is invited. The link works for a week."
    assert (page.dialog, page.said) == ("", "2 members, 1 invited")
    invited = page.invitations[0]
    assert (invited.role_name, invited.inviter, invited.expired) == ("Viewer", "Mia Winter", False)
    work(page, "resend", invited.id)
    work(page, "revoke", invited.id)
    assert page.invitations == []
    with pytest.raises(NotFoundError):
        work(page, "revoke", invited.id)
    assert actions(session) == ["INVITATION_CREATE", "INVITATION_RESEND", "INVITATION_REVOKE"]


def test_an_expired_invitation_says_so(page: TeamState, session: Session, company: seed.Company) -> None:
    view = invite(session, company.actor, "grace@acme.example", TeamRole.VIEWER)
    session.get_one(Invitation, view.id).expires_at = utcnow() - timedelta(days=1)
    session.commit()
    work(page, "load")
    assert (page.invitations[0].expired, page.invitations[0].ends) == (True, "expired")


def test_a_member_gets_another_role_and_a_team(page: TeamState, session: Session, company: seed.Company) -> None:
    teams.create_team(session, company.actor, "web")
    session.commit()
    work(page, "open_member", bob_of(page), "edit")
    assert (page.dialog, page.member.name, page.member.role) == ("edit", "Bob", "MEMBER")
    said = work(page, "save_member", {"role": "ADMIN", "team": "web"})
    assert payload(said)["message"] == "Bob is admin now."
    bob = next(row for row in page.members if row.name == "Bob")
    assert (bob.role_name, bob.team) == ("Admin", "web")
    work(page, "open_member", next(row.id for row in page.members if row.mine), "edit")
    work(page, "save_member", {"role": "VIEWER"})
    assert page.refusal.startswith("This is the last owner.")


def test_a_member_is_removed_and_is_out(page: TeamState, session: Session, page_of: StatePage) -> None:
    theirs = page_of(TeamState, token_for(session, "bob@example.com"), "/team")
    work(theirs, "load")
    assert not theirs.can_change
    assert [row.can_change for row in theirs.members] == [False, False]
    work(page, "open_member", bob_of(page), "remove")
    work(page, "remove")
    assert [row.name for row in page.members] == ["Mia Winter"]
    with pytest.raises(NotSignedIn):
        work(theirs, "load")
    assert actions(session)[-1] == "MEMBER_REMOVE"


def test_who_may_only_read_changes_nothing(session: Session, company: seed.Company, page_of: StatePage) -> None:
    theirs = page_of(TeamState, token_for(session, "bob@example.com"), "/team")
    work(theirs, "load")
    for handler, arguments in (
        ("open_invite", ()),
        ("open_member", (theirs.members[0].id, "edit")),
        ("open_team", ("", "team")),
        ("resend", ("x",)),
        ("revoke", ("x",)),
    ):
        with pytest.raises(AuthorizationError):
            work(theirs, handler, *arguments)
    for handler, arguments in (
        ("invite", ({"email": "x@acme.example", "role": "VIEWER"},)),
        ("save_team", ({"name": "mine"},)),
        ("transfer", ()),
        ("delete", ()),
    ):
        work(theirs, handler, *arguments)
        assert theirs.refusal.startswith("You are not allowed")
    assert actions(session) == []


def test_a_role_that_is_changed_elsewhere_is_seen_with_its_rights(
    page: TeamState, session: Session, company: seed.Company, page_of: StatePage
) -> None:
    theirs = page_of(TeamState, token_for(session, "bob@example.com"), "/team")
    work(theirs, "load")
    work(page, "open_member", bob_of(page), "edit")
    work(page, "save_member", {"role": "ADMIN"})
    # As the live hub does: read anew as who they are now, and pushed.
    bob = session.exec(select(User).where(User.name == "Bob")).one()
    session.expire_all()
    theirs._show(TeamState._read(session, actor_for_user(session, bob.id), ()))
    assert (theirs.viewer.role, theirs.can_change) == ("Admin", True)
    assert [choice.value for choice in theirs.roles] == ["ADMIN", "MEMBER", "VIEWER"]


def test_a_team_is_made_renamed_and_deleted(page: TeamState, session: Session) -> None:
    work(page, "open_team", "", "team")
    work(page, "save_team", {"name": "Web", "tags": "cost-centre"})
    assert page.refusal.startswith("Write tags as name=value")
    work(page, "save_team", {"name": "Web", "tags": "cost-centre=R1, env=prod"})
    team = page.teams[0]
    assert (team.name, team.tags, team.about) == (
        "Web",
        "cost-centre=R1, env=prod",
        "no members, no access tokens, no budgets",
    )
    work(page, "open_team", team.id, "team")
    work(page, "save_team", {"name": "Frontend", "tags": ""})
    assert [(row.name, row.tags) for row in page.teams] == [("Frontend", "")]
    work(page, "open_team", team.id, "delete-team")
    work(page, "delete_team")
    assert page.teams == []
    assert actions(session) == ["TEAM_CREATE", "TEAM_UPDATE", "TEAM_DELETE"]


def test_the_organization_is_handed_on_left_and_deleted(
    page: TeamState, session: Session, company: seed.Company, page_of: StatePage
) -> None:
    mine = company.organization.id
    work(page, "open_end", "leave")
    work(page, "leave")
    assert page.refusal.startswith("This is the last owner.")
    work(page, "open_member", bob_of(page), "transfer")
    work(page, "transfer")
    assert (page.viewer.role, page.can_delete) == ("Admin", False)
    owner = page_of(TeamState, token_for(session, "bob@example.com"), "/team")
    work(owner, "load")
    work(owner, "open_end", "delete")
    work(owner, "type_name", "acme")
    work(owner, "delete")
    assert owner.refusal == "Type Acme to delete this organization."
    work(owner, "type_name", "Acme")
    work(owner, "delete")
    session.expire_all()
    assert session.get(Organization, mine) is None
    with pytest.raises(NotSignedIn):
        work(owner, "load")
    assert actions(session)[-1] == "ORGANIZATION_DELETE"


@pytest.fixture
def names(environment: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    with NameServer() as server:
        monkeypatch.setenv("DNS_RESOLVER", server.address)
        settings.cache_clear()
        yield server


def test_a_domain_is_claimed_verified_and_given_up(page: TeamState, session: Session, names: NameServer) -> None:
    work(page, "claim_domain", {"domain": "no domain"})
    assert page.domain_refusal.startswith("This is not a domain")
    work(page, "claim_domain", {"domain": "Acme.example"})
    assert page.domain.pending == "acme.example"
    work(page, "verify_domain")
    assert page.domain_refusal.startswith("The DNS of acme.example does not have")
    names.records["acme.example"] = [page.domain.record]
    work(page, "verify_domain")
    assert (page.domain.domain, page.domain_refusal, page.looking) == ("acme.example", "", False)
    work(page, "choose_join", "VIEWER")
    assert page.domain.join == "VIEWER"
    work(page, "choose_join", "OWNER")
    assert (page.domain.join, page.domain_refusal) == (
        "VIEWER",
        "Who joins by themselves can be a member or a viewer.",
    )
    work(page, "choose_join", "")
    assert page.domain.join == ""
    work(page, "drop_domain")
    assert page.domain == rows.NO_DOMAIN
    assert actions(session)[:2] == ["DOMAIN_CLAIM", "DOMAIN_VERIFY"]


def test_the_switch_lists_ones_own_and_works_in_the_chosen_one(
    session: Session, company: seed.Company, page_of: StatePage
) -> None:
    hub.forget("tab-1")  # of a test before
    state = page_of(PlacesState, company.token, "/budgets")
    work(state, "open")
    assert [(row.name, row.role, row.current) for row in state.places] == [("Acme", "Owner", True)]
    work(state, "open_new")
    assert state.making
    work(state, "create", {"name": "Labs"})
    work(state, "open")
    assert [(row.name, row.current) for row in state.places] == [("Acme", False), ("Labs", True)]
    work(state, "switch", company.organization.id)
    work(state, "open")
    assert [row.current for row in state.places] == [True, False]
    other = seed.company(session, "Globex")
    session.commit()
    with pytest.raises(NotFoundError):
        work(state, "switch", other.organization.id)
    with pytest.raises(NotFoundError):
        work(state, "join")
    assert state.joinable == ""


@pytest.mark.parametrize("who", ["nobody", "invited", "other"])
def test_what_an_invitations_link_shows(session: Session, company: seed.Company, page_of: StatePage, who: str) -> None:
    guest = seed.company(session, "Globex")
    email = "new@elsewhere.example" if who == "nobody" else guest.owner.email
    invite(session, company.actor, email, TeamRole.VIEWER)
    token = token_in_mail(session, email)
    session.commit()
    cookie = {"nobody": None, "invited": guest.token, "other": company.token}[who]
    state = page_of(InvitationState, cookie, f"/invitation?token={token}")
    work(state, "enter")
    assert state.shows == {"nobody": "new", "invited": "join", "other": "other"}[who]
    assert (state.organization, state.email) == ("Acme", email)
    assert state.about == "Mia Winter invites you. You would be a viewer."
    assert token not in repr(state.dict())


def test_a_link_that_is_over_tells_nothing_of_the_organization(
    session: Session, company: seed.Company, page_of: StatePage
) -> None:
    view = invite(session, company.actor, "new@elsewhere.example", TeamRole.VIEWER)
    token = token_in_mail(session, "new@elsewhere.example")
    session.get_one(Invitation, view.id).revoked_at = utcnow()
    session.commit()
    for address, said in ((token, "taken back"), ("made-up", "no link of an invitation"), ("", "no link")):
        state = page_of(InvitationState, None, f"/invitation?token={address}")
        work(state, "enter")
        assert (state.shows, state.organization, state.email) == ("over", "", "")
        assert said in state.why


def test_ids_of_another_organization_open_nothing(
    page: TeamState, session: Session, page_of: StatePage, company: seed.Company
) -> None:
    other = seed.company(session, "Globex")
    team = teams.create_team(session, company.actor, "web")
    session.commit()
    theirs = page_of(TeamState, other.token, "/team")
    work(theirs, "load")
    for handler, arguments in (("open_member", (bob_of(page), "remove")), ("open_team", (team.id, "team"))):
        with pytest.raises(GuardianError):
            work(theirs, handler, *arguments)
        assert theirs.dialog == ""
    places_of_bob = select(TeamMember).where(TeamMember.organization_id == company.organization.id)
    assert len(session.exec(places_of_bob).all()) == 2
