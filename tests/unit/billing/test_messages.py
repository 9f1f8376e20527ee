"""Stripe's messages: each counts once, in every order; what they bring is the plan, the subscription, the invoices."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session

from guardian.errors import UnavailableError
from guardian.models import StripeEvent
from guardian.models.enums import InvoiceStatus, Plan, SubscriptionStatus, UserRole
from guardian.periods import utcnow
from guardian.services.people.billing.assigning import assign_plan
from guardian.services.people.billing.buying import FOR_SALE
from guardian.services.people.billing.keeping import GRACE
from tests.conftest import People, make_actor
from tests.unit.billing.conftest import Shop


def test_a_plan_that_was_taken_out_holds_once_stripe_says_so(shop: Shop) -> None:
    shop.subscribe(Plan.STARTER)
    assert shop.plan() is Plan.FREE
    assert all(shop.hear())
    [row] = shop.subscriptions()
    assert (shop.plan(), row.plan, row.status, row.user_id) == (
        Plan.STARTER,
        Plan.STARTER,
        SubscriptionStatus.ACTIVE,
        shop.actor.user_id,
    )
    assert (row.amount, row.currency, row.cancel_at_period_end) == (Decimal(29), "USD", False)
    [invoice] = shop.invoices()
    assert (invoice.status, invoice.amount, invoice.number) == (InvoiceStatus.PAID, Decimal(29), "ACME-0001")
    assert invoice.paid_at is not None
    assert shop.actions().count("PLAN_CHANGE") == 1


@pytest.mark.parametrize("seed", range(6))
def test_in_whatever_order_and_however_often_messages_come_the_end_is_the_same(shop: Shop, seed: int) -> None:
    """A whole life: taken out, changed, renewed, not paid, paid, ended; each message twice, all of them shuffled."""
    books = shop.stripe.books
    subscription = shop.subscribe(Plan.STARTER)
    books.change(subscription, shop.payments.prices(FOR_SALE)[Plan.GROWTH].id, books.now)
    books.renew(subscription)
    books.declines = True
    owed = books.renew(subscription)
    books.pay(owed["id"])
    ends = seed % 2 == 0
    if ends:
        books.end(subscription)
    events = shop.stripe.news() * 2
    random.Random(seed).shuffle(events)
    shop.hear(events)
    [row] = shop.subscriptions()
    assert row.status is (SubscriptionStatus.CANCELED if ends else SubscriptionStatus.ACTIVE)
    assert (row.plan, row.past_due_since) == (Plan.GROWTH, None)
    assert shop.plan() is (Plan.FREE if ends else Plan.GROWTH)
    assert [each.status for each in shop.invoices()] == [InvoiceStatus.PAID] * 4
    assert len({each.stripe_invoice_id for each in shop.invoices()}) == 4


def test_the_same_message_twice_is_taken_once_also_at_once(shop: Shop, session: Session) -> None:
    shop.subscribe()
    [event, *_] = shop.stripe.news()
    with ThreadPoolExecutor() as pool:
        taken = [each for found in pool.map(lambda _: shop.hear([event]), range(4)) for each in found]
    assert sorted(taken) == [False, False, False, True]
    assert session.get(StripeEvent, event["id"]) is not None
    assert shop.actions().count("BILLING_MESSAGE") == 1


def test_unknown_messages_and_other_peoples_customers_change_nothing(shop: Shop) -> None:
    stranger = shop.stripe.books.keep("cus", "customer", name="Else", email=None)
    shop.stripe.books.subscribe(stranger["id"], shop.payments.prices(FOR_SALE)[Plan.STARTER].id)
    shop.stripe.books.tell("radar.early_fraud_warning.created", {"object": "radar", "id": "issfr_1"})
    shop.stripe.books.tell("customer.updated", {"object": "customer", "id": shop.customer})
    shop.hear()
    assert (shop.plan(), shop.subscriptions(), shop.invoices()) == (Plan.FREE, [], [])


def test_something_else_of_the_same_seller_is_no_plan(shop: Shop) -> None:
    other = shop.stripe.books.price("other_product_x", 700)
    shop.stripe.books.subscribe(shop.customer, other["id"])
    shop.hear()
    assert (shop.plan(), shop.subscriptions()) == (Plan.FREE, [])


def test_while_stripe_is_away_a_message_is_not_taken_and_comes_again(shop: Shop, session: Session) -> None:
    shop.subscribe()
    [event, *_] = shop.stripe.news()
    shop.stripe.failures = [500] * 3
    with pytest.raises(UnavailableError):
        shop.hear([event])
    assert session.get(StripeEvent, event["id"]) is None
    assert shop.hear([event]) == [True]
    assert shop.plan() is Plan.STARTER


def test_who_does_not_pay_keeps_the_plan_for_two_weeks_and_is_told_once(shop: Shop) -> None:
    subscription = shop.subscribe(Plan.GROWTH)
    shop.hear()
    shop.stripe.books.declines = True
    invoice = shop.stripe.books.renew(subscription)
    start = utcnow()
    shop.hear(now=start)
    [row] = shop.subscriptions()
    assert (row.status, row.past_due_since, shop.plan()) == (SubscriptionStatus.PAST_DUE, start, Plan.GROWTH)
    shop.stripe.books.tell("customer.subscription.updated", shop.stripe.books.get(subscription))
    shop.hear(now=start + GRACE - timedelta(minutes=1))
    assert shop.plan() is Plan.GROWTH
    shop.stripe.books.tell("customer.subscription.updated", shop.stripe.books.get(subscription))
    shop.hear(now=start + GRACE)
    assert shop.plan() is Plan.FREE
    [mail] = [each for each in shop.mails() if "payment" in each.subject]
    assert (mail.to, mail.subject) == ("books@acme.test", "A payment of Acme failed")
    # Paid after all, it is there again.
    shop.stripe.books.pay(invoice["id"])
    shop.hear()
    [row] = shop.subscriptions()
    assert (row.status, row.past_due_since, shop.plan()) == (SubscriptionStatus.ACTIVE, None, Plan.GROWTH)


def test_a_first_payment_that_fails_gives_nothing(shop: Shop) -> None:
    shop.stripe.books.declines = True
    shop.subscribe()
    shop.hear()
    assert (shop.plan(), shop.subscriptions()[0].status) == (Plan.FREE, SubscriptionStatus.INCOMPLETE)


def test_late_words_of_an_ended_subscription_leave_an_assigned_plan_alone(
    shop: Shop, session: Session, people: People
) -> None:
    root = make_actor(session, shop.organization(), "root", people.alice.team_role, role=UserRole.SUPER_ADMIN)
    session.commit()
    subscription = shop.subscribe()
    shop.hear()
    shop.stripe.books.end(subscription)
    shop.hear()
    assert shop.plan() is Plan.FREE
    assign_plan(session, root, shop.actor.organization_id, Plan.SCALE)
    session.commit()
    shop.stripe.books.tell("customer.subscription.updated", shop.stripe.books.get(subscription))
    assert shop.hear() == [True]
    assert shop.plan() is Plan.SCALE


def test_a_customer_that_was_deleted_at_stripe_is_forgotten(shop: Shop) -> None:
    shop.stripe.books.tell("customer.deleted", {"object": "customer", "id": shop.customer})
    assert shop.hear() == [True]
    assert shop.organization().stripe_customer_id is None


@pytest.mark.parametrize("seed", range(3))
def test_what_a_deleted_customer_had_ends_with_it(shop: Shop, seed: int) -> None:
    """Stripe cancels all of it at once, and names the customer in every message, of which any may come first."""
    subscription = shop.subscribe(Plan.GROWTH)
    shop.hear()
    shop.stripe.books.end(subscription)
    shop.stripe.books.tell("customer.deleted", {"object": "customer", "id": shop.customer})
    events = shop.stripe.news() * 2
    random.Random(seed).shuffle(events)
    shop.hear(events)
    [row] = shop.subscriptions()
    assert (row.status, shop.plan()) == (SubscriptionStatus.CANCELED, Plan.FREE)
    assert shop.organization().stripe_customer_id is None


def test_an_invoice_that_is_gone_is_no_reason_to_hear_of_it_again(shop: Shop) -> None:
    shop.stripe.books.tell("invoice.deleted", {"object": "invoice", "id": "in_gone", "customer": shop.customer})
    assert shop.hear() == [True]
