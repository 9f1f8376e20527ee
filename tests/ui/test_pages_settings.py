"""The settings: the organization, one's own sessions, access tokens whose secret is seen once, and the activity."""

import re

import pytest
from sqlmodel import Session, select

from guardian.crypto import hash_token
from guardian.errors import NotFoundError
from guardian.models import AccessToken, ActivityLog, Organization, TeamMember, User
from guardian.models import Session as BrowserSession
from guardian.models.enums import TeamRole
from guardian.services.people import audit
from guardian.services.people.access.sessions import open_session
from guardian.ui.pages.settings.page import SettingsState
from guardian.ui.pages.settings.sentences import SENTENCES
from guardian.ui.session import NotSignedIn
from tests.conftest import ROOT
from tests.fakes import seed
from tests.ui.conftest import StatePage
from tests.ui.pages import payload, work

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"


@pytest.fixture
def page(page_of: StatePage, company: seed.Company) -> SettingsState:
    state = page_of(SettingsState, company.token, "/settings")
    work(state, "load")
    return state


def _organization(session: Session) -> Organization:
    session.expire_all()
    return session.exec(select(Organization).where(Organization.name != "Globex")).one()


def _actions(session: Session) -> list[str]:
    session.expire_all()
    return [row.action for row in session.exec(select(ActivityLog).order_by(ActivityLog.sequence))]


def _form(**changes: str) -> dict[str, str]:
    return {"name": "Acme", "time_zone": "Europe/Berlin", "billing_email": ""} | changes


