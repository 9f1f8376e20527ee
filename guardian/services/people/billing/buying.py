"""Taking out a plan, changing it and ending it. Money and cards are Stripe's pages; what came of it, Stripe's word."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import Session

from guardian.config import settings
from guardian.errors import ConflictError, NotFoundError, ValidationError
from guardian.models import Organization, Subscription
from guardian.models.enums import Plan
from guardian.payments import PaidLine, PaidSubscription, Payments, Price
from guardian.services.actor import Actor
from guardian.services.people.billing.keeping import keep_subscription, live_subscription, lock_billing
from guardian.services.people.billing.plans import NOUNS, PLANS, Resource, count, plan_name

PAGE = "/billing"
# What can be bought by oneself, and its price in dollars where Stripe has no other one.
FOR_SALE = {plan: limits.price for plan, limits in PLANS.items() if limits.price}
_NOT_SOLD = "Plans are not sold here. Whoever runs this installation assigns them."
# A preview is of one moment, and what was shown is what is taken.
_PREVIEW_HOLDS = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What moving to `plan` costs: `due_now` at once (below zero: a credit), then `price`, in `currency`.

    Give `at` back to get what was shown. `too_many` says what is there beyond the plan's room; it stays.
    """

    plan: Plan
    currency: str
    due_now: Decimal
    price: Decimal
    lines: tuple[PaidLine, ...]
    at: datetime
    too_many: tuple[str, ...]


def start_checkout(session: Session, actor: Actor, plan: Plan) -> str:
    """The address at Stripe where the plan is paid for. It is there once Stripe says so, not before.

    Raises AuthorizationError, ValidationError for a plan that is not for sale, ConflictError when there is a
    subscription already or nothing is sold here, and what Payments raises.
    """
    payments = seller(actor)
    price = _price(payments, plan)
    organization = _locked(session, actor)
    if live_subscription(session, organization.id) is not None:
        raise ConflictError("There is a subscription already. Change it instead of taking out a second one.")
    page = f"{settings().base_url}{PAGE}"
    return payments.checkout(
        customer=_customer(session, payments, organization),
        price=price,
        organization_id=organization.id,
        user_id=actor.user_id,
        done=f"{page}?checkout=done",
        left=f"{page}?checkout=left",
    )


def open_portal(session: Session, actor: Actor) -> str:
    """The address at Stripe where cards, addresses and tax numbers are changed. Raises as start_checkout."""
    payments = seller(actor)
    organization = _locked(session, actor)
    if organization.stripe_customer_id is None:
        raise ConflictError("There is nothing to pay for yet. Choose a plan first.")
    return payments.portal(customer=organization.stripe_customer_id, back=f"{settings().base_url}{PAGE}")


def preview_change(session: Session, actor: Actor, plan: Plan, now: datetime) -> Change:
    """What another plan would cost from now on. Raises as start_checkout, ConflictError without a subscription."""
    payments = seller(actor)
    price = _price(payments, plan)
    organization = _locked(session, actor)
    found = payments.preview(_current(session, payments, organization, plan), price, now.replace(microsecond=0))
    return Change(
        plan=plan,
        currency=price.currency,
        due_now=found.due_now,
        price=price.amount,
        lines=found.lines,
        at=found.at,
        too_many=_too_many(session, organization.id, plan),
    )


def change_plan(session: Session, actor: Actor, plan: Plan, at: datetime, now: datetime) -> None:
    """Move to the plan, as previewed for the moment `at`, and pay the difference, or nothing of both.

    Raises as preview_change, PaymentRefused, and ValidationError (field at) for a preview that is too old.
    """
    payments = seller(actor)
    if not now - _PREVIEW_HOLDS <= at <= now + timedelta(minutes=1):
        message = "This preview is too old. Look at the change once more, and apply that."
        raise ValidationError(message, details=[{"field": "at", "message": message}])
    price = _price(payments, plan)
    organization = _locked(session, actor)
    changed = payments.change(_current(session, payments, organization, plan), price, at)
    keep_subscription(session, organization, changed, now)


def end_subscription(session: Session, actor: Actor, now: datetime, *, ends: bool = True) -> None:
    """Let it end when what is paid for is over; or, before that, go on. Raises as preview_change."""
    payments = seller(actor)
    organization = _locked(session, actor)
    row = _subscription(session, organization.id)
    keep_subscription(session, organization, payments.end_with_period(row.stripe_subscription_id or "", ends=ends), now)


def seller(actor: Actor) -> Payments:
    """Stripe, for somebody who may spend the organization's money. Raises AuthorizationError, ConflictError."""
    actor.require("billing:update")
    payments = Payments.of_installation()
    if payments is None:
        raise ConflictError(_NOT_SOLD)
    return payments


def _price(payments: Payments, plan: Plan) -> Price:
    if plan not in FOR_SALE:
        message = f"The plan {plan_name(plan)} is not for sale. Choose one of {', '.join(map(plan_name, FOR_SALE))}."
        raise ValidationError(message, details=[{"field": "plan", "message": message}])
    return payments.prices(FOR_SALE)[plan]


def _locked(session: Session, actor: Actor) -> Organization:
    lock_billing(session, actor.organization_id)
    organization = session.get(Organization, actor.organization_id, populate_existing=True)
    if organization is None:
        raise NotFoundError("Organization")
    return organization


def _customer(session: Session, payments: Payments, organization: Organization) -> str:
    if organization.stripe_customer_id is None:
        organization.stripe_customer_id = payments.make_customer(
            organization_id=organization.id, name=organization.name, email=organization.billing_email
        )
        session.flush()
    return organization.stripe_customer_id


def _subscription(session: Session, organization_id: str) -> Subscription:
    row = live_subscription(session, organization_id)
    if row is None:
        raise ConflictError("There is no subscription. Choose a plan first.")
    return row


def _current(session: Session, payments: Payments, organization: Organization, plan: Plan) -> PaidSubscription:
    row = _subscription(session, organization.id)
    found = payments.subscription(row.stripe_subscription_id or "")
    if found.plan is plan and not found.cancel_at_period_end:
        raise ConflictError(f"{plan_name(plan)} is the plan that there is already.")
    return found


def _too_many(session: Session, organization_id: str, plan: Plan) -> tuple[str, ...]:
    """In words: "12 provider keys, and the plan has room for 10"."""
    found: list[str] = []
    resources: tuple[Resource, ...] = ("members", "keys", "alerts")
    for resource in resources:
        limit: int | None = getattr(PLANS[plan], resource)
        used = count(session, organization_id, resource)
        if limit is not None and used > limit:
            found.append(f"{used} {NOUNS[resource][1]}, and the plan has room for {limit}")
    return tuple(found)
