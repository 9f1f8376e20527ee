"""Signing in as people do it: buttons of providers, the second step, linking in the settings, in a browser."""

import time
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pyotp.totp import TOTP
from sqlmodel import Session, select

from guardian.models import Account, Organization, User
from guardian.services.people.access import accounts
from tests.conftest import Servers
from tests.fakes import github_server, oidc_server
from tests.fakes.github_server import GitHubServer
from tests.fakes.oidc_server import OidcServer
from tests.ui.conftest import Web, free_port

PASSWORD = "correct horse battery"
MAIL = "ada@acme.test"


@pytest.fixture
def issuer() -> Generator[OidcServer]:
    with OidcServer() as running:
        running.consent = "page"
        yield running


@pytest.fixture
def web(
    built_pages: Path,
    environment: Servers,
    issuer: OidcServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Generator[Web]:
    """A web process of the test's own, which is set up for three providers."""
    served = Web(free_port(), tmp_path)
    with GitHubServer() as github:
        for name, value in {
            "OIDC_ISSUER": issuer.url,
            "OIDC_CLIENT_ID": oidc_server.CLIENT_ID,
            "OIDC_CLIENT_SECRET": oidc_server.CLIENT_SECRET,
            "OIDC_NAME": "Acme SSO",
            "GITHUB_BASE_URL": github.url,
            "GITHUB_API_URL": github.url,
            "GITHUB_CLIENT_ID": github_server.CLIENT_ID,
            "GITHUB_CLIENT_SECRET": github_server.CLIENT_SECRET,
        }.items():
            monkeypatch.setenv(name, value)
        try:
            served.start()
            yield served
        finally:
            served.stop()


def code_of(secret: str, steps: int = 0) -> str:
    return TOTP(secret.replace(" ", "")).generate_otp(int(time.time()) // 30 + steps)


def register(session: Session, *, verified: bool = True) -> User:
    user = accounts.register(session, email=MAIL, password=PASSWORD, name="Ada Lovelace", company="Acme")
    user.email_verified = user.created_at if verified else None
    session.commit()
    return user


def give_password(tab: Page, web: Web) -> None:
    tab.goto(web.url)
    tab.get_by_label("E-mail").fill(MAIL)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()


def test_through_a_provider_and_back(web: Web, tab: Page, context: BrowserContext) -> None:
    tab.goto(f"{web.url}/usage?range=7d")
    expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(tab.get_by_text("Continue with Google")).to_have_count(0)
    tab.get_by_role("link", name="Continue with Acme SSO").click()
    # Called off, and then not.
    tab.get_by_role("link", name="Deny").click()
    expect(tab.get_by_role("alert")).to_contain_text("called off at the provider")
    tab.goto(f"{web.url}/?next=%2Fusage%3Frange%3D7d")
    tab.get_by_role("link", name="Continue with Acme SSO").click()
    expect(tab.get_by_role("heading", name=f"Sign in to Guardian as {MAIL}?")).to_be_visible()
    tab.get_by_role("link", name="Allow").click()
    tab.wait_for_url("**/usage?range=7d")
    expect(tab.get_by_role("heading", name="Explorer")).to_be_visible()
    assert not [each for each in context.cookies() if each["name"] == "guardian_oauth"]
    [cookie] = [each for each in context.cookies() if each["name"] == "guardian_session"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")


def test_an_address_that_is_not_confirmed_is_linked_by_hand(web: Web, tab: Page, session: Session) -> None:
    user = register(session, verified=False)
    tab.goto(web.url)
    tab.get_by_role("link", name="Continue with GitHub").click()
    expect(tab.get_by_role("alert")).to_contain_text("Sign in with your password, then link it under Settings")
    give_password(tab, web)
    tab.wait_for_url("**/dashboard")
    tab.goto(f"{web.url}/settings")
    expect(tab.get_by_text("Your address is not confirmed yet.")).to_be_visible()
    tab.get_by_role("button", name="Link GitHub", exact=True).click()
    tab.get_by_role("dialog").get_by_role("link", name="Go on").click()
    tab.wait_for_url("**/settings?linked=github**")
    expect(tab.get_by_role("button", name="Unlink GitHub")).to_be_visible()
    assert session.exec(select(Account.user_id)).one() == user.id
    tab.get_by_role("button", name="Unlink GitHub").click()
    tab.get_by_role("dialog").get_by_role("button", name="Unlink").click()
    expect(tab.get_by_role("button", name="Link GitHub", exact=True)).to_be_visible()
    session.expire_all()
    assert session.exec(select(Account)).all() == []


def test_a_second_factor_from_the_picture_to_the_recovery_code(web: Web, tab: Page, session: Session) -> None:
    register(session)
    give_password(tab, web)
    tab.wait_for_url("**/dashboard")
    tab.goto(f"{web.url}/settings")
    tab.get_by_role("button", name="Turn on").click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_role("button", name="Go on").click()
    picture = dialog.get_by_role("img", name="The secret as a QR code")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    field = dialog.get_by_label("Or type it off")
    expect(field).not_to_have_value("")
    secret = field.input_value()
    dialog.get_by_label("Code", exact=True).fill("12")
    dialog.get_by_role("button", name="Turn on").click()
    expect(dialog.get_by_role("alert")).to_contain_text("This is not the code")
    dialog.get_by_label("Code", exact=True).fill(code_of(secret, -1))
    dialog.get_by_role("button", name="Turn on").click()
    shown = dialog.get_by_label("Recovery codes")
    expect(shown).not_to_have_value("")
    codes = shown.input_value().split("\n")
    assert len(codes) == 10
    dialog.get_by_role("button", name="I have kept them").click()
    expect(tab.get_by_text("10 recovery codes are left.")).to_be_visible()
    assert secret not in tab.content()
    assert codes[0] not in tab.content()

    tab.get_by_role("button", name="Sign out everywhere", exact=True).click()
    give_password(tab, web)
    expect(tab.get_by_role("heading", name="One more step")).to_be_visible()
    tab.get_by_label("Code").fill("000")
    tab.get_by_role("button", name="Go on").click()
    expect(tab.get_by_role("alert")).to_contain_text("This code is wrong")
    tab.get_by_label("Code").fill(code_of(secret, 1))
    tab.get_by_role("button", name="Go on").click()
    tab.wait_for_url("**/dashboard")
    # A provider does not go around it, and a recovery code does without the phone.
    tab.context.clear_cookies()
    tab.goto(web.url)
    tab.get_by_role("link", name="Continue with Acme SSO").click()
    tab.get_by_role("link", name="Allow").click()
    expect(tab.get_by_role("heading", name="One more step")).to_be_visible()
    tab.get_by_label("Code").fill(codes[0])
    tab.get_by_role("button", name="Go on").click()
    tab.wait_for_url("**/dashboard")
    tab.goto(f"{web.url}/settings")
    expect(tab.get_by_text("9 recovery codes are left.")).to_be_visible()
    tab.get_by_role("button", name="Turn off").click()
    tab.get_by_label("Your password, or a code").fill(PASSWORD)
    tab.get_by_role("dialog").get_by_role("button", name="Turn off").click()
    expect(tab.get_by_role("button", name="Turn on")).to_be_visible()


def test_a_domain_asks_for_its_provider(web: Web, tab: Page, session: Session, issuer: OidcServer) -> None:
    register(session)
    colleague = accounts.register(session, email="bob@acme.test", password=PASSWORD)
    user = session.exec(select(User).where(User.email == MAIL)).one()
    session.get_one(Organization, user.organization_id).domain = "acme.test"
    issuer.consent = "at-once"
    session.commit()
    tab.goto(web.url)
    tab.get_by_role("link", name="Continue with Acme SSO").click()
    tab.wait_for_url("**/dashboard")
    tab.goto(f"{web.url}/settings")
    tab.get_by_label("Members with an address of acme.test sign in").select_option(label="Only with Acme SSO")
    tab.locator("form", has=tab.locator("#rule")).get_by_role("button", name="Save").click()
    expect(tab.get_by_text("From their next sign-in on")).to_be_visible()
    session.expire_all()
    user = session.exec(select(User).where(User.email == MAIL)).one()
    user.role = colleague.role
    session.commit()
    tab.context.clear_cookies()
    give_password(tab, web)
    expect(tab.get_by_role("alert")).to_contain_text("asks its members to use its single sign-on")
