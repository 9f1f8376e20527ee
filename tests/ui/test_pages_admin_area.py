"""The pages of the installation: what they show and do for who runs it, and nothing at all for everybody else."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import Session, col, select, update

from guardian.errors import AuthorizationError, NotFoundError
from guardian.models import ActivityLog, EmailLog, Organization, User
from guardian.models import Session as BrowserSession
from guardian.models.enums import Plan, UserRole
from guardian.services.people.mail import queue_mail
from guardian.ui.pages.admin.mail import MailState
from guardian.ui.pages.admin.monitoring import MonitoringState, size_text
from guardian.ui.pages.admin.organizations import OrganizationsState
from guardian.ui.pages.admin.providers import ProvidersState
from guardian.ui.pages.admin.users import UsersState
from tests.fakes import seed
from tests.ui.conftest import StatePage
from tests.ui.pages import work

PAGES: dict[str, Any] = {
    "/admin/organizations": OrganizationsState,
    "/admin/users": UsersState,
    "/admin/providers": ProvidersState,
    "/admin/mail": MailState,
    "/admin/monitoring": MonitoringState,
}
# What each handler is called with; nobody may who does not run the installation.
CHANGES: list[tuple[str, str, tuple[str, ...]]] = [
    ("/admin/organizations", "give_plan", ("{organization}", "SCALE")),
    ("/admin/organizations", "ask", ("{organization}",)),
    ("/admin/organizations", "enable", ("{organization}",)),
    ("/admin/users", "set_role", ("{user}", "ADMIN")),
    ("/admin/users", "sign_out", ("{user}",)),
    ("/admin/users", "confirm_again", ("{user}",)),
    ("/admin/users", "stop_look", ("x",)),
    ("/admin/users", "ask", ("{user}", "mia@acme.example")),
    ("/admin/mail", "retry", ("{mail}",)),
]


@pytest.fixture
def other(session: Session) -> seed.Company:
    """A customer."""
    found = seed.company(session, "Globex")
    session.commit()
    return found


def opened(page_of: StatePage, session: Session, address: str, role: UserRole = UserRole.SUPER_ADMIN) -> Any:
    company = seed.company(session, "Acme", role=role)
    session.commit()
    state: Any = page_of(PAGES[address.partition("?")[0]], company.token, address)
    work(state, "load")
    return state


def actions(session: Session) -> list[str]:
    session.expire_all()
    return list(session.exec(select(ActivityLog.action).order_by(ActivityLog.id)))


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("role", [UserRole.USER, UserRole.ADMIN])
def test_for_everybody_else_there_is_nothing(
    page_of: StatePage, session: Session, other: seed.Company, address: str, role: UserRole
) -> None:
    state = opened(page_of, session, address, role)
    assert (state.loaded, state.allowed, state.problem) == (True, False, "")
    assert "Globex" not in str(state.dict())


@pytest.mark.parametrize(("address", "handler", "arguments"), CHANGES)
def test_nobody_else_changes_anything(
    page_of: StatePage, session: Session, other: seed.Company, address: str, handler: str, arguments: tuple[str, ...]
) -> None:
    mail = queue_mail(session, to="a@b.example", subject="S", text="T")
    state = opened(page_of, session, address, UserRole.ADMIN)
    ids = {"organization": other.actor.organization_id, "user": other.actor.user_id, "mail": mail.id}
    with pytest.raises(AuthorizationError):
        work(state, handler, *(each.format(**ids) for each in arguments))
    assert actions(session) == []


def test_organizations_are_found_and_given_a_plan(page_of: StatePage, session: Session, other: seed.Company) -> None:
    state = opened(page_of, session, "/admin/organizations?q=glob")
    [row] = state.rows
    assert (row.name, row.people, row.stored, state.searched) == ("Globex", "1", "0", "glob")
    work(state, "give_plan", other.actor.organization_id, "SCALE")
    session.expire_all()
    assert session.get_one(Organization, other.actor.organization_id).plan is Plan.SCALE
    assert state.rows[0].plan == "SCALE"
    assert "PLAN_ASSIGN" in actions(session)
    assert work(state, "give_plan", other.actor.organization_id, "GOLD") is None


def test_an_organization_is_disabled_once_its_name_is_typed_and_enabled_again(
    page_of: StatePage, session: Session, other: seed.Company
) -> None:
    state = opened(page_of, session, "/admin/organizations")
    assert {row.name: (row.own, row.disabled) for row in state.rows} == {
        "Acme": (True, False),
        "Globex": (False, False),
    }
    customer = other.actor.organization_id
    work(state, "ask", customer)
    assert (state.dialog, state.doomed) == ("disable", "Globex")
    for form, why_not in (
        ({"reason": "They do not pay.", "name": "globex"}, "Type Globex to disable this organization."),
        ({"reason": "why", "name": "Globex"}, "Say why in 10 to 500 characters."),
    ):
        work(state, "disable", form)
        assert (state.dialog, state.refusal) == ("disable", why_not)
    assert actions(session) == []
    work(state, "disable", {"reason": "They do not pay.", "name": "Globex"})
    [row] = [row for row in state.rows if row.disabled]
    assert (state.dialog, row.name, row.why) == ("", "Globex", "They do not pay.")
    work(state, "enable", customer)
    assert not any(row.disabled for row in state.rows)
    disabled, enabled = session.exec(select(ActivityLog).order_by(ActivityLog.id))
    assert (disabled.action, disabled.resource_id) == ("ORGANIZATION_DISABLE", customer)
    assert (disabled.meta or {}) | {"name": "Globex", "reason": "They do not pay."} == disabled.meta
    assert (enabled.action, enabled.resource_id) == ("ORGANIZATION_ENABLE", customer)


def test_nobody_else_disables_an_organization(page_of: StatePage, session: Session, other: seed.Company) -> None:
    """Also who was asked for the reason while they still ran the installation."""
    state = opened(page_of, session, "/admin/organizations")
    work(state, "ask", other.actor.organization_id)
    session.exec(update(User).where(col(User.id) == state.viewer.id).values(role=UserRole.ADMIN))
    session.commit()
    with pytest.raises(AuthorizationError):
        work(state, "disable", {"reason": "They do not pay.", "name": "Globex"})
    work(state, "load")
    assert (state.allowed, state.rows, state.doomed) == (False, [], "")
    assert actions(session) == []


def test_the_people_of_an_organization_are_found_whatever_its_name(
    page_of: StatePage, session: Session, other: seed.Company
) -> None:
    session.get_one(Organization, other.actor.organization_id).name = "Salt & Pepper"
    [row] = opened(page_of, session, "/admin/organizations?q=pepper").rows
    assert parse_qs(urlsplit(row.people_href).query) == {"q": ["Salt & Pepper"]}


def test_people_are_found_and_changed(page_of: StatePage, session: Session, other: seed.Company) -> None:
    state = opened(page_of, session, "/admin/users?q=globex")
    [row] = state.rows
    assert (row.organizations, row.role, row.own) == ("Globex", "USER", False)
    work(state, "set_role", row.id, "ADMIN")
    assert state.rows[0].role == "ADMIN"
    work(state, "sign_out", row.id)
    session.expire_all()
    theirs = session.exec(select(BrowserSession).where(BrowserSession.user_id == row.id)).all()
    assert all(each.revoked_at is not None for each in theirs)
    session.get_one(User, row.id).email_verified = None
    session.commit()
    work(state, "confirm_again", row.id)
    assert session.exec(select(EmailLog.kind)).all() == ["verify"]
    session.expire_all()
    told = {line.action: line.meta for line in session.exec(select(ActivityLog))}
    facts = {
        "USER_CONFIRMATION": {"email": row.email},
        "USER_ROLE": {"email": row.email, "role": "ADMIN"},
        "USER_SIGN_OUT": {"count": 1},
    }
    assert {action: (told[action] or {}) | facts[action] for action in facts} == told
    work(state, "ask", row.id, row.email)
    assert (state.through_id, state.through) == (row.id, row.email)
    work(state, "close")
    assert state.through_id == ""
    with pytest.raises(NotFoundError):
        work(state, "set_role", "nobody", "ADMIN")


def test_a_list_is_turned_page_by_page(page_of: StatePage, session: Session) -> None:
    for number in range(51):
        seed.company(session, f"Company {number}")
    state = opened(page_of, session, "/admin/organizations")
    assert (len(state.rows), state.first_href) == (50, "")
    following: Any = page_of(
        OrganizationsState, seed.company(session, "Z", role=UserRole.SUPER_ADMIN).token, state.next_href
    )
    session.commit()
    work(following, "load")
    assert len(following.rows) == 2
    assert (following.next_href, following.first_href) == ("", "/admin/organizations")


def test_the_mail_log_is_shown_and_tried_again(page_of: StatePage, session: Session) -> None:
    mail = queue_mail(session, to="a@b.example", subject="Hello", text="T", kind="report")
    state = opened(page_of, session, "/admin/mail?status=PENDING")
    [row] = state.rows
    assert (row.subject, row.about, row.state, row.can_retry) == ("Hello", "a@b.example, report", "waits", True)
    assert "Waits 1" in [choice.label for choice in state.choices]
    work(state, "retry", mail.id)
    assert actions(session) == ["MAIL_RETRY"]


def test_how_it_runs_is_shown(page_of: StatePage, session: Session) -> None:
    state = opened(page_of, session, "/admin/monitoring")
    parts = {row.name: row.word for row in state.checks}
    assert (parts["Database"], parts["Gateway"]) == ("ok", "bad")
    assert {row.name for row in state.figures} >= {"Database", "Redis", "Cache hits", "Journals"}
    assert len(state.tables) == 8


def test_providers_without_a_key(page_of: StatePage, session: Session) -> None:
    state = opened(page_of, session, "/admin/providers?show=troubled")
    assert (state.providers, state.keys, state.models) == ([], [], [])
    assert [choice.current for choice in state.choices] == [False, True]


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (123_456_789, "123 MB"), (2.5e15, "2500 TB")]
)
def test_sizes(size: int, shown: str) -> None:
    assert size_text(int(size)) == shown