def test_the_organization_is_shown_and_saved(page: SettingsState, session: Session) -> None:
    assert (page.name, page.time_zone, page.billing_email, page.may_change) == ("Acme", "Europe/Berlin", "", True)
    said = work(
        page, "save_organization", _form(name=" Acme  Ltd ", time_zone="Asia/Tokyo", billing_email="Bills@Acme.example")
    )
    assert payload(said)["message"] == "The organization is saved."
    row = _organization(session)
    assert (row.name, row.settings, row.billing_email) == (
        "Acme Ltd",
        {"timeZone": "Asia/Tokyo"},
        "bills@acme.example",
    )
    assert (page.name, page.viewer.organization, page.viewer.zone) == ("Acme Ltd", "Acme Ltd", "Asia/Tokyo")
    assert _actions(session) == ["ORGANIZATION_UPDATE"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": " "}, "A name has 1 to 200 characters."),
        ({"time_zone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"time_zone": "../../etc/passwd"}, "passwd"),
        ({"billing_email": "nobody"}, "This is not a valid e-mail address."),
    ],
)
def test_a_wrong_value_is_said_and_changes_nothing(
    page: SettingsState, session: Session, change: dict[str, str], sentence: str
) -> None:
    before = _organization(session).model_dump()
    assert work(page, "save_organization", _form(**change)) is None
    assert sentence in page.refusal
    assert (_organization(session).model_dump(), _actions(session)) == (before, [])


def test_a_member_may_look_but_not_change(page_of: StatePage, session: Session, company: seed.Company) -> None:
    user = User(email="bob@acme.example", organization_id=company.organization.id)
    session.add(user)
    session.flush()
    session.add(TeamMember(organization_id=company.organization.id, user_id=user.id, role=TeamRole.MEMBER))
    token, _row = open_session(session, user, user_agent=None, ip_address=None)
    session.commit()
    state = page_of(SettingsState, token, "/settings")
    work(state, "load")
    assert (state.name, state.may_change) == ("Acme", False)
    work(state, "save_organization", _form(name="Mine"))
    assert "You are not allowed to do this" in state.refusal
    assert _organization(session).name == "Acme"


def test_sessions_are_listed_and_ended(page: SettingsState, session: Session, company: seed.Company) -> None:
    _token, phone = open_session(session, company.owner, user_agent=CHROME, ip_address="192.0.2.7")
    session.commit()
    work(page, "load")
    rows = {row.device: row for row in page.sessions}
    assert set(rows) == {"pytest", "Chrome on Linux"}
    assert (rows["pytest"].current, rows["Chrome on Linux"].current) == (True, False)
    assert rows["Chrome on Linux"].address == "192.0.2.7"
    assert payload(work(page, "revoke_session", phone.id))["message"] == "That browser is signed out."
    assert [row.device for row in page.sessions] == ["pytest"]
    with pytest.raises(NotFoundError):
        work(page, "revoke_session", phone.id)


def test_signing_out_everywhere_else(page: SettingsState, session: Session, company: seed.Company) -> None:
    for _ in range(2):
        open_session(session, company.owner, user_agent=CHROME, ip_address=None)
    session.commit()
    assert payload(work(page, "revoke_others"))["message"] == "2 browsers are signed out."
    assert [row.current for row in page.sessions] == [True]
    assert _actions(session) == ["SESSION_REVOKE_OTHERS"]


def test_a_strangers_session_and_token_are_not_found(
    page: SettingsState, page_of: StatePage, session: Session, company: seed.Company
) -> None:
    work(page, "create_token", {"name": "CI", "scope-api": "on", "expires": "90"})
    stranger = seed.company(session, "Globex")
    session.commit()
    state = page_of(SettingsState, stranger.token, "/settings")
    with pytest.raises(NotFoundError, match="Session not found"):
        work(state, "revoke_session", company.actor.session_id)
    with pytest.raises(NotFoundError, match="Access token not found"):
        work(state, "open_revoke", page.tokens[0].id)
    state.token = page.tokens[0]
    with pytest.raises(NotFoundError, match="Access token not found"):
        work(state, "revoke_token")
    session.expire_all()
    mine = session.exec(select(BrowserSession).where(BrowserSession.id == company.actor.session_id)).one()
    assert (mine.revoked_at, session.exec(select(AccessToken)).one().revoked_at) == (None, None)


def test_a_tokens_secret_goes_out_once_and_is_kept_nowhere(page: SettingsState, session: Session) -> None:
    work(page, "open_create")
    said = work(page, "create_token", {"name": "Nightly export", "scope-api": "on", "expires": "30"})
    secret = payload(said)["value"]
    (row,) = session.exec(select(AccessToken)).all()
    assert (row.token_hash, row.name, row.scopes) == (hash_token(secret), "Nightly export", ["api"])
    assert row.expires_at is not None
    assert (page.dialog, page.made) == ("create", "Nightly export")
    (shown,) = page.tokens
    assert (shown.hint, shown.scopes, shown.mine) == (f"gdn_…{secret[-4:]}", "api", True)
    assert secret not in repr(page.dict())
    assert secret.encode() not in page._serialize()
    assert secret not in repr([each.model_dump() for each in session.exec(select(ActivityLog))])
    work(page, "close")
    assert (page.dialog, page.made) == ("", "")


def test_who_connects_an_application_is_offered_a_token_for_the_gateway(page: SettingsState) -> None:
    work(page, "open_create_for_gateway")
    assert (page.dialog, page.scope) == ("create", "gateway")
    work(page, "close")
    work(page, "open_create")
    assert (page.dialog, page.scope) == ("create", "api")


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"name": "", "scope-api": "on", "expires": ""}, "Give the token a name"),
        ({"name": "CI", "expires": ""}, "Choose one or more of the scopes"),
        ({"name": "CI", "scope-api": "on", "expires": "7000"}, "Choose when the token ends."),
        ({"name": "CI", "scope-api": "on", "expires": "", "requests": "1.5"}, "as a whole number"),
        ({"name": "CI", "scope-api": "on", "expires": "", "tokens": "0"}, "Give a limit of 1 to"),
    ],
)
def test_a_token_that_cannot_be_made(
    page: SettingsState, session: Session, form: dict[str, str], sentence: str
) -> None:
    work(page, "open_create")
    assert work(page, "create_token", form) is None
    assert sentence in page.token_refusal
    assert (page.made, session.exec(select(AccessToken)).all()) == ("", [])


def test_what_a_token_may_call(page: SettingsState, session: Session) -> None:
    form = {"models": "gpt-5*, claude-opus-4-5,", "requests": "60", "tokens": "", "provider-OPENAI": "on"}
    work(page, "create_token", {"name": "CI", "scope-gateway": "on", "expires": "", **form})
    (row,) = session.exec(select(AccessToken)).all()
    assert (row.allowed_providers, row.allowed_models) == (["OPENAI"], ["claude-opus-4-5", "gpt-5*"])
    assert (row.requests_per_minute, row.tokens_per_minute) == (60, None)


