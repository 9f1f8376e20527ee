"""Stripe's messages: each counts once, in whatever order they come.

A message only says that something changed. What it is now is asked for, under a lock: so an older message that comes
last, or twice, or two at once, end in what is true.
"""

from datetime import datetime

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from guardian.errors import NotFoundError
from guardian.models import Organization, StripeEvent
from guardian.payments import Message, Payments
from guardian.services.people import audit
from guardian.services.people.billing.keeping import (
    keep_invoice,
    keep_known_subscriptions,
    keep_subscription,
    lock_billing,
)

log = structlog.get_logger(__name__)


def take_message(session: Session, payments: Payments, message: Message, now: datetime) -> bool:
    """Whether it was new and about one of ours; every other one is taken, and changes nothing.

    Raises what Payments raises: then nothing is kept, and Stripe sends the message again for three days.
    """
    taken = (
        insert(StripeEvent)
        .values(id=message.id, type=message.type, created_at=message.created, taken_at=now)
        .on_conflict_do_nothing()
        .returning(col(StripeEvent.id))
    )
    # Of two at once the second waits here for the first, and then finds it.
    if session.exec(taken).first() is None or message.customer is None:
        return False
    query = select(Organization).where(Organization.stripe_customer_id == message.customer)
    organization = session.exec(query).one_or_none()
    if organization is None:
        return False
    lock_billing(session, organization.id)
    session.refresh(organization)
    try:
        _read(session, payments, organization, message, now)
    except NotFoundError:
        # A draft that was deleted, for example.
        log.info("billing.gone", organization=organization.id, type=message.type, id=message.object_id)
    audit.record(
        session,
        None,
        "BILLING_MESSAGE",
        resource_type=message.object,
        resource_id=message.object_id,
        metadata={"type": message.type, "event": message.id},
        organization_id=organization.id,
    )
    return True


def _read(session: Session, payments: Payments, organization: Organization, message: Message, now: datetime) -> None:
    if message.type == "customer.deleted":
        organization.stripe_customer_id = None  # the next checkout makes another one
        session.flush()
        # Stripe ends them with their customer; of whom messages, from now on, are nobody's.
        keep_known_subscriptions(session, payments, organization, now)
    elif message.object == "subscription" and message.object_id:
        keep_subscription(session, organization, payments.subscription(message.object_id), now)
    elif message.object == "invoice" and message.object_id:
        keep_invoice(session, organization, payments.invoice(message.object_id), now)
    elif message.object == "checkout.session" and message.customer:
        for told in payments.subscriptions(message.customer):
            keep_subscription(session, organization, told, now)
