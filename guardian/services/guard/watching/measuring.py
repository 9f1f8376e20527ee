"""What rules measure, whatever they measure, at the present or at any moments of the past."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from guardian.models import Organization
from guardian.periods import zone
from guardian.services.guard.watching import budgets, drift, keys, seen, usage
from guardian.services.guard.watching.watched import Reading, Watched


def measure(
    session: Session, organization_id: str, watched: Sequence[Watched], moments: Sequence[datetime]
) -> dict[str, list[Reading]]:
    """By alert, a reading for each of the moments (UTC, in any order).

    Rules of one organization are asked together, and so are the moments: a month of hours takes as many questions as
    one. A moment of the past is best a full hour. What is not kept (rate limits) has no data in the past.
    """
    tz: ZoneInfo = zone(session.get_one(Organization, organization_id).time_zone)

    def of(metrics: frozenset[tuple[object, str]]) -> list[Watched]:
        return [each for each in watched if (each.rule.type, each.metric) in metrics]

    return {
        **usage.measure_usage(session, organization_id, of(usage.METRICS), moments, tz),
        **seen.measure_seen(session, organization_id, of(seen.METRICS), moments, tz),
        **keys.measure_keys(session, organization_id, of(keys.METRICS), moments),
        **drift.measure_drift(session, organization_id, of(drift.METRICS), moments, tz),
        **budgets.measure_budgets(session, organization_id, of(budgets.METRICS), moments),
    }
