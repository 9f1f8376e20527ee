"""People: settings that change what others see, secrets that are shown once, and a forgotten password."""

import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import driving
from tests.e2e.conftest import PASSWORD, Frames, Product, register


def test_an_access_token_is_shown_once_and_works_until_it_is_revoked(
    product: Product, tab: Page, frames: Frames
) -> None:
    product.sign_in(tab.context, register(product.url, "tokens@guardian.test", "Tom Token"))
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=product.url)
    tab.goto(f"{product.url}/settings")
    tab.get_by_role("button", name="Create a token").click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Nightly export")
    dialog.get_by_role("button", name="Create the token").click()
    secret = dialog.get_by_label("Access token")
    expect(secret).not_to_have_value("")
    value = secret.input_value()
    dialog.get_by_role("button", name="Copy").click()
    expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    assert tab.evaluate("navigator.clipboard.readText()") == value
    assert _organization(product, value) == "Tom Token's"
    dialog.get_by_role("button", name="Done").click()
    expect(dialog).to_have_count(0)

    tab.reload()
    expect(tab.get_by_text(f"gdn_…{value[-4:]}")).to_be_visible()
    assert value not in tab.content()
    assert len([frame for frame in frames.received if value in frame]) == 1
    tab.get_by_role("button", name="Revoke Nightly export").click()
    tab.get_by_role("dialog").get_by_role("button", name="Revoke the token").click()
    expect(tab.get_by_text("Nightly export is revoked.")).to_be_visible()
    with pytest.raises(HTTPError, match="401"):
        _organization(product, value)


def test_the_time_zone_decides_when_days_begin(product: Product, tab: Page) -> None:
    product.sign_in(tab.context, register(product.url, "zones@guardian.test", "Zoe Zone"))
    tab.goto(f"{product.url}/settings")
    zone = tab.get_by_label("Time zone")
    expect(zone).to_have_value("UTC")
    assert tab.locator("#time-zones option[value='Asia/Tokyo']").count() == 1
    save = tab.locator("form", has=zone).get_by_role("button", name="Save")
    zone.fill("Mars/Olympus")
    save.click()
    expect(tab.get_by_role("alert").filter(has_text="Unknown time zone")).to_contain_text("Nothing was changed.")
    zone.fill("Asia/Tokyo")
    tab.get_by_label("Name", exact=True).fill("Zone Works")
    save.click()
    expect(tab.get_by_text("The organization is saved.")).to_be_visible()
    expect(tab.get_by_text("Zone Works", exact=True).first).to_be_visible()
    tab.get_by_role("link", name="Dashboard", exact=True).click()
    expect(tab.get_by_text("times in Asia/Tokyo")).to_be_visible()


def test_another_browser_is_signed_out_from_here(product: Product, tab: Page, browser: Browser) -> None:
    email = "browsers@guardian.test"
    register(product.url, email, "Bea Browser")
    with browser.new_context() as elsewhere:
        other = elsewhere.new_page()
        driving.sign_in(other, product, email)
        other.wait_for_url("**/dashboard")
        driving.sign_in(tab, product, email)
        tab.wait_for_url("**/dashboard")
        tab.goto(f"{product.url}/settings")
        expect(tab.get_by_text("This device")).to_have_count(1)
        tab.get_by_role("button", name="Sign out everywhere else").click()
        expect(tab.get_by_text("2 browsers are signed out.")).to_be_visible()
        other.goto(f"{product.url}/settings")
        other.wait_for_url("**/?error=signed-out&next=%2Fsettings")
        expect(other.get_by_role("alert")).to_have_text("Your session has ended. Sign in again.")
    expect(tab.get_by_text("signed out everywhere else")).to_be_visible()


def test_a_forgotten_password_is_reset_by_mail(product: Product, tab: Page, browser: Browser) -> None:
    email, new = "forgetful@guardian.test", "quite another four words"
    register(product.url, email, "Fred Forgetful")
    tab.goto(product.url)
    tab.get_by_role("link", name="Forgot your password?").click()
    expect(tab.get_by_role("heading", name="Reset your password")).to_be_visible()
    tab.get_by_label("E-mail").fill(email)
    tab.get_by_role("button", name="Send the link").click()
    expect(tab.get_by_role("status").filter(has_text="a link is on its way")).to_be_visible()
    link = mailed_link(product, browser, email, "Reset your password")
    tab.goto(link)
    tab.get_by_label("New password").fill(new)
    tab.get_by_role("button", name="Change the password").click()
    expect(tab.get_by_text("Your password is changed. Sign in with it.")).to_be_visible()
    expect(tab.get_by_label("E-mail")).to_have_value(email)
    tab.get_by_label("Password").fill(new)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url("**/dashboard")
    with browser.new_context() as again:
        used = again.new_page()
        used.goto(link)
        used.get_by_label("New password").fill(new)
        used.get_by_role("button", name="Change the password").click()
        expect(used.get_by_role("alert")).to_have_text("This link is no longer valid. Ask for a new one.")
        expect(used.get_by_role("link", name="Ask for a new link")).to_be_visible()