def test_revoking_a_token(page: SettingsState, session: Session) -> None:
    work(page, "create_token", {"name": "CI", "scope-ingest": "on", "expires": ""})
    work(page, "open_revoke", page.tokens[0].id)
    assert (page.dialog, page.token.name, page.token.expires) == ("revoke", "CI", "never expires")
    assert payload(work(page, "revoke_token"))["message"] == "CI is revoked."
    assert (page.tokens, page.dialog) == ([], "")
    assert _actions(session) == ["TOKEN_CREATE", "TOKEN_REVOKE"]


def test_every_action_that_is_audited_has_words_of_its_own() -> None:
    named = re.compile(r'(?:audited\(|action=|audit_failure\(|session, \w+,)\s*"([A-Z]+(?:_[A-Z]+)+)"')
    sources = (ROOT / "guardian").rglob("*.py")
    actions = {action for path in sources for action in named.findall(path.read_text(encoding="utf-8"))}
    assert {"KEY_CREATE", "PRICE_BACKFILL", "IMPORT_STOP", "MONTH_CLOSE", "AUTH_LOGIN_REFUSED"} <= actions
    assert actions - set(SENTENCES) == set()


def test_activity_says_what_it_was_about(page_of: StatePage, session: Session, company: seed.Company) -> None:
    audit.record(session, company.actor, "MONTH_CLOSE", resource_type="month", resource_id="2026-10", metadata={})
    price = {"provider": "OPENAI", "modelPattern": "gpt-5*"}
    audit.record(session, company.actor, "PRICE_CREATE", resource_type="price", resource_id="p1", metadata=price)
    session.commit()
    state = page_of(SettingsState, company.token, "/settings")
    work(state, "load")
    assert [(row.what, row.detail) for row in state.activity] == [
        ("agreed on a price", "gpt-5*, OpenAI"),
        ("closed a month", "2026-10"),
    ]


def test_activity_is_paged_and_told_in_words(page_of: StatePage, session: Session, company: seed.Company) -> None:
    for number in range(30):
        audit.record(session, company.actor, "KEY_CREATE", metadata={"label": f"key {number}", "provider": "OPENAI"})
    audit.record(session, None, "SOMETHING_NEW", organization_id=company.organization.id)
    session.commit()
    state = page_of(SettingsState, company.token, "/settings")
    work(state, "load")
    assert len(state.activity) == 25
    newest, second = state.activity[:2]
    assert (newest.who, newest.what) == ("", "something new")
    assert (second.who, second.what, second.detail) == ("Mia Winter", "stored a key", "key 29, OpenAI")
    assert state.newest
    assert state.older.startswith("/settings?before=")

    older = page_of(SettingsState, company.token, state.older)
    work(older, "load")
    assert [row.detail for row in older.activity][-1] == "key 0, OpenAI"
    assert (len(older.activity), older.older, older.newest) == (6, "", False)

    broken = page_of(SettingsState, company.token, "/settings?before=nonsense")
    work(broken, "load")
    assert "cursor" in broken.problem


def test_another_organizations_activity_is_not_shown(
    page_of: StatePage, session: Session, company: seed.Company
) -> None:
    audit.record(session, company.actor, "KEY_CREATE", metadata={"label": "secret plan"})
    stranger = seed.company(session, "Globex")
    session.commit()
    state = page_of(SettingsState, stranger.token, "/settings")
    work(state, "load")
    assert state.activity == []


def test_an_ended_session_leads_back_after_signing_in(
    page: SettingsState, session: Session, company: seed.Company
) -> None:
    row = session.exec(select(BrowserSession).where(BrowserSession.id == company.actor.session_id)).one()
    session.delete(row)
    session.commit()
    with pytest.raises(NotSignedIn) as refused:
        work(page, "open_create")
    assert refused.value.sign_in_address == "/?error=signed-out&next=%2Fsettings"
