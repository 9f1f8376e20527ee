"""What each type of alert can measure, and which settings mean something to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from guardian.amounts import Unit
from guardian.models.enums import AlertType, ComparisonType

WindowName = Literal["15m", "1h", "6h", "1d", "7d", "30d", "day", "week", "month"]
WINDOWS: Mapping[WindowName, str] = {
    "15m": "15 minutes",
    "1h": "hour",
    "6h": "6 hours",
    "1d": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "day": "calendar day",
    "week": "calendar week",
    "month": "calendar month",
}
DEFAULT_WINDOW: WindowName = "1d"
TAG = "tag:"
GROUPS: tuple[str, ...] = ("provider", "model", "user", "team", "key", "project", "token", TAG)

_ABOVE = (ComparisonType.GREATER_THAN, ComparisonType.GREATER_THAN_OR_EQUAL)
_BELOW = (ComparisonType.LESS_THAN, ComparisonType.LESS_THAN_OR_EQUAL)
_LEVELS = (*_ABOVE, *_BELOW)
_ALL = (*_LEVELS, ComparisonType.PERCENT_CHANGE)
_EVERY_WINDOW: tuple[WindowName, ...] = tuple(WINDOWS)
_HOURLY: tuple[WindowName, ...] = tuple(each for each in WINDOWS if each != "15m")
# Of which hours of the week are known: the calendar's own spans change their length.
_SEASONAL: tuple[WindowName, ...] = ("1h", "6h", "1d", "7d")
_SUMMED = tuple(each for each in GROUPS if each != "token")
_ORGANIZATION = ("organization",)
_SCOPES = ("organization", "team", "user", "provider", "key", "model", "tag", "token")
_SUMMED_SCOPES = tuple(each for each in _SCOPES if each != "token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`title` names it for people. `windows` empty: it looks at the present, and has none. `counts_calls`: a minimum
    of calls means something to it. `whole`: it counts, so that a fraction is never reached. `most` is the highest value
    that it can have. `can_fall`: its value is a deviation, negative where there is less than usual.
    """

    name: str
    title: str
    unit: Unit
    comparisons: tuple[ComparisonType, ...] = _LEVELS
    windows: tuple[WindowName, ...] = _EVERY_WINDOW
    groups: tuple[str, ...] = GROUPS
    scopes: tuple[str, ...] = _SCOPES
    counts_calls: bool = False
    whole: bool = False
    most: Decimal | None = None
    can_fall: bool = False


METRICS: Mapping[AlertType, Mapping[str, Metric]] = {
    kind: {metric.name: metric for metric in metrics}
    for kind, metrics in {
        AlertType.COST_THRESHOLD: (
            Metric(name="cost", title="AI provider spend", unit="dollars", comparisons=_ALL, counts_calls=True),
            Metric(name="unpriced", title="Calls without a price", unit="requests", comparisons=_ALL, whole=True),
            Metric(
                name="drift",
                title="Difference between our price and the bill",
                unit="percent",
                comparisons=_ABOVE,
                windows=("1d", "7d", "30d", "week", "month"),
                groups=("provider",),
                scopes=("organization", "provider"),
            ),
        ),
        AlertType.USAGE_SPIKE: (
            *(
                Metric(
                    name=name,
                    title=title,
                    unit="percent",
                    windows=_SEASONAL,
                    groups=_SUMMED,
                    scopes=_SUMMED_SCOPES,
                    counts_calls=True,
                    can_fall=True,
                )
                for name, title in (("requests", "Calls"), ("tokens", "Tokens"), ("cost", "AI provider spend"))
            ),
            *(
                Metric(
                    name=name,
                    title=title,
                    unit="count",
                    comparisons=_ABOVE,
                    windows=_HOURLY,
                    groups=("provider",),
                    scopes=("organization", "provider"),
                    whole=True,
                )
                for name, title in (("new_models", "Models seen first"), ("new_keys", "Provider keys seen first"))
            ),
        ),
        AlertType.RATE_LIMIT: (
            Metric(
                name="used",
                title="Used part of the provider's rate limit",
                unit="percent",
                comparisons=_ABOVE,
                windows=(),
                groups=("provider", "key"),
                scopes=("organization", "provider", "key"),
                most=Decimal(100),
            ),
            Metric(
                name="refusals",
                title="Calls refused with 429",
                unit="requests",
                comparisons=_ALL,
                counts_calls=True,
                whole=True,
            ),
        ),
        AlertType.ERROR_RATE: (
            Metric(name="errors", title="Failed calls", unit="percent", counts_calls=True, most=Decimal(100)),
            Metric(
                name="sync_failures",
                title="Failed syncs in a row",
                unit="count",
                comparisons=_ABOVE,
                windows=(),
                groups=("provider", "key"),
                scopes=("organization", "provider", "key"),
                whole=True,
            ),
        ),
        AlertType.BUDGET_EXCEEDED: tuple(
            Metric(
                name=name, title=title, unit="percent", comparisons=_ABOVE, windows=(), groups=(), scopes=_ORGANIZATION
            )
            for name, title in (("spent", "Spent part of the budget"), ("forecast", "Forecast for the budget"))
        ),
    }.items()
}


def metric_of(kind: AlertType, name: str | None) -> Metric:
    """What an alert of this type measures; its type's first metric where none is named, or one that is no more."""
    of_type = METRICS[kind]
    return of_type.get(name or "") or next(iter(of_type.values()))


def holds(comparison: ComparisonType, value: Decimal, threshold: Decimal) -> bool:
    """Whether a value is what the alert speaks of. Of PERCENT_CHANGE the value is the change in percent: a positive
    threshold waits for a rise of so much or more, a negative one for such a fall.
    """
    match comparison:
        case ComparisonType.GREATER_THAN:
            return value > threshold
        case ComparisonType.GREATER_THAN_OR_EQUAL:
            return value >= threshold
        case ComparisonType.LESS_THAN:
            return value < threshold
        case ComparisonType.LESS_THAN_OR_EQUAL:
            return value <= threshold
        case ComparisonType.PERCENT_CHANGE:
            return value >= threshold if threshold > 0 else value <= threshold


def over(comparison: ComparisonType, value: Decimal, threshold: Decimal, recover: Decimal | None) -> bool:
    """Whether what fires has recovered: its condition no longer holds, and it is past `recover` where that is set."""
    if holds(comparison, value, threshold):
        return False
    return recover is None or not holds(_reached(comparison), value, recover)


def _reached(comparison: ComparisonType) -> ComparisonType:
    """The comparison that a recovery at exactly its threshold no longer holds."""
    return {
        ComparisonType.GREATER_THAN_OR_EQUAL: ComparisonType.GREATER_THAN,
        ComparisonType.LESS_THAN_OR_EQUAL: ComparisonType.LESS_THAN,
    }.get(comparison, comparison)
