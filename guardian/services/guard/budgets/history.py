"""What budgets have cost by day, from the sums that the explorer shows, and the filters that tell whose calls count."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from guardian.models.enums import UsageOrigin
from guardian.periods import DAY, Window, local_date, local_days, local_midnight, zone
from guardian.pricing.overrides import matches
from guardian.services.actor import Actor
from guardian.services.guard.budgets.limits import HardBudget
from guardian.services.guard.budgets.spending import spent_in
from guardian.services.guard.budgets.views import Filters
from guardian.services.ledger.queries.summaries import summary
from guardian.services.ledger.views import SummaryQuery

TRACKED = tuple(origin.value for origin in UsageOrigin if origin is not UsageOrigin.SYNC)
_FILTERS: Mapping[str, str] = {"team": "team", "user": "user", "provider": "provider", "key": "apiKey"}
_MOST_VALUES = 100  # of one filter


def filters_of(session: Session, budget: HardBudget, window: Window) -> Filters | None:
    """The ledger's filters whose rows in the window are those of the budget. None where there are none, as for "of the
    scope, or of a token that names the budget". A pattern of models is told as the models that were called in the
    window.
    """
    scope, found = budget.scope, {"origin": TRACKED}
    if scope.type == "organization":
        return found
    if scope.type == "token":
        tokens = sorted(budget.tokens | {scope.value} if scope.value else budget.tokens)
        return {**found, "accessToken": tuple(tokens)} if 0 < len(tokens) <= _MOST_VALUES else None
    if budget.tokens:
        return None
    if scope.type == "tag":
        name, value = scope.tag
        return {**found, "tag": (f"{name}:{value}",)}
    if scope.type == "model":
        models = _models(session, budget, window)
        return {**found, "model": models} if len(models) <= _MOST_VALUES else None
    return {**found, _FILTERS[scope.type]: scope.names}


def days_of(session: Session, budget: HardBudget, first: date, last: date) -> list[tuple[date, Decimal]]:
    """Each local day from `first` to `last`, both inclusive, at most 400, with what the budget's calls have cost.

    Maybe up to a minute old. Where a zone's midnight is no full UTC hour, a day has the hours that begin in it.
    """
    tz = zone(budget.time_zone)
    window = Window(local_midnight(first, tz), local_midnight(last + DAY, tz))
    filters = filters_of(session, budget, window)
    if filters is None:
        days = local_days(first, last, tz)
        sums = [spent.total for spent in spent_in(session, budget, days)]
        return [(first + n * DAY, cost) for n, cost in enumerate(sums)]
    asked = SummaryQuery(start=window.start, end=window.end, tz=budget.time_zone, bucket="day", filters=filters)
    answer = summary(session, _reader(budget), asked)
    return [(local_date(bucket.start, tz), bucket.totals.cost) for bucket in answer.buckets]


def _models(session: Session, budget: HardBudget, window: Window) -> tuple[str, ...]:
    """Those of the window that fit the pattern; its own words where none does, so that nothing is found."""
    pattern = budget.scope.value or ""
    asked = SummaryQuery(
        start=window.start,
        end=window.end,
        tz=budget.time_zone,
        group_by=("model",),
        filters={"origin": TRACKED},
    )
    names = (group.values["model"] or "" for group in summary(session, _reader(budget), asked).groups)
    return tuple(sorted(name for name in names if matches(pattern, name))) or (pattern,)


def _reader(budget: HardBudget) -> Actor:
    """Whoever may see a budget may see what its calls have cost."""
    return Actor.for_job("", budget.organization_id)
