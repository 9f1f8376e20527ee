"""What is spent of budgets, and what they are forecast to reach: a group for each budget and threshold of it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session, col, select

from guardian.models import Budget
from guardian.models.enums import AlertType
from guardian.periods import Window, rfc3339
from guardian.services.guard.budgets.limits import HardBudget
from guardian.services.guard.budgets.reading import forecast_of, limits_of
from guardian.services.guard.budgets.spending import spent_of
from guardian.services.guard.watching.watched import Measurement, Reading, Watched

METRICS: frozenset[tuple[AlertType, str]] = frozenset(
    {(AlertType.BUDGET_EXCEEDED, "spent"), (AlertType.BUDGET_EXCEEDED, "forecast")}
)
_HUNDRED = Decimal(100)


def measure_budgets(
    session: Session, organization_id: str, watched: Sequence[Watched], moments: Sequence[datetime]
) -> dict[str, list[Reading]]:
    """In percent of the limit that stands at the moment."""
    if not watched:
        return {}
    wanted = {each.budget_id for each in watched}
    query = select(Budget).where(Budget.organization_id == organization_id, col(Budget.is_active).is_(True))
    if None not in wanted:
        query = query.where(col(Budget.id).in_(wanted))
    rows = session.exec(query.order_by(col(Budget.id))).all()
    found: dict[str, list[Reading]] = {each.alert_id: [] for each in watched}
    if not rows:
        return {each.alert_id: [Reading(moment=moment) for moment in moments] for each in watched}
    limits = limits_of(session, rows)
    thresholds = {row.id: [Decimal(str(each)) for each in row.thresholds or ()] for row in rows}
    for moment in moments:
        spent = spent_of(session, limits, moment)
        forecasts = _forecasts(session, limits, watched, moment)
        for each in watched:
            groups: dict[str, Measurement] = {}
            for limit in limits:
                if each.budget_id in (None, limit.id):
                    amount = forecasts[limit.id] if each.metric == "forecast" else spent[limit.id].total
                    is_least = bool(spent[limit.id].unpriced)
                    for threshold in thresholds[limit.id] or [each.rule.threshold]:
                        groups[group_of(limit.id, threshold)] = _measured(limit, amount, is_least, threshold, moment)
            found[each.alert_id].append(Reading(moment=moment, groups=groups))
    return found


def _forecasts(
    session: Session, limits: Sequence[HardBudget], watched: Sequence[Watched], moment: datetime
) -> dict[str, Decimal | None]:
    """By budget, of those that a rule about forecasts speaks of."""
    asked = {each.budget_id for each in watched if each.metric == "forecast"}
    wanted = [limit for limit in limits if None in asked or limit.id in asked] if asked else []
    found = {limit.id: forecast_of(session, limit, moment) for limit in wanted}
    return {id: None if each is None else each.total for id, each in found.items()}


def group_of(budget_id: str, threshold: Decimal) -> str:
    return f"{budget_id}/{threshold.normalize():f}"


def budget_of(group: str) -> str:
    return group.partition("/")[0]


def _measured(
    limit: HardBudget, amount: Decimal | None, is_least: bool, threshold: Decimal, moment: datetime
) -> Measurement:
    window, whole = limit.window(moment), limit.limit_at(moment)
    # What a period is of, without its limit: a budget whose limit is changed goes on, and recovers or fires by it.
    kind = f"{limit.rolling_days}d" if limit.rolling_days is not None else limit.period.value
    return Measurement(
        value=None if amount is None or whole <= 0 else amount * _HUNDRED / whole,
        window=Window(window.start, min(moment, window.end)),
        at_least=is_least,
        threshold=threshold,
        # A period that rolls has no end at which all begins anew.
        period="" if limit.rolling_days is not None else rfc3339(window.start),
        basis=f"{limit.scope.type}={limit.scope.value or ''}|{kind}",
        name=limit.name,
    )
