"""Invoices as people get them: by mail once, with the PDF; and their amounts in words."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from sqlmodel import Session, select

from guardian import db
from guardian.jobs.billing import mail_invoice, read_subscriptions
from guardian.models import Invoice, Organization, StripeEvent, Subscription
from guardian.models.enums import InvoiceStatus, Plan, SubscriptionStatus
from guardian.periods import utcnow
from guardian.services.people.billing.invoice_pdf import facts as invoice_facts
from guardian.services.people.billing.invoices import get_invoice
from guardian.services.people.billing.keeping import GRACE
from guardian.services.people.billing.watching import invoices_to_mail, organizations_to_read
from guardian.services.people.billing.wording import charged, monthly
from guardian.services.people.mail import claim_mail
from tests.unit.billing.conftest import Shop


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("29", "USD", "$29.00"),
        ("-4.5", "EUR", "−€4.50"),
        ("15000", "JPY", "¥15,000"),
        ("12.345", "KWD", "KWD\u00a012.345"),
        ("5.00", "UGX", "UGX\u00a05"),
    ],
)
def test_amounts_have_the_places_of_their_coins(amount: str, currency: str, text: str) -> None:
    assert charged(Decimal(amount), currency) == text


def test_a_price_has_places_only_where_they_say_something() -> None:
    assert monthly(Decimal(29), "USD") == "$29 a month"
    assert monthly(Decimal("29.5"), "USD") == "$29.50 a month"
    assert monthly(Decimal(4500), "JPY") == "¥4,500 a month"


def test_an_invoice_is_mailed_once_with_its_pdf(shop: Shop, session: Session) -> None:
    shop.subscribe(Plan.GROWTH)
    shop.hear()
    [invoice] = shop.invoices()
    for _ in range(2):
        mail_invoice(invoice.id)
    [mail] = shop.mails()
    assert (mail.to, mail.subject, mail.kind) == ("books@acme.test", "Invoice #ACME-0001", "billing")
    letter = claim_mail(session, mail.id)
    assert letter is not None
    [attachment] = letter.attachments
    assert (attachment.name, attachment.type) == ("invoice-ACME-0001.pdf", "application/pdf")
    words = PdfReader(BytesIO(attachment.content)).pages[0].extract_text()
    for part in ("Invoice ACME-0001", "Paid on", "AI Cost Guardian Growth", "$99.00", "pay@acme.test"):
        assert part in words
    assert "It is paid; there is nothing to do." in letter.text


def test_one_that_could_not_be_paid_says_so_and_where(shop: Shop, session: Session) -> None:
    subscription = shop.subscribe()
    shop.hear()
    shop.stripe.books.declines = True
    shop.stripe.books.renew(subscription)
    # It is made, and then it is tried: between the two there is nothing to mail yet.
    events = shop.stripe.news()
    shop.hear(events)
    owed = shop.invoices()[1]
    assert (owed.status, (owed.meta or {})["toMail"]) == (InvoiceStatus.OPEN, True)
    mail_invoice(owed.id)
    mail = next(each for each in shop.mails() if each.subject == "Invoice #ACME-0002")
    letter = claim_mail(session, mail.id)
    assert letter is not None
    assert "It is not paid yet." in letter.text
    assert f"https://invoice.stripe.test/{owed.stripe_invoice_id}" in letter.text


@pytest.mark.parametrize(
    ("facts", "sums", "note"),
    [
        ({"total": 1900}, [("Subtotal", "$29.00"), ("Discount", "−$10.00")], ""),
        (
            {"total": 2261, "total_taxes": [{"amount": 361, "tax_behavior": "exclusive"}]},
            [("Subtotal", "$29.00"), ("Discount", "−$10.00"), ("Tax", "$3.61")],
            "",
        ),
        (
            {"total_taxes": [{"amount": 463, "tax_behavior": "inclusive"}]},
            [("Subtotal", "$29.00"), ("Tax, included", "$4.63")],
            "",
        ),
        (
            {"starting_balance": -7000, "ending_balance": -4100, "amount_due": 0, "amount_paid": 0},
            [("Subtotal", "$29.00")],
            "$29.00 of it were taken off the credit of earlier invoices.",
        ),
        (
            {
                "total": 3000,
                "total_taxes": [
                    {"amount": 463, "tax_behavior": "inclusive"},
                    {"amount": 100, "tax_behavior": "exclusive"},
                ],
            },
            [("Subtotal", "$29.00"), ("Tax", "$1.00")],
            "",
        ),
        # What was owed besides, and a credit that grows, take nothing off.
        ({"starting_balance": 500, "ending_balance": 0}, [("Subtotal", "$29.00")], ""),
        ({"starting_balance": -100, "ending_balance": -400}, [("Subtotal", "$29.00")], ""),
    ],
)
def test_the_sums_of_an_invoice_add_up_to_its_total(
    shop: Shop, facts: dict[str, Any], sums: list[tuple[str, str]], note: str
) -> None:
    shop.subscribe(Plan.STARTER)
    shop.stripe.books.all("invoice")[0].update(facts)
    shop.hear()
    with db.session() as own:
        view = get_invoice(own, shop.actor, shop.invoices()[0].id)
    told = invoice_facts(view, "Acme")
    assert (told["sums"], told["notes"]) == (sums, [note] if note else [])
    assert view.subtotal - view.discount + (0 if view.tax_included else view.tax) == view.amount


def test_without_an_address_for_invoices_the_owner_gets_them(shop: Shop, session: Session) -> None:
    session.get_one(Organization, shop.actor.organization_id).billing_email = None
    shop.stripe.books.get(shop.customer)["email"] = None
    session.commit()
    shop.subscribe()
    shop.hear()
    mail_invoice(shop.invoices()[0].id)
    assert [each.to for each in shop.mails()] == [shop.actor.email]


def test_old_invoices_that_are_found_are_kept_and_not_mailed(shop: Shop, session: Session) -> None:
    shop.stripe.books.clock = -30 * 86_400
    shop.subscribe()
    shop.hear([])
    shop.stripe.books.clock = 0
    read_subscriptions()
    [invoice] = shop.invoices()
    assert ((invoice.meta or {})["toMail"], shop.plan()) == (False, Plan.STARTER)
    assert invoices_to_mail(session, utcnow() + timedelta(hours=1)) == []


def test_what_no_message_told_is_read_within_the_hour(shop: Shop, session: Session) -> None:
    shop.subscribe(Plan.GROWTH)
    read_subscriptions()
    assert (shop.plan(), len(shop.invoices())) == (Plan.GROWTH, 1)
    now = utcnow()
    assert organizations_to_read(session, now) == []
    assert organizations_to_read(session, now + timedelta(hours=7)) == [shop.actor.organization_id]
    assert invoices_to_mail(session, now + timedelta(minutes=6)) == [shop.invoices()[0].id]
    # An ended one is not asked for any more.
    shop.stripe.books.end(shop.stripe.books.all("subscription")[0]["id"])
    _age(session)
    read_subscriptions()
    assert shop.plan() is Plan.FREE
    assert organizations_to_read(session, now + timedelta(hours=7)) == []


def test_an_invoice_that_was_owed_for_long_is_read_again(shop: Shop, session: Session) -> None:
    subscription = shop.subscribe()
    shop.stripe.books.declines = True
    shop.stripe.books.clock = -12 * 86_400
    owed = shop.stripe.books.renew(subscription)
    shop.stripe.books.clock = 0
    shop.hear()
    assert shop.invoices()[1].status is InvoiceStatus.OPEN
    shop.stripe.books.pay(owed["id"])  # and its messages are lost
    _age(session)
    read_subscriptions()
    assert shop.subscriptions()[0].status is SubscriptionStatus.ACTIVE
    assert [each.status for each in shop.invoices()] == [InvoiceStatus.PAID] * 2


def test_a_deleted_customers_subscription_is_read_by_its_own_name(shop: Shop, session: Session) -> None:
    """Whose deletion was heard of before this was known has a subscription that no message ends any more."""
    subscription = shop.subscribe()
    shop.hear()
    shop.stripe.books.end(subscription)
    session.get_one(Organization, shop.actor.organization_id).stripe_customer_id = None
    session.commit()
    _age(session)
    read_subscriptions()
    assert (shop.plan(), shop.subscriptions()[0].status) == (Plan.FREE, SubscriptionStatus.CANCELED)


def test_a_grace_ends_by_the_clock_and_not_while_stripe_is_away(shop: Shop, session: Session) -> None:
    subscription = shop.subscribe()
    shop.hear()
    shop.stripe.books.declines = True
    shop.stripe.books.renew(subscription)
    shop.hear(now=utcnow() - GRACE - timedelta(hours=1))
    shop.stripe.failures = [500] * 3
    with db.session() as own:
        own.get_one(Subscription, shop.subscriptions()[0].id).read_at = utcnow() - timedelta(hours=1)
    read_subscriptions()
    assert shop.plan() is Plan.STARTER
    read_subscriptions()
    assert shop.plan() is Plan.FREE
    assert shop.subscriptions()[0].status is SubscriptionStatus.PAST_DUE


def test_messages_that_will_not_come_again_are_forgotten(shop: Shop, session: Session) -> None:
    now = utcnow()
    for name, days in (("evt_old", 61), ("evt_new", 59)):
        session.add(StripeEvent(id=name, type="x", created_at=now, taken_at=now - timedelta(days=days)))
    session.commit()
    read_subscriptions()
    session.expire_all()
    assert session.get(StripeEvent, "evt_old") is None
    assert session.get(StripeEvent, "evt_new") is not None


def test_an_invoice_of_another_organization_is_not_taken_over(shop: Shop, session: Session) -> None:
    shop.subscribe()
    shop.hear()
    [invoice] = shop.invoices()
    other = session.get_one(Invoice, invoice.id)
    globex = Organization(name="Globex Two")
    session.add(globex)
    session.flush()
    other.organization_id = globex.id
    session.commit()
    shop.stripe.books.tell("invoice.updated", shop.stripe.books.all("invoice")[0])
    shop.hear()
    assert [each.organization_id for each in shop.invoices()] == [globex.id]


def _age(session: Session) -> None:
    """As if Stripe was asked long ago."""
    for row in session.exec(select(Subscription)):
        row.read_at = utcnow() - timedelta(hours=7)
    session.commit()
