"""The settings' part about signing in: what a person sees of their ways in, and what each handler does and refuses."""

import time

import pytest
from pyotp.totp import TOTP
from sqlmodel import Session, select

from guardian.config import settings
from guardian.crypto import SealedSecret, encryption
from guardian.models import Account, ActivityLog, EmailLog, Organization, SecondFactor, User
from guardian.services.people.access import passwords
from guardian.ui.pages.doors.code import CodeState
from guardian.ui.pages.doors.sign_in import SignInState
from guardian.ui.pages.settings import security_rows
from guardian.ui.pages.settings.page import SettingsState
from guardian.ui.pages.settings.security import CODES_FIELD, SECRET_FIELD
from tests.fakes import seed
from tests.ui.conftest import StatePage
from tests.ui.pages import payload, work

PASSWORD = "correct horse battery"


@pytest.fixture
def company(session: Session, monkeypatch: pytest.MonkeyPatch) -> seed.Company:
    monkeypatch.setenv("GITHUB_CLIENT_ID", "id")
    monkeypatch.setenv("GITHUB_CLIENT_SECRET", "secret")
    settings.cache_clear()
    found = seed.company(session, "Acme")
    user = session.get_one(User, found.actor.user_id)
    user.password_hash = passwords.hash_password(PASSWORD)
    session.commit()
    return found


@pytest.fixture
def page(page_of: StatePage, company: seed.Company) -> SettingsState:
    state: SettingsState = page_of(SettingsState, company.token, "/settings")
    work(state, "load")
    return state


def _actions(session: Session) -> list[str]:
    session.expire_all()
    return [row.action for row in session.exec(select(ActivityLog).order_by(ActivityLog.sequence))]


def _link(session: Session, company: seed.Company) -> None:
    person, email = company.actor.user_id, company.owner.email
    session.add(Account(user_id=person, provider="github", provider_account_id="1", email=email))
    session.commit()


def test_the_doors_offer_what_is_set_up(page_of: StatePage, company: seed.Company) -> None:
    door = page_of(SignInState, None, "/?next=%2Fusage")
    work(door, "enter")
    assert [(each.label, each.href) for each in door.providers] == [
        ("Continue with GitHub", "/api/v1/auth/oauth/github/login?next=%2Fusage")
    ]
    step = page_of(CodeState, None, "/sign-in-code?error=code")
    work(step, "enter")
    assert step.problem.startswith("This code is wrong")


def test_a_provider_is_linked_with_a_ticket_and_unlinked(
    page: SettingsState, session: Session, company: seed.Company
) -> None:
    assert [(each.label, each.linked) for each in page.ways] == [("GitHub", False)]
    work(page, "open_way", "github")
    assert page.way_dialog == "link"
    assert page.way_address.startswith("/api/v1/auth/oauth/github/login?link=")
    _link(session, company)
    work(page, "open_way", "github")
    assert (page.way_dialog, page.way_address) == ("unlink", "")
    assert payload(work(page, "unlink_way"))["message"] == "GitHub signs you in no more."
    assert (page.way_dialog, page.ways[0].linked) == ("", False)
    assert _actions(session) == ["ACCOUNT_LINK_BEGIN", "ACCOUNT_UNLINK"]


def test_the_last_way_in_stays(page: SettingsState, session: Session, company: seed.Company) -> None:
    session.get_one(User, company.actor.user_id).password_hash = None
    _link(session, company)
    work(page, "open_way", "github")
    assert work(page, "unlink_way") is None
    assert "last way" in page.security_refusal
    assert session.exec(select(Account)).all() != []


def test_only_words_of_ours_are_shown_for_what_an_address_says(page_of: StatePage, company: seed.Company) -> None:
    for said, shown in (("oauth-taken", "Somebody else here"), ("<b>Call+0900</b>", "")):
        state = page_of(SettingsState, company.token, f"/settings?error={said}")
        work(state, "load")
        assert state.security_problem.startswith(shown)
        assert bool(state.security_problem) is bool(shown)


def test_a_second_factor_from_beginning_to_end(page: SettingsState, session: Session) -> None:
    assert not page.factor_on
    work(page, "open_factor", "begin")
    event = work(page, "begin_factor")
    assert SECRET_FIELD.replace("-", "_") in str(event) or SECRET_FIELD in str(event)
    assert page.factor_step == "scan"
    work(page, "confirm_factor", {"code": "no"})
    assert page.security_refusal.startswith("This is not the code")
    secret = _secret(session)
    shown = str(work(page, "confirm_factor", {"code": TOTP(secret).generate_otp(int(time.time()) // 30)}))
    assert CODES_FIELD.replace("-", "_") in shown or CODES_FIELD in shown
    assert (page.factor_step, page.factor_on) == ("codes", True)
    assert "10 recovery codes are left" in page.factor_text
    # Nothing that is secret stays in a var, which would be in Redis.
    assert secret not in str(page.dict())

    work(page, "open_factor", "renew")
    work(page, "renew_codes", {"proof": "wrong"})
    assert "neither your password nor a code" in page.security_refusal
    work(page, "renew_codes", {"proof": PASSWORD})
    assert page.factor_step == "codes"
    work(page, "open_factor", "off")
    assert payload(work(page, "turn_factor_off", {"proof": PASSWORD}))["message"].startswith("Your sign-in asks for no")
    assert not page.factor_on
    assert _actions(session) == [
        "SECOND_FACTOR_BEGIN",
        "SECOND_FACTOR_ENABLE",
        "SECOND_FACTOR_CODES",
        "SECOND_FACTOR_DISABLE",
    ]


def _secret(session: Session) -> str:
    session.expire_all()
    row = session.exec(select(SecondFactor)).one()
    return encryption().decrypt_api_key(SealedSecret(row.encrypted_secret, row.iv, row.tag, row.encryption_key_id))


def test_the_rule_needs_a_domain_and_a_link_of_ones_own(
    page: SettingsState, session: Session, company: seed.Company
) -> None:
    work(page, "save_rule", {"provider": "github"})
    assert "Verify the organization's domain" in page.rule_refusal
    session.get_one(Organization, company.organization.id).domain = "acme.example"
    session.commit()
    work(page, "save_rule", {"provider": "github"})
    assert "lock yourself out" in page.rule_refusal
    _link(session, company)
    assert payload(work(page, "save_rule", {"provider": "github"}))["message"].startswith("From their next sign-in")
    assert (page.rule_domain, page.rule_provider) == ("acme.example", "github")
    work(page, "save_rule", {"provider": ""})
    assert page.rule_provider == ""


def test_mails_that_one_asks_for(page: SettingsState, session: Session, company: seed.Company) -> None:
    session.get_one(User, company.actor.user_id).email_verified = None
    session.commit()
    work(page, "confirm_address")
    work(page, "mail_password_link")
    assert sorted(session.exec(select(EmailLog.kind))) == ["reset", "verify"]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1", "this computer (127.0.0.1)"),
        ("192.168.3.4", "private network (192.168.3.4)"),
        ("fd00::1", "private network (fd00::1)"),
        ("93.184.216.34", "93.184.216.34"),
        (None, "unknown address"),
        ("testclient", "unknown address"),
    ],
)
def test_where_an_address_is(address: str | None, words: str) -> None:
    assert security_rows.place(address) == words
