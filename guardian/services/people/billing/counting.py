"""Calls through the gateway in the calendar month of UTC: how many were answered, and whether the plan has room."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from guardian.cache import CacheService
from guardian.models import Organization, UsageRollup
from guardian.models.enums import Plan, UsageOrigin
from guardian.periods import Window, calendar_period
from guardian.services.people.billing.plans import PLANS, plan_name

# With the two seconds in which gateways read what they know anew, a limit is found within one minute.
FRESH_SECONDS = 50
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """A plan whose requests of this month are used up; `resets_at` is when the next month begins."""

    plan: Plan
    limit: int
    used: int
    resets_at: datetime

    @property
    def message(self) -> str:
        """What a caller is told."""
        return (
            f"The plan {plan_name(self.plan)} has {self.limit:,} requests a month, and they are used up. The count "
            f"starts anew on {self.resets_at:%d %B %Y} (UTC); a larger plan has more, under Plan and invoices."
        )


def month_of(moment: datetime) -> Window:
    """The calendar month of UTC."""
    return calendar_period(moment.astimezone(UTC), "month", _UTC)


def gateway_requests(session: Session, organization_id: str, month: Window) -> int:
    """How many calls of the month the gateway got an answer for, as of the last minute."""

    def counted() -> int:
        query = select(func.coalesce(func.sum(UsageRollup.requests), 0)).where(
            UsageRollup.organization_id == organization_id,
            # The second says no more than the first; it is what the index of tracked rows asks for.
            UsageRollup.origin == UsageOrigin.GATEWAY,
            UsageRollup.origin != UsageOrigin.SYNC,
            col(UsageRollup.hour) >= month.start,
            col(UsageRollup.hour) < month.end,
        )
        return int(session.exec(query).one())

    key = f"plan-requests:{organization_id}:{month.start:%Y-%m}"
    return CacheService().get_or_set(key, counted, FRESH_SECONDS, owner=organization_id)


def full_plan(session: Session, organization_id: str, now: datetime) -> Full | None:
    """What stands against the organization's calls through the gateway; None when nothing does.

    A plan without a limit costs one look at the organization and counts nothing.
    """
    organization = session.get(Organization, organization_id)
    if organization is None or (limit := PLANS[organization.plan].requests_per_month) is None:
        return None
    month = month_of(now)
    used = gateway_requests(session, organization_id, month)
    if used < limit:
        return None
    return Full(plan=organization.plan, limit=limit, used=used, resets_at=month.end)
