"""What Stripe says, kept: subscriptions and invoices as they are now, and the plan that an organization has by them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session, col, select

from guardian import db, live, queue
from guardian.errors import NotFoundError
from guardian.models import Invoice, Organization, Subscription, User
from guardian.models.enums import InvoiceStatus, Plan, SubscriptionStatus
from guardian.payments import PaidInvoice, PaidSubscription, Payments
from guardian.periods import rfc3339, utcnow
from guardian.services.actor import Actor
from guardian.services.people import audit
from guardian.services.people.billing.letters import tell_payment_failed
from guardian.services.people.billing.plans import hold_calls

# How long a plan stays although a payment is owed; then the organization has FREE until it is paid.
GRACE = timedelta(days=14)
LIVE = (SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING, SubscriptionStatus.PAST_DUE)
MAIL_INVOICE = "guardian.jobs.billing.mail_invoice"  # by name: services do not know the jobs
TO_MAIL = "toMail"  # in an invoice's metadata: there is something to mail to its customer
_HOLDS = "holds"  # in a subscription's metadata: the plan that the organization was last given by it
# Older invoices are found when an installation begins to sell, or was away: nobody wants them by mail any more.
_NEWS = timedelta(days=7)
_ORDER = tuple(Plan)

log = structlog.get_logger(__name__)


def lock_billing(session: Session, organization_id: str) -> None:
    """Who keeps what Stripe said of an organization asks Stripe under this lock: no older answer comes after it."""
    db.lock(session, "billing", organization_id)


def subscriptions_of(session: Session, organization_id: str) -> Sequence[Subscription]:
    """Those of Stripe, the newest first."""
    query = select(Subscription).where(
        Subscription.organization_id == organization_id, col(Subscription.stripe_subscription_id).is_not(None)
    )
    return session.exec(query.order_by(col(Subscription.id).desc())).all()


def live_subscription(session: Session, organization_id: str) -> Subscription | None:
    """The one that is paid for, or owed."""
    return next((row for row in subscriptions_of(session, organization_id) if row.status in LIVE), None)


def keep_subscription(session: Session, organization: Organization, told: PaidSubscription, now: datetime) -> None:
    """The subscription as Stripe tells it, and what follows from it for the organization's plan."""
    rows = subscriptions_of(session, organization.id)
    row = next((each for each in rows if each.stripe_subscription_id == told.id), None)
    if row is None and told.plan is None:
        return  # the same customer has something else of the same seller
    if row is None:
        person = session.get(User, told.user_id) if told.user_id else None
        row = Subscription(
            organization_id=organization.id, user_id=person.id if person else None, stripe_subscription_id=told.id
        )
    if told.plan is None:
        log.warning("billing.unknown_price", organization=organization.id, subscription=told.id)
    row.plan = told.plan or row.plan
    row.status, row.cancel_at_period_end = told.status, told.cancel_at_period_end
    row.amount, row.currency = told.amount, told.currency
    row.current_period_start, row.current_period_end = told.period_start, told.period_end
    row.read_at = now
    owes = told.status is SubscriptionStatus.PAST_DUE
    if owes and row.past_due_since is None:
        row.past_due_since = now
        tell_payment_failed(session, organization, row.plan, now + GRACE)
    elif not owes:
        row.past_due_since = None
    session.add(row)
    session.flush()
    settle(session, organization, now)
    _tell_pages(session, organization.id)


def keep_known_subscriptions(session: Session, payments: Payments, organization: Organization, now: datetime) -> None:
    """Those that are live by what is known, read by their own ids: where the customer is gone, no list has them.

    One that Stripe has no more is over. Raises what Payments raises.
    """
    for row in subscriptions_of(session, organization.id):
        if row.status not in LIVE or row.stripe_subscription_id is None:
            continue
        try:
            told = payments.subscription(row.stripe_subscription_id)
        except NotFoundError:
            row.status, row.past_due_since, row.read_at = SubscriptionStatus.CANCELED, None, now
            settle(session, organization, now)
            _tell_pages(session, organization.id)
        else:
            keep_subscription(session, organization, told, now)


