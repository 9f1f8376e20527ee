"""The plans: what each has room for and costs, in one table; and the one question that is asked before adding."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from sqlmodel import Session, col, func, select

from guardian import db
from guardian.config import settings
from guardian.errors import ConflictError, NotFoundError
from guardian.models import Alert, ApiKey, Organization, TeamMember
from guardian.models.enums import Plan
from guardian.periods import rfc3339

Resource = Literal["members", "keys", "alerts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a plan has room for; None: as much as one likes.

    `price` is in US dollars a month, None where it is agreed upon. `retention_days` is how long single calls are kept;
    day sums and closed months stay. `requests_per_month` are calls through the gateway in a calendar month of UTC.
    """

    price: Decimal | None
    members: int | None
    keys: int | None
    alerts: int | None
    retention_days: int | None
    requests_per_month: int | None


# From the smallest to the largest: moving to a later one is an upgrade.
PLANS: Mapping[Plan, Limits] = {
    Plan.FREE: Limits(price=Decimal(0), members=3, keys=3, alerts=5, retention_days=30, requests_per_month=10_000),
    Plan.STARTER: Limits(
        price=Decimal(29), members=10, keys=10, alerts=25, retention_days=90, requests_per_month=100_000
    ),
    Plan.GROWTH: Limits(
        price=Decimal(99), members=50, keys=50, alerts=100, retention_days=400, requests_per_month=1_000_000
    ),
    Plan.SCALE: Limits(
        price=Decimal(399), members=250, keys=200, alerts=400, retention_days=800, requests_per_month=10_000_000
    ),
    Plan.ENTERPRISE: Limits(
        price=None, members=None, keys=None, alerts=None, retention_days=None, requests_per_month=None
    ),
}
# How a person counts each of them: (one, several).
NOUNS: Mapping[Resource, tuple[str, str]] = {
    "members": ("member", "members"),
    "keys": ("provider key", "provider keys"),
    "alerts": ("alert", "alerts"),
}
_TABLES: Mapping[Resource, type[TeamMember] | type[ApiKey] | type[Alert]] = {
    "members": TeamMember,
    "keys": ApiKey,
    "alerts": Alert,
}
HELD = "keptCalls"  # in an organization's metadata: how many days, and until when
HOLD = timedelta(days=30)
PLAN_LIMIT = "PLAN_LIMIT"  # the code of a refusal for want of room


def plan_of_new() -> Plan:
    """The plan with which an organization begins: all of the product, unless this installation sells plans."""
    return Plan.FREE if settings().stripe_secret_key else Plan.ENTERPRISE


def retention_days(organization: Organization, now: datetime) -> int | None:
    """How long single calls of the organization are kept; None: without end.

    What a larger plan kept is kept for 30 days more after a change to a smaller one: who forgot to pay loses nothing.
    """
    days = PLANS[organization.plan].retention_days
    held: dict[str, Any] = (organization.meta or {}).get(HELD) or {}
    if not held or now >= datetime.fromisoformat(held["until"]):
        return days
    former: int | None = held["days"]
    return None if former is None or days is None else max(days, former)


def hold_calls(organization: Organization, plan: Plan, now: datetime) -> None:
    """Before `plan` takes the place of the organization's: what is kept now is kept for 30 days more."""
    former, days = retention_days(organization, now), PLANS[plan].retention_days
    others = {name: value for name, value in (organization.meta or {}).items() if name != HELD}
    if days is not None and (former is None or former > days):
        others[HELD] = {"days": former, "until": rfc3339(now + HOLD)}
    organization.meta = others


def plan_name(plan: Plan) -> str:
    return plan.value.capitalize()


def require_room(session: Session, organization_id: str, resource: Resource, adding: int = 1) -> None:
    """Whether the organization's plan has room for so many more of them; nobody else adds one until this commits.

    Raises ConflictError with the code PLAN_LIMIT, which says what to do; NotFoundError when there is no such
    organization. What is there beyond a smaller plan stays, but nothing comes to it.
    """
    organization = session.exec(select(Organization).where(Organization.id == organization_id)).one_or_none()
    if organization is None:
        raise NotFoundError("Organization")
    plan = organization.plan
    limit: int | None = getattr(PLANS[plan], resource)
    if limit is None:
        return
    db.lock(session, "room", organization_id, resource)
    used = count(session, organization_id, resource)
    if used + adding <= limit:
        return
    one, several = NOUNS[resource]
    raise ConflictError(
        f"The plan {plan_name(plan)} has room for {limit} {one if limit == 1 else several}, and {used} "
        f"{'is' if used == 1 else 'are'} in use. Remove one, or move to a larger plan under Plan and invoices.",
        code=PLAN_LIMIT,
        details={"resource": resource, "plan": plan.value, "limit": limit, "used": used},
    )


def count(session: Session, organization_id: str, resource: Resource) -> int:
    """How many of them the organization has."""
    table = _TABLES[resource]
    return session.exec(select(func.count()).where(col(table.organization_id) == organization_id)).one()
