"""Calls through the gateway in the calendar month of UTC: how many were answered, and whether the plan has room."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from guardian.models import Organization, UsageRollup
from guardian.models.enums import Plan, UsageOrigin
from guardian.periods import Window, calendar_period, rfc3339
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

    @property
    def details(self) -> dict[str, str | int]:
        """The same for a program."""
        resets = rfc3339(self.resets_at)
        return {"plan": self.plan.value, "limit": self.limit, "used": self.used, "resetsAt": resets}


def month_of(moment: datetime) -> Window:
    """The calendar month of UTC."""
    return calendar_period(moment.astimezone(UTC), "month", _UTC)


def gateway_requests(session: Session, organization_id: str, month: Window) -> int:
    """How many calls of the month the gateway got an answer for."""
    query = select(func.coalesce(func.sum(UsageRollup.requests), 0)).where(
        UsageRollup.organization_id == organization_id,
        # The second says no more than the first; it is what the index of tracked rows asks for.
        UsageRollup.origin == UsageOrigin.GATEWAY,
        UsageRollup.origin != UsageOrigin.SYNC,
        col(UsageRollup.hour) >= month.start,
        col(UsageRollup.hour) < month.end,
    )
    return int(session.exec(query).one())


class Rooms:
    """What stands against calls of organizations, counted at most every 50 s for each; for threads.

    In memory and not in Redis: a gateway that waits for a Redis that is gone lets nobody in.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counted: dict[str, tuple[float, datetime, int]] = {}  # when, of which month, how many

    def full(self, session: Session, organization_id: str, now: datetime) -> Full | None:
        """None when nothing does. A plan without a limit costs one look at the organization and counts nothing."""
        organization = session.get(Organization, organization_id)
        if organization is None or (limit := PLANS[organization.plan].requests_per_month) is None:
            self._counted.pop(organization_id, None)
            return None
        month = month_of(now)
        used = self._used(session, organization_id, month)
        if used < limit:
            return None
        return Full(plan=organization.plan, limit=limit, used=used, resets_at=month.end)

    def _used(self, session: Session, organization_id: str, month: Window) -> int:
        at = self._clock()
        known = self._counted.get(organization_id)
        if known is None or known[1] != month.start or at - known[0] > FRESH_SECONDS:
            known = (at, month.start, gateway_requests(session, organization_id, month))
            self._counted[organization_id] = known
        return known[2]
