"""What no message told: subscriptions are read again now and then, graces end, lost mails are sent."""

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, and_, col, exists, func, or_, select

from guardian.models import Invoice, Organization, StripeEvent, Subscription
from guardian.models.enums import InvoiceStatus, SubscriptionStatus
from guardian.payments import Payments
from guardian.services.people.billing.keeping import (
    LIVE,
    TO_MAIL,
    keep_invoice,
    keep_known_subscriptions,
    keep_subscription,
    lock_billing,
    subscriptions_of,
)

_READ_AGAIN = timedelta(hours=6)
# Who owes is looked at each hour: the grace ends by the clock, and a payment ends it.
_READ_OWING = timedelta(minutes=30)
# Of a customer who never came back from the checkout, for as long as Stripe sends its messages again.
_CHECKOUT = timedelta(days=3)
_OVERLAP = timedelta(days=3)
_KEEP_EVENTS = timedelta(days=60)  # Stripe sends a message again for three days, and by hand for thirty
_MOST = 500


def organizations_to_read(session: Session, now: datetime) -> list[str]:
    """Whose subscriptions should be read again, at most 500: the longest unread first."""
    owing = and_(col(Subscription.status) == SubscriptionStatus.PAST_DUE, col(Subscription.read_at) < now - _READ_OWING)
    old = and_(col(Subscription.status).in_(LIVE), col(Subscription.read_at) < now - _READ_AGAIN)
    rows = session.exec(
        select(Subscription.organization_id).where(or_(owing, old)).order_by(col(Subscription.read_at)).limit(_MOST)
    )
    without = ~exists().where(col(Subscription.organization_id) == col(Organization.id))
    begun = session.exec(
        select(Organization.id)
        .where(
            col(Organization.stripe_customer_id).is_not(None), col(Organization.updated_at) > now - _CHECKOUT, without
        )
        .limit(_MOST)
    )
    return list(dict.fromkeys([*rows, *begun]))


def read_again(session: Session, payments: Payments, organization_id: str, now: datetime) -> None:
    """Everything that Stripe has of an organization, as it is now. Raises what Payments raises."""
    lock_billing(session, organization_id)
    organization = session.get(Organization, organization_id, populate_existing=True)
    if organization is None:
        return
    if organization.stripe_customer_id is None:
        keep_known_subscriptions(session, payments, organization, now)
        return
    since = _unread_since(session, organization_id)
    for told in payments.subscriptions(organization.stripe_customer_id):
        keep_subscription(session, organization, told, now)
    for told in payments.invoices(organization.stripe_customer_id, since - _OVERLAP if since else None):
        keep_invoice(session, organization, told, now)


def _unread_since(session: Session, organization_id: str) -> datetime | None:
    """Of when the oldest invoice can be of which something new is to be heard: one that is owed can be old."""
    known = subscriptions_of(session, organization_id)
    since = min((row.read_at for row in known if row.read_at and row.status in LIVE), default=None)
    if since is None:
        return None
    owed = select(func.min(Invoice.created_at)).where(
        Invoice.organization_id == organization_id, Invoice.status == InvoiceStatus.OPEN
    )
    return min(since, session.exec(owed).one() or since)


def invoices_to_mail(session: Session, now: datetime) -> list[str]:
    """Invoices whose mail was lost on the way to the queue."""
    query = select(Invoice.id).where(
        col(Invoice.mailed_at).is_(None),
        col(Invoice.meta)[TO_MAIL].as_boolean(),
        col(Invoice.updated_at) < now - timedelta(minutes=5),
    )
    return list(session.exec(query.limit(_MOST)))


def forget_old_events(session: Session, now: datetime) -> None:
    """Messages that will not come again."""
    session.exec(delete(StripeEvent).where(col(StripeEvent.taken_at) < now - _KEEP_EVENTS))
