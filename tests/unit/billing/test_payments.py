"""What Stripe is asked and what is made of its answers: amounts, prices, errors, signatures."""

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.errors import ConfigurationError, NotFoundError, PaymentRefused, UnavailableError, ValidationError
from guardian.models.enums import Plan, SubscriptionStatus
from guardian.payments import Payments, from_minor, opened, to_minor
from guardian.periods import utcnow
from tests.fakes.stripe_server import SECRET_KEY, WEBHOOK_SECRET, FakeStripe, signed

WANTED = {Plan.STARTER: Decimal(29), Plan.GROWTH: Decimal(99)}
EVENT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "type": "customer.subscription.updated",
    "created": 1_790_000_000,
    "data": {"object": {"id": "sub_1", "object": "subscription", "customer": "cus_1"}},
}


@pytest.fixture
def payments(stripe: FakeStripe) -> Payments:
    return Payments(SECRET_KEY, stripe.url)


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (2900, "usd", "29.00"),
        (-5, "EUR", "-0.05"),
        (500, "jpy", "500"),
        (12_340, "KWD", "12.340"),
        # These two have no smaller unit, and are written with two decimals all the same.
        (500, "isk", "5.00"),
        (500, "ugx", "5.00"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(minor: int, currency: str, amount: str) -> None:
    assert str(from_minor(minor, currency)) == amount
    assert to_minor(Decimal(amount), currency) == minor


@given(minor=st.integers(-(10**11), 10**11), currency=st.sampled_from(["USD", "JPY", "EUR", "KWD", "VND"]))
def test_no_amount_is_lost_between_the_two_ways_of_writing(minor: int, currency: str) -> None:
    whole = minor - minor % 10 if currency == "KWD" else minor
    assert to_minor(from_minor(whole, currency), currency) == whole


def test_prices_are_found_by_their_keys_and_made_where_there_are_none(stripe: FakeStripe, payments: Payments) -> None:
    yen = stripe.books.price("guardian_growth_monthly", 15_000, "jpy")
    found = payments.prices(WANTED)
    assert (found[Plan.GROWTH].id, found[Plan.GROWTH].amount, found[Plan.GROWTH].currency) == (
        yen["id"],
        Decimal(15_000),
        "JPY",
    )
    assert (found[Plan.STARTER].amount, found[Plan.STARTER].currency) == (Decimal("29"), "USD")
    assert payments.prices(WANTED)[Plan.STARTER].id == found[Plan.STARTER].id
    assert len(stripe.books.all("price")) == 2


def test_a_checkout_ends_the_one_before(stripe: FakeStripe, payments: Payments) -> None:
    price = payments.prices(WANTED)[Plan.STARTER]
    customer = payments.make_customer(organization_id="o1", name="Acme", email=None)
    ways = [
        payments.checkout(
            customer=customer, price=price, organization_id="o1", user_id="u1", done="http://d", left="http://l"
        )
        for _ in range(2)
    ]
    assert ways[0] != ways[1]
    assert [each["status"] for each in stripe.books.all("checkout.session")] == ["open", "expired"]


def test_a_change_costs_what_its_preview_said(stripe: FakeStripe, payments: Payments) -> None:
    prices = payments.prices(WANTED)
    customer = payments.make_customer(organization_id="o1", name="Acme", email="pay@acme.test")
    made = stripe.books.subscribe(customer, prices[Plan.STARTER].id)
    before, at = payments.subscription(made["id"]), utcnow()
    preview = payments.preview(before, prices[Plan.GROWTH], at)
    assert Decimal("69.9") < preview.due_now <= 70
    assert [each.proration for each in preview.lines] == [True, True]
    after = payments.change(before, prices[Plan.GROWTH], at)
    assert (before.plan, after.plan, after.status) == (Plan.STARTER, Plan.GROWTH, SubscriptionStatus.ACTIVE)
    assert [each.total for each in payments.invoices(customer)] == [preview.due_now, Decimal("29.00")]
    back = payments.preview(after, prices[Plan.STARTER], at)
    assert back.due_now < 0


def test_what_the_portal_ended_goes_on_again(stripe: FakeStripe, payments: Payments) -> None:
    """There the moment is set and not the flag; Stripe takes back the one by its own name only, and never both."""
    customer = payments.make_customer(organization_id="org", name="Acme", email=None)
    made = stripe.books.subscribe(customer, payments.prices(WANTED)[Plan.STARTER].id)
    made["cancel_at"] = made["items"]["data"][0]["current_period_end"]
    assert payments.subscription(made["id"]).cancel_at_period_end
    assert not payments.end_with_period(made["id"], ends=False).cancel_at_period_end
    assert payments.end_with_period(made["id"], ends=True).cancel_at_period_end
    assert not payments.end_with_period(made["id"], ends=False).cancel_at_period_end
    made["cancel_at"] = made["items"]["data"][0]["current_period_end"]
    found = payments.subscription(made["id"])
    changed = payments.change(found, payments.prices(WANTED)[Plan.GROWTH], utcnow())
    assert (changed.plan, changed.cancel_at_period_end) == (Plan.GROWTH, False)


def test_a_price_that_is_none_of_ours_is_no_plan(stripe: FakeStripe, payments: Payments) -> None:
    customer = payments.make_customer(organization_id="o1", name="Acme", email=None)
    other = stripe.books.price("other_product_x", 700)
    assert payments.subscription(stripe.books.subscribe(customer, other["id"])["id"]).plan is None


def test_what_stripe_refuses_is_said_in_words_for_people(stripe: FakeStripe, payments: Payments) -> None:
    prices = payments.prices(WANTED)
    customer = payments.make_customer(organization_id="o1", name="Acme", email=None)
    before = payments.subscription(stripe.books.subscribe(customer, prices[Plan.STARTER].id)["id"])
    stripe.books.declines = True
    with pytest.raises(PaymentRefused, match="Your card was declined"):
        payments.change(before, prices[Plan.GROWTH], utcnow())
    assert payments.subscription(before.id).plan is Plan.STARTER
    with pytest.raises(NotFoundError):
        payments.subscription("sub_nobody")
    with pytest.raises(ConfigurationError, match="STRIPE_SECRET_KEY"):
        Payments("sk_wrong", stripe.url).subscription(before.id)
    stripe.failures = [500]
    assert payments.subscription(before.id).id == before.id
    stripe.failures = [500] * 3
    with pytest.raises(UnavailableError):
        payments.subscription(before.id)
    with pytest.raises(UnavailableError):
        Payments(SECRET_KEY, "http://127.0.0.1:1").subscription(before.id)


def test_an_answer_that_lacks_a_field_is_no_answer(stripe: FakeStripe, payments: Payments) -> None:
    customer = payments.make_customer(organization_id="o1", name="Acme", email=None)
    made = stripe.books.subscribe(customer, payments.prices(WANTED)[Plan.STARTER].id)
    del stripe.books.objects[made["id"]]["items"]
    with pytest.raises(UnavailableError, match="cannot be read"):
        payments.subscription(made["id"])


def test_a_message_is_taken_with_the_right_signature_only() -> None:
    body = json.dumps(EVENT).encode()
    message = opened(body, signed(body), WEBHOOK_SECRET)
    assert (message.id, message.object, message.object_id, message.customer) == (
        "evt_1",
        "subscription",
        "sub_1",
        "cus_1",
    )
    now = int(time.time())
    good = signed(body)
    # While the secret is renewed there are two signatures, and one of them is ours.
    assert opened(body, good.replace("v1=", f"v1={'0' * 64},v1="), WEBHOOK_SECRET).id == "evt_1"
    for header in (
        None,
        "",
        "t=,v1=",
        "nonsense",
        signed(body, secret="whsec_other"),
        signed(body + b" "),
        signed(body, at=now - 301),
        signed(body, at=now + 302),
        good.replace("v1=", "v0="),
        good.replace("t=", "t=9"),
        "t=1,v1=ä",
    ):
        with pytest.raises(ValidationError):
            opened(body, header, WEBHOOK_SECRET)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"id": "evt_1"}', b"\xff", b'{"data": {"object": 3}}'])
def test_a_signed_message_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(ValidationError, match="cannot be read"):
        opened(body, signed(body), WEBHOOK_SECRET)


def test_the_vendors_own_library_agrees_on_the_signature() -> None:
    import stripe

    body = json.dumps(EVENT).encode()
    assert stripe.Webhook.construct_event(body, signed(body), WEBHOOK_SECRET).id == "evt_1"