def test_a_new_person_confirms_the_address(product: Product, tab: Page, browser: Browser) -> None:
    product.sign_in(tab.context, register(product.url, "nora@guardian.test", "Nora New"))
    tab.goto(mailed_link(product, browser, "nora@guardian.test", "Welcome to AI Cost Guardian"))
    tab.get_by_role("button", name="Confirm this address").click()
    expect(tab.get_by_role("status")).to_contain_text("Your address is confirmed.")


def test_through_an_issuer_of_ones_own_in_and_out_and_in_again(product: Product, tab: Page) -> None:
    """Once to a new account, then, in another browser's place, back to the same one."""
    product.issuer.person |= {"sub": "sso-1", "email": "sso@guardian.test", "name": "Sofia Single"}
    product.issuer.consent = "page"
    tab.goto(f"{product.url}/budgets")
    for organization in ("Sofia Single", "Sofia Works"):
        tab.get_by_role("link", name="Continue with Acme SSO").click()
        tab.get_by_role("link", name="Allow").click()
        tab.wait_for_url("**/budgets")
        expect(tab.get_by_role("heading", name="Budgets", exact=True)).to_be_visible()
        expect(tab.get_by_text(organization).first).to_be_visible()
        tab.goto(f"{product.url}/settings")
        tab.get_by_label("Name", exact=True).fill("Sofia Works")
        tab.locator("form", has=tab.get_by_label("Time zone")).get_by_role("button", name="Save").click()
        expect(tab.get_by_text("The organization is saved.")).to_be_visible()
        tab.get_by_role("button", name="Sign out", exact=True).click()
        expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
        tab.goto(f"{product.url}/budgets")


def test_the_installations_page_is_no_page_for_others(product: Product, tab: Page) -> None:
    product.sign_in(tab.context, register(product.url, "curious@guardian.test", "Carl Curious"))
    tab.goto(f"{product.url}/dashboard")
    expect(tab.get_by_role("link", name="Keys", exact=True)).to_be_visible()
    expect(tab.get_by_role("link", name="Installation")).to_have_count(0)
    tab.goto(f"{product.url}/admin")
    expect(tab.get_by_role("heading", name="There is no such page")).to_be_visible()


def mailed_link(product: Product, browser: Browser, email: str, subject: str) -> str:
    """The link in that person's newest mail of that subject, as the mailbox of the installation shows it."""
    with browser.new_context() as context:
        product.sign_in(context, product.admin)
        page = context.new_page()
        page.goto(f"{product.url}/admin")
        mail = page.get_by_role("link").filter(has_text=email).filter(has_text=subject)
        # The mail is sent by a worker, some moments after the form was answered.
        for _ in range(100):
            if mail.count():
                break
            page.get_by_role("button", name="Look again").click()
            page.wait_for_timeout(200)
        mail.first.click()
        found = page.frame_locator("iframe").get_by_role("link").first.get_attribute("href")
    assert found is not None
    return found


def _organization(product: Product, token: str) -> str:
    request = Request(f"{product.url}/api/v1/organization", headers={"Authorization": f"Bearer {token}"})
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]["name"]


def test_an_address_is_confirmed_on_another_device_once_one_is_signed_in_there(
    product: Product, browser: Browser
) -> None:
    register(product.url, "phone@guardian.test", "Phil Phone")
    link = mailed_link(product, browser, "phone@guardian.test", "Welcome to AI Cost Guardian")
    with browser.new_context() as phone:
        page = phone.new_page()
        page.goto(link)
        page.get_by_role("button", name="Confirm this address").click()
        expect(page.get_by_role("alert")).to_contain_text("Sign in, then confirm your address.")
        page.get_by_label("E-mail").fill("phone@guardian.test")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_role("button", name="Confirm this address").click()
        expect(page.get_by_text("Your address is confirmed.")).to_be_visible()
