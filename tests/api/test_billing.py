"""Plans, subscriptions and invoices over REST, and the door for Stripe's messages, which only Stripe can open."""

import json
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from sqlmodel import Session, select

from guardian import db
from guardian.models import ActivityLog, Organization, StripeEvent
from guardian.models.enums import Plan, TeamRole, UserRole
from tests.api.conftest import Client, SignIn
from tests.conftest import People, make_actor
from tests.fakes.stripe_server import FakeStripe, signed

HOOK = "/billing/webhook"


@pytest.fixture
def stripe(session: Session, people: People, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    """Plans are sold here, and both organizations have the one to begin with."""
    with FakeStripe() as fake:
        fake.configure(monkeypatch.setenv)
        for actor in (people.alice, people.charlie):
            session.get_one(Organization, actor.organization_id).plan = Plan.FREE
        session.commit()
        yield fake


def bought(alice: Client, stripe: FakeStripe, api_url: str, plan: str = "STARTER") -> None:
    url = alice.data("POST", "/subscription/checkout", json={"plan": plan})["url"]
    assert url.startswith(f"{stripe.url}/pay/")
    stripe.paid(url.rpartition("/")[2])
    assert set(stripe.send(f"{api_url}/api/v1{HOOK}", stripe.news() * 2)) == {200}


def test_where_nothing_is_sold_there_is_all_of_it_and_nothing_to_buy(alice: Client) -> None:
    mine = alice.data("GET", "/subscription")
    assert (mine["plan"], mine["soldHere"], mine["subscription"]) == ("ENTERPRISE", False, None)
    assert set(mine["limits"].values()) == {None}
    assert mine["used"] == {"members": 2, "keys": 0, "alerts": 0, "requestsPerMonth": 0}
    plans = alice.data("GET", "/plans")
    assert [each["plan"] for each in plans] == ["FREE", "STARTER", "GROWTH", "SCALE", "ENTERPRISE"]
    assert {each["forSale"] for each in plans} == {False}
    assert (plans[1]["price"], plans[1]["currency"], plans[1]["limits"]["keys"]) == ("29", "USD", 10)
    body = alice.failure("POST", "/subscription/checkout", 409, json={"plan": "STARTER"})
    assert body["error"] == "Plans are not sold here. Whoever runs this installation assigns them."
    alice.failure("POST", "/subscription/portal", 409)
    alice.failure("POST", HOOK, 404)


def test_a_plan_is_bought_changed_and_ended(alice: Client, stripe: FakeStripe, api_url: str) -> None:
    bought(alice, stripe, api_url)
    mine = alice.data("GET", "/subscription")
    assert (mine["plan"], mine["soldHere"], mine["limits"]["keys"]) == ("STARTER", True, 10)
    assert (mine["subscription"]["amount"], mine["subscription"]["status"]) == ("29", "ACTIVE")
    alice.failure("POST", "/subscription/checkout", 409, json={"plan": "GROWTH"})
    shown = alice.data("POST", "/subscription/change/preview", json={"plan": "GROWTH"})
    assert Decimal("69.9") < Decimal(shown["dueNow"]) <= 70
    assert (shown["price"], shown["tooMany"], [line["proration"] for line in shown["lines"]]) == ("99", [], [True] * 2)
    assert alice.data("GET", "/subscription")["plan"] == "STARTER"
    wanted = {"plan": "GROWTH", "at": shown["at"]}
    stripe.books.declines = True
    refused = alice.failure("POST", "/subscription/change", 402, json=wanted)
    assert (refused["code"], refused["error"]) == ("PAYMENT_REFUSED", "Your card was declined.")
    stripe.books.declines = False
    assert alice.data("POST", "/subscription/change", json=wanted)["plan"] == "GROWTH"
    again = alice.failure("POST", "/subscription/change", 409, json=wanted)
    assert again["error"] == "Growth is the plan that there is already."
    old = alice.failure("POST", "/subscription/change", 400, json={"plan": "SCALE", "at": "2026-01-01T00:00:00Z"})
    assert old["details"][0]["field"] == "at"
    assert stripe.send(f"{api_url}/api/v1{HOOK}", stripe.news())
    invoices = alice.data("GET", "/invoices")
    assert [(each["amount"], each["status"]) for each in invoices] == [(shown["dueNow"], "PAID"), ("29", "PAID")]
    ending = alice.data("POST", "/subscription/cancel", json={})
    assert (ending["plan"], ending["subscription"]["cancelAtPeriodEnd"]) == ("GROWTH", True)
    going = alice.data("POST", "/subscription/cancel", json={"ends": False})
    assert going["subscription"]["cancelAtPeriodEnd"] is False
    alice.data("POST", "/subscription/cancel", json={})
    stripe.books.renew(stripe.books.all("subscription")[0]["id"])
    stripe.send(f"{api_url}/api/v1{HOOK}", stripe.news())
    mine = alice.data("GET", "/subscription")
    assert (mine["plan"], mine["subscription"]) == ("FREE", None)


def test_an_invoice_is_its_organizations_own(alice: Client, charlie: Client, stripe: FakeStripe, api_url: str) -> None:
    bought(alice, stripe, api_url)
    [listed] = alice.data("GET", "/invoices")
    whole = alice.data("GET", f"/invoices/{listed['id']}")
    assert {name: whole[name] for name in listed} == listed
    assert [line["amount"] for line in whole["lines"]] == ["29"]
    answer = alice.get(f"/api/v1/invoices/{listed['id']}/pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["content-disposition"] == 'attachment; filename="invoice-ACME-0001.pdf"'
    words = PdfReader(BytesIO(answer.content)).pages[0].extract_text()
    assert all(each in words for each in ("Invoice ACME-0001", "$29.00", "Paid on"))
    for path in (f"/invoices/{listed['id']}", f"/invoices/{listed['id']}/pdf"):
        charlie.failure("GET", path, 404)
    assert charlie.data("GET", "/invoices") == []
    charlie.failure("GET", f"/invoices?cursor={listed['id']}", 400)
    assert charlie.data("GET", "/subscription")["plan"] == "FREE"


def test_what_is_paid_in_yen_has_no_decimals(alice: Client, stripe: FakeStripe, api_url: str) -> None:
    stripe.books.price("guardian_starter_monthly", 4_500, "jpy")
    plans = {each["plan"]: each for each in alice.data("GET", "/plans")}
    assert (plans["STARTER"]["price"], plans["STARTER"]["currency"]) == ("4500", "JPY")
    bought(alice, stripe, api_url)
    [invoice] = alice.data("GET", "/invoices")
    assert (invoice["amount"], invoice["currency"]) == ("4500", "JPY")
    pdf = alice.get(f"/api/v1/invoices/{invoice['id']}/pdf").content
    assert "¥4,500" in PdfReader(BytesIO(pdf)).pages[0].extract_text()


def test_only_stripe_can_say_what_was_paid(client: Client, stripe: FakeStripe, api_url: str, session: Session) -> None:
    event: dict[str, Any] = {"id": "evt_x", "type": "x", "created": 1, "data": {"object": {"id": "x", "object": "y"}}}
    body = json.dumps(event).encode()
    kind = {"content-type": "application/json"}
    for header in ("", "t=1,v1=00", signed(body, secret="whsec_wrong"), signed(body, at=1), signed(b"{}")):
        refused = client.failure("POST", HOOK, 400, content=body, headers={**kind, "stripe-signature": header})
        assert "no message of Stripe's" in refused["error"]
    client.failure("POST", HOOK, 400, content=body, headers=kind)
    assert session.exec(select(StripeEvent)).all() == []
    good = {**kind, "stripe-signature": signed(body)}
    assert client.data("POST", HOOK, content=body, headers=good) == {"taken": False}
    assert client.data("POST", HOOK, content=body, headers=good) == {"taken": False}
    session.expire_all()
    assert [row.id for row in session.exec(select(StripeEvent))] == ["evt_x"]


def test_a_message_that_could_not_be_read_is_asked_for_again(
    alice: Client, client: Client, stripe: FakeStripe, api_url: str
) -> None:
    url = alice.data("POST", "/subscription/checkout", json={"plan": "STARTER"})["url"]
    stripe.paid(url.rpartition("/")[2])
    hook, [first, *rest] = f"{api_url}/api/v1{HOOK}", stripe.news()
    stripe.failures = [500] * 3
    assert stripe.send(hook, [first]) == [503]
    assert alice.data("GET", "/subscription")["plan"] == "FREE"
    assert set(stripe.send(hook, [first, *rest])) == {200}
    assert alice.data("GET", "/subscription")["plan"] == "STARTER"


def test_an_administrator_of_the_installation_assigns_plans(
    alice: Client, sign_in: SignIn, people: People, session: Session, stripe: FakeStripe, api_url: str
) -> None:
    organization = session.get_one(Organization, people.charlie.organization_id)
    actor = make_actor(session, organization, "root", TeamRole.OWNER, UserRole.SUPER_ADMIN)
    session.commit()
    root = sign_in(actor)
    path = f"/admin/organizations/{people.alice.organization_id}/plan"
    assert root.data("PUT", path, json={"plan": "SCALE"})["plan"] == "SCALE"
    assert alice.data("GET", "/subscription")["plan"] == "SCALE"
    with db.session() as own:
        rows = own.exec(select(ActivityLog).where(ActivityLog.organization_id == people.alice.organization_id))
        assert "PLAN_CHANGE" in [row.action for row in rows]
    alice.failure("PUT", path, 403, json={"plan": "ENTERPRISE"})
    root.failure("PUT", "/admin/organizations/nobody/plan", 404, json={"plan": "FREE"})
    root.failure("PUT", path, 400, json={"plan": "GOLD"})
    bought(alice, stripe, api_url)
    assert root.failure("PUT", path, 409, json={"plan": "ENTERPRISE"})["error"].startswith("This organization pays")


def test_no_room_is_said_with_the_way_out(alice: Client, stripe: FakeStripe) -> None:
    alert = {"type": "COST_THRESHOLD", "threshold": "10"}
    for number in range(5):
        alice.data("POST", "/alerts", 201, json={**alert, "name": f"a{number}"})
    refused = alice.failure("POST", "/alerts", 409, json={**alert, "name": "a5"})
    assert (refused["code"], refused["details"]) == (
        "PLAN_LIMIT",
        {"resource": "alerts", "plan": "FREE", "limit": 5, "used": 5},
    )