def settle(session: Session, organization: Organization, now: datetime) -> None:
    """Give the plan that is paid for by now. One that was assigned by hand stays where no payment ever spoke of it."""
    rows = subscriptions_of(session, organization.id)
    before = _largest(_held(row) for row in rows)
    for row in rows:
        held = _in_force(row, now)
        if held is not _held(row):
            row.meta = {**(row.meta or {}), _HOLDS: held.value if held else None}
    session.flush()
    after = _largest(_held(row) for row in rows)
    if before is not after:
        give_plan(session, None, organization, after or Plan.FREE, why="subscription")


def _held(row: Subscription) -> Plan | None:
    name = (row.meta or {}).get(_HOLDS)
    return Plan(name) if name else None


def _in_force(row: Subscription, now: datetime) -> Plan | None:
    """What a subscription gives now: nothing before its first payment, after its end, and when the grace is over."""
    if row.status not in LIVE or (row.past_due_since is not None and now >= row.past_due_since + GRACE):
        return None
    return row.plan


def _largest(plans: Any) -> Plan | None:
    return max((plan for plan in plans if plan is not None), key=_ORDER.index, default=None)


def give_plan(session: Session, actor: Actor | None, organization: Organization, plan: Plan, *, why: str) -> None:
    """Another plan holds from now on, and is written down; nothing that a smaller one has no room for is taken away.

    Gateways hear of it. `why` is "subscription" or "assigned".
    """
    was = organization.plan
    if was is plan:
        return
    hold_calls(organization, plan, utcnow())
    organization.plan = plan
    session.add(organization)
    session.flush()
    db.after_commit(session, partial(live.tell_gateways, organization.id))
    _tell_pages(session, organization.id)
    audit.record(
        session,
        actor,
        "PLAN_CHANGE",
        resource_type="organization",
        resource_id=organization.id,
        metadata={"from": was.value, "to": plan.value, "why": why},
        organization_id=organization.id,
    )


def keep_invoice(session: Session, organization: Organization, told: PaidInvoice, now: datetime) -> None:
    """The invoice as Stripe tells it; a draft is none yet. It is mailed once, when it is paid or could not be."""
    if told.number is None:
        return
    row = session.exec(select(Invoice).where(Invoice.stripe_invoice_id == told.id)).one_or_none()
    if row is not None and row.organization_id != organization.id:
        return
    row = row or Invoice(
        organization_id=organization.id,
        stripe_invoice_id=told.id,
        number=told.number,
        amount=told.total,
        period_start=told.period_start,
        period_end=told.period_end,
        created_at=told.created,
    )
    row.status, row.billing_email = told.status, told.email
    row.currency, row.amount = told.currency, told.total
    row.period_start, row.period_end = told.period_start, told.period_end
    row.due_at, row.paid_at = told.due_at, told.paid_at
    row.lines = [_line(each) for each in told.lines]
    final = told.status is InvoiceStatus.PAID or (told.status is InvoiceStatus.OPEN and told.attempted)
    row.meta = {
        "subtotal": f"{told.subtotal:f}",
        "discount": f"{told.discount:f}",
        "tax": f"{told.tax:f}",
        "taxIncluded": told.tax_included,
        "credit": f"{told.credit:f}",
        "amountPaid": f"{told.amount_paid:f}",
        "amountDue": f"{told.amount_due:f}",
        "name": told.name,
        "address": list(told.address),
        "page": told.page,
        TO_MAIL: final and bool(told.total) and told.created > now - _NEWS,
    }
    session.add(row)
    session.flush()
    if row.mailed_at is None and row.meta[TO_MAIL]:
        send = partial(
            queue.enqueue_if_possible, queue.EMAIL_QUEUE, MAIL_INVOICE, row.id, job_id=f"mail-invoice-{row.id}"
        )
        db.after_commit(session, send)
    _tell_pages(session, organization.id)


def _line(line: Any) -> dict[str, Any]:
    return {
        "description": line.description,
        "quantity": line.quantity,
        "amount": f"{line.amount:f}",
        "periodStart": rfc3339(line.period_start),
        "periodEnd": rfc3339(line.period_end),
        "proration": line.proration,
    }


def _tell_pages(session: Session, organization_id: str) -> None:
    db.after_commit(session, partial(live.publish, "org", organization_id, live.BILLING_UPDATE))
