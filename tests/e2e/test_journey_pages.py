"""Every page, signed out and in, empty and full, light and dark, wide and narrow: accessible, and nothing overflows."""

import json
from urllib.request import Request, urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from guardian.periods import DAY, rfc3339, utcnow
from guardian.ui.cookie import COOKIE_NAME
from tests.e2e.conftest import Product, as_described, register, wait_for
from tests.fakes import anthropic_api, openai_api

LOOKS = [
    pytest.param(1280, "light", id="wide-light"),
    pytest.param(1280, "dark", id="wide-dark"),
    pytest.param(390, "light", id="narrow-light"),
    pytest.param(390, "dark", id="narrow-dark"),
    pytest.param(640, "light", id="zoomed"),  # 1280 px at 200 %
]
DOORS = [
    "/",
    "/?error=credentials&email=mia@acme.test",
    "/?reset=1",
    "/register?error=password&name=Mia&company=Acme&email=mia@acme.test",
    "/forgot-password?sent=1",
    "/reset-password?token=abc",
    "/verify-email?token=abc",
    "/verify-email?done=1",
    "/reset-password?error=token",
    "/invitation?token=abc",
    "/invitation?token=abc&error=full",
    "/no/such/page",
]
TEAM_DIALOGS = ("Invite somebody", "New team", "Delete the organization")
LONG = "A label as long as somebody of the research department in Northern Europe would make it, without a thought"


def _rest(product: Product, token: str, method: str, path: str, body: object = None) -> dict[str, object]:
    request = Request(
        f"{product.url}/api/v1/{path}",
        None if body is None else json.dumps(body).encode(),
        {"Cookie": f"{COOKIE_NAME}={token}", "Content-Type": "application/json", "Origin": product.url},
        method=method,
    )
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.fixture(scope="package")
def full(product: Product) -> str:
    """Somebody with keys of all kinds, budgets, usage, a mail and an access token: their cookie. They run it all."""
    token = product.admin
    as_described(product.provider)
    for provider, label, secret in (
        ("OPENAI", LONG[:100], openai_api.ADMIN_KEY),
        ("OPENAI", "Chatbot", openai_api.PROJECT_KEY),
        ("ANTHROPIC", "Claude", anthropic_api.ADMIN_KEY),
    ):
        _rest(product, token, "POST", "keys", {"provider": provider, "label": label, "key": secret})
    _rest(product, token, "POST", "tokens", {"name": LONG[:100], "scopes": ["api", "gateway", "ingest"]})
    for name, limit, rolling in ((LONG[:100], "0.5", None), ("Week", "1000", 7)):
        budget = _rest(product, token, "POST", "budgets", {"name": name, "limit": limit, "rollingDays": rolling})[
            "data"
        ]
        assert isinstance(budget, dict)
        lifted = {"limit": "2000", "until": rfc3339(utcnow() + DAY), "reason": LONG}
        _rest(product, token, "POST", f"budgets/{budget['id']}/raise", lifted)
    _rest(product, token, "POST", "team/teams", {"name": LONG[:100], "defaultTags": {"cost-centre": LONG}})
    invited = {"email": f"{'long.' * 12}name@{'department.' * 8}example.com", "role": "VIEWER", "team": LONG[:100]}
    _rest(product, token, "POST", "team/invitations", invited)
    _rest(product, token, "PUT", "organization/domain", {"domain": "guardian.test"})
    _rest(product, token, "POST", "auth/password/forgot", {"email": "admin@guardian.test"})

    def all_pulled() -> bool:
        keys = _rest(product, token, "GET", "keys")["data"]
        assert isinstance(keys, list)
        jobs = [f"keys/{key['id']}/sync" for key in keys if key["metadata"].get("kind") == "admin"]
        return all(_rest(product, token, "POST", job)["data"]["status"] != "running" for job in jobs)

    wait_for(all_pulled, 120, product.logs)
    return token


def _look_at(tab: Page, product: Product, address: str, width: int, scheme: str) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    tab.goto(product.url + address)
    expect(tab.get_by_role("heading", level=1)).to_be_visible()
    expect(tab.locator(".skeleton")).to_have_count(0)


def _check(tab: Page, width: int) -> None:
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("address", DOORS)
def test_signed_out(product: Product, tab: Page, address: str, width: int, scheme: str) -> None:
    _look_at(tab, product, address, width, scheme)
    if "error=" in address:
        expect(tab.get_by_role("alert")).not_to_be_empty()
    _check(tab, width)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("address", ["/dashboard", "/usage", "/budgets", "/prices", "/keys", "/team", "/settings"])
def test_empty(product: Product, tab: Page, address: str, width: int, scheme: str) -> None:
    email = f"empty-{address[1:]}-{width}-{scheme}@guardian.test"
    product.sign_in(tab.context, register(product.url, email, "Mia Winter", "An organization with quite a long name"))
    _look_at(tab, product, address, width, scheme)
    _check(tab, width)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize(
    "address",
    [
        "/dashboard?range=90d",
        "/usage?range=90d",
        "/usage?range=90d&tab=rows",
        "/budgets",
        "/prices",
        "/keys",
        "/team",
        "/settings",
        "/admin",
    ],
)
def test_full(product: Product, full: str, tab: Page, address: str, width: int, scheme: str) -> None:
    product.sign_in(tab.context, full)
    _look_at(tab, product, address, width, scheme)
    if address == "/admin":
        tab.get_by_role("link").filter(has_text="Reset your password").first.click()
        expect(tab.locator("iframe, pre").first).to_be_visible()
    if address == "/team":
        tab.get_by_text("Show the table").click()
        expect(tab.get_by_role("columnheader", name="Owner")).to_be_visible()
    _check(tab, width)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize(
    "name", ["Add a key", "Create a token", "Rename", "Replace the key", "Delete", "New budget", *TEAM_DIALOGS]
)
def test_dialogs(product: Product, full: str, tab: Page, name: str, width: int, scheme: str) -> None:
    product.sign_in(tab.context, full)
    place = "/settings" if "token" in name else "/budgets" if "budget" in name else "/keys"
    place = "/team" if name in TEAM_DIALOGS else place
    _look_at(tab, product, place, width, scheme)
    if name in ("Rename", "Replace the key", "Delete"):
        tab.get_by_role("button", name=f"More for {LONG[:100]}").click()
    tab.get_by_role("button", name=name, exact=True).click()
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_be_visible()
    box = dialog.bounding_box()
    assert box is not None
    assert (box["x"] >= 0, box["x"] + box["width"] <= width, box["y"] >= 0) == (True, True, True)
    _check(tab, width)
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
