"""Where an organization stands: its plan, what of it is used, its subscription, and what is owed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from guardian.cache import CacheService
from guardian.errors import GuardianError, NotFoundError
from guardian.models import Organization, Subscription
from guardian.models.enums import Plan, SubscriptionStatus
from guardian.payments import Payments
from guardian.services.actor import Actor
from guardian.services.people.billing.buying import FOR_SALE
from guardian.services.people.billing.counting import gateway_requests, month_of
from guardian.services.people.billing.keeping import GRACE, live_subscription
from guardian.services.people.billing.plans import PLANS, Limits, count, plan_name

_PRICES_TTL = 3600  # seconds; a checkout asks Stripe itself


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """A plan: `price` of `currency` a month, None where it is agreed upon. `for_sale`: it can be bought by oneself."""

    plan: Plan
    limits: Limits
    price: Decimal | None
    currency: str
    for_sale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """`grace_until` is set while a payment is owed: until then the plan stays."""

    id: str
    plan: Plan
    status: SubscriptionStatus
    amount: Decimal | None
    currency: str | None
    current_period_start: datetime | None
    current_period_end: datetime | None
    cancel_at_period_end: bool
    past_due_since: datetime | None
    grace_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`plan` is what holds. `used` counts members, keys, alerts, and requests_per_month of this month.

    `sold_here` says whether plans can be bought; `has_customer`, whether there is something to see in Stripe's portal.
    """

    plan: Plan
    limits: Limits
    used: Mapping[str, int]
    requests_reset_at: datetime
    subscription: SubscriptionView | None
    sold_here: bool
    has_customer: bool


def list_plans(session: Session, actor: Actor) -> list[PlanView]:
    """All plans, from the smallest to the largest, at the prices of here."""
    actor.require("billing:read")
    prices = _prices()
    return [
        PlanView(
            plan=plan,
            limits=limits,
            price=prices[plan][0] if plan in prices else limits.price,
            currency=prices[plan][1] if plan in prices else "USD",
            for_sale=plan in prices,
        )
        for plan, limits in PLANS.items()
    ]


def _prices() -> Mapping[Plan, tuple[Decimal, str]]:
    """Of what is for sale, as Stripe has them; of the table while Stripe does not answer, and none without it."""
    payments = Payments.of_installation()
    if payments is None:
        return {}

    def asked() -> dict[str, list[str]]:
        return {plan.value: [str(each.amount), each.currency] for plan, each in payments.prices(FOR_SALE).items()}

    try:
        found = CacheService().get_or_set("plan-prices", asked, _PRICES_TTL, owner="plans")
    except GuardianError:
        return {plan: (price, "USD") for plan, price in FOR_SALE.items()}
    return {Plan(plan): (Decimal(amount), currency) for plan, (amount, currency) in found.items()}


def standing(session: Session, actor: Actor, now: datetime) -> Standing:
    """Where the actor's organization stands. Raises AuthorizationError, NotFoundError."""
    actor.require("billing:read")
    organization = session.get(Organization, actor.organization_id)
    if organization is None:
        raise NotFoundError("Organization")
    month = month_of(now)
    row = live_subscription(session, organization.id)
    return Standing(
        plan=organization.plan,
        limits=PLANS[organization.plan],
        used={
            "members": count(session, organization.id, "members"),
            "keys": count(session, organization.id, "keys"),
            "alerts": count(session, organization.id, "alerts"),
            "requests_per_month": gateway_requests(session, organization.id, month),
        },
        requests_reset_at=month.end,
        subscription=_view(row) if row else None,
        sold_here=Payments.of_installation() is not None,
        has_customer=organization.stripe_customer_id is not None,
    )


def owed_sentence(session: Session, actor: Actor, now: datetime) -> str:
    """What a failed payment means, for whoever can mend it; "" for everybody else, and while nothing is owed."""
    if not actor.can("billing:update") or Payments.of_installation() is None:
        return ""
    row = live_subscription(session, actor.organization_id)
    if row is None or row.past_due_since is None:
        return ""
    until = row.past_due_since + GRACE
    if now >= until:
        return "A payment is owed, and the limits of the plan Free hold until it is paid."
    day = f"{until.day} {until:%B %Y}"
    return f"A payment failed. The plan {plan_name(row.plan)} stays until {day}; mend the payment before that."


def _view(row: Subscription) -> SubscriptionView:
    return SubscriptionView(
        id=row.id,
        plan=row.plan,
        status=row.status,
        amount=row.amount,
        currency=row.currency,
        current_period_start=row.current_period_start,
        current_period_end=row.current_period_end,
        cancel_at_period_end=row.cancel_at_period_end,
        past_due_since=row.past_due_since,
        grace_until=row.past_due_since + GRACE if row.past_due_since else None,
    )
