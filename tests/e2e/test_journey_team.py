"""A team comes together: an invitation by mail, a new person by its link, a role that changes before their eyes."""

from playwright.sync_api import Browser, expect

from tests.e2e.conftest import PASSWORD, Product, register
from tests.e2e.test_journey_people import mailed_link

GRACE = "grace@team.test"


def test_somebody_is_invited_joins_and_sees_their_role_change(product: Product, browser: Browser) -> None:
    owner = register(product.url, "olga@team.test", "Olga Owner", "Teamwork")
    with browser.new_context() as hers, browser.new_context() as theirs:
        product.sign_in(hers, owner)
        olga, grace = hers.new_page(), theirs.new_page()
        olga.goto(f"{product.url}/team")
        olga.get_by_role("button", name="New team").click()
        olga.get_by_role("dialog").get_by_label("Name").fill("Search")
        olga.get_by_role("dialog").get_by_role("button", name="Save").click()
        expect(olga.get_by_text("Search is saved.")).to_be_visible()
        olga.get_by_role("button", name="Invite somebody").click()
        form = olga.get_by_role("dialog", name="Invite somebody")
        form.get_by_label("E-mail").fill(GRACE)
        form.get_by_label("Viewer").check()
        form.get_by_label("Team").select_option("Search")
        form.get_by_role("button", name="Send the invitation").click()
        expect(olga.get_by_test_id("invitation").filter(has_text=GRACE)).to_contain_text("Viewer")

        link = mailed_link(product, browser, GRACE, "Olga Owner invites you to Teamwork")
        grace.goto(link)
        expect(grace.get_by_role("heading", name="Join Teamwork")).to_be_visible()
        expect(grace.get_by_text("You would be a viewer, in the team Search.")).to_be_visible()
        grace.get_by_label("Your name").fill("Grace New")
        grace.get_by_label("Password").fill(PASSWORD)
        grace.get_by_role("button", name="Create the account and join").click()
        grace.wait_for_url("**/dashboard")

        # It is there without anybody's having loaded the page again.
        member = olga.get_by_test_id("member").filter(has_text="Grace New")
        expect(member).to_contain_text("Viewer")
        expect(olga.get_by_test_id("invitation")).to_have_count(0)

        grace.get_by_role("link", name="Team", exact=True).click()
        expect(grace.get_by_test_id("member")).to_have_count(2)
        expect(grace.get_by_role("button", name="Invite somebody")).to_have_count(0)
        olga.get_by_role("button", name="More for Grace New").click()
        olga.get_by_role("button", name="Role and team").locator("visible=true").click()
        edit = olga.get_by_role("dialog", name="Role and team of Grace New")
        edit.get_by_label("Admin").check()
        edit.get_by_role("button", name="Save").click()
        expect(grace.get_by_test_id("member").filter(has_text="Grace New")).to_contain_text("Admin")
        expect(grace.get_by_role("button", name="Invite somebody")).to_be_visible()

        # The link has done its work, and who was removed is out.
        with browser.new_context() as elsewhere:
            again = elsewhere.new_page()
            again.goto(link)
            expect(again.get_by_text("This invitation was used already.")).to_be_visible()
        olga.get_by_role("button", name="More for Grace New").click()
        olga.get_by_role("button", name="Remove").locator("visible=true").click()
        olga.get_by_role("dialog", name="Remove Grace New?").get_by_role("button", name="Remove").click()
        expect(member).to_have_count(0)
        grace.goto(f"{product.url}/team")
        grace.wait_for_url("**/?error=signed-out&next=%2Fteam")


def test_one_person_works_in_two_organizations(product: Product, browser: Browser) -> None:
    owner = register(product.url, "otto@team.test", "Otto Owner", "First works")
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        product.sign_in(context, owner)
        tab = context.new_page()
        tab.goto(f"{product.url}/dashboard")
        switch = tab.locator(".sidebar").get_by_role("button", name="Organization First works, switch")
        switch.click()
        tab.get_by_role("button", name="Another organization").locator("visible=true").click()
        form = tab.get_by_role("dialog", name="Another organization")
        form.get_by_label("Name").fill("Second works")
        form.get_by_role("button", name="Make it").click()
        second = tab.locator(".sidebar").get_by_role("button", name="Organization Second works, switch")
        expect(second).to_be_visible()
        second.click()
        tab.get_by_role("button", name="First works Owner").locator("visible=true").click()
        expect(switch).to_be_visible()


def test_a_person_who_has_an_account_signs_in_to_join(product: Product, browser: Browser) -> None:
    owner = register(product.url, "oskar@team.test", "Oskar Owner", "Joined works")
    register(product.url, "jan@team.test", "Jan Joiner", "Jan alone")
    with browser.new_context() as hers, browser.new_context() as theirs:
        product.sign_in(hers, owner)
        oskar, jan = hers.new_page(), theirs.new_page()
        oskar.goto(f"{product.url}/team")
        oskar.get_by_role("button", name="Invite somebody").click()
        form = oskar.get_by_role("dialog", name="Invite somebody")
        form.get_by_label("E-mail").fill("jan@team.test")
        form.get_by_role("button", name="Send the invitation").click()
        link = mailed_link(product, browser, "jan@team.test", "Oskar Owner invites you to Joined works")
        # Somebody else who has the link gets nothing by it.
        oskar.goto(link)
        expect(oskar.get_by_text("Sign out, then open the link of the mail again.")).to_be_visible()
        jan.goto(link)
        jan.get_by_role("button", name="Sign in and join").click()
        expect(jan.get_by_label("E-mail")).to_have_value("jan@team.test")
        jan.get_by_label("Password").fill(PASSWORD)
        jan.get_by_role("button", name="Sign in", exact=True).click()
        jan.get_by_role("button", name="Join", exact=True).click()
        jan.wait_for_url("**/dashboard")
        expect(jan.locator(".sidebar").get_by_text("Joined works")).to_be_visible()
