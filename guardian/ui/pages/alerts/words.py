"""What the builder offers, in words: what can be watched, how it is compared, over which time, and of what."""

from collections.abc import Mapping, Sequence

from guardian.models.enums import AlertFrequency, AlertState, AlertType, ComparisonType, NoDataRule
from guardian.services.guard.alerts import METRICS, Metric
from guardian.services.guard.alerts.metrics import TAG
from guardian.ui.rows import Option

RISE, FALL = "RISE", "FALL"
"""PERCENT_CHANGE as people choose it: the sign of its threshold says which."""

STATES: Mapping[AlertState, tuple[str, str]] = {  # the word, and the tone of its badge
    AlertState.FIRING: ("Firing", "bad"),
    AlertState.NO_DATA: ("No data", "warn"),
    AlertState.PENDING: ("Pending", "warn"),
    AlertState.ACKNOWLEDGED: ("Acknowledged", "accent"),
    AlertState.SNOOZED: ("Snoozed", ""),
    AlertState.RECOVERED: ("Recovered", "good"),
    AlertState.OK: ("OK", "good"),
}
_FAMILIES: Mapping[AlertType, str] = {
    AlertType.COST_THRESHOLD: "Cost",
    AlertType.USAGE_SPIKE: "Unusual use",
    AlertType.RATE_LIMIT: "Rate limits",
    AlertType.ERROR_RATE: "Failures",
    AlertType.BUDGET_EXCEEDED: "Budgets",
}
_WATCHED: Mapping[str, str] = {
    "COST_THRESHOLD.cost": "AI provider spend",
    "COST_THRESHOLD.unpriced": "Calls without a price",
    "COST_THRESHOLD.drift": "Difference from the provider's bill",
    "USAGE_SPIKE.requests": "Calls, against what is usual",
    "USAGE_SPIKE.tokens": "Tokens, against what is usual",
    "USAGE_SPIKE.cost": "AI provider spend, against what is usual",
    "USAGE_SPIKE.new_models": "Models that were never seen before",
    "USAGE_SPIKE.new_keys": "Provider keys that nobody stored here",
    "RATE_LIMIT.used": "Used part of a provider's rate limit",
    "RATE_LIMIT.refusals": "Calls refused with 429",
    "ERROR_RATE.errors": "Share of calls that fail",
    "ERROR_RATE.sync_failures": "Failed syncs in a row",
    "BUDGET_EXCEEDED.spent": "What is spent of a budget",
    "BUDGET_EXCEEDED.forecast": "What a budget is forecast to reach",
}
_COMPARED: Mapping[str, str] = {
    ComparisonType.GREATER_THAN: "is above",
    ComparisonType.GREATER_THAN_OR_EQUAL: "is at least",
    ComparisonType.LESS_THAN: "is below",
    ComparisonType.LESS_THAN_OR_EQUAL: "is at most",
    RISE: "rises by",
    FALL: "falls by",
}
_DEVIATES: Mapping[str, str] = {
    ComparisonType.GREATER_THAN: "are more than usual by over",
    ComparisonType.GREATER_THAN_OR_EQUAL: "are more than usual by at least",
    ComparisonType.LESS_THAN: "are less than usual by over",
    ComparisonType.LESS_THAN_OR_EQUAL: "are less than usual by at least",
}
_WINDOWS: Mapping[str, str] = {
    "15m": "15 minutes",
    "1h": "an hour",
    "6h": "6 hours",
    "1d": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "day": "a calendar day",
    "week": "a calendar week",
    "month": "a calendar month",
}
_SCOPES: Mapping[str, str] = {
    "organization": "the whole organization",
    "team": "a team",
    "user": "a person",
    "provider": "a provider",
    "key": "a provider key",
    "model": "a model",
    "tag": "a tag",
    "token": "an access token",
}
_GROUPS: Mapping[str, str] = {
    "provider": "provider",
    "model": "model",
    "user": "person",
    "team": "team",
    "key": "provider key",
    "project": "project",
    "token": "access token",
    TAG: "a tag's values",
}
UNITS: Mapping[str, str] = {
    "dollars": "dollars",
    "percent": "percent",
    "requests": "calls",
    "tokens": "tokens",
    "count": "",
}
FREQUENCIES = (
    Option(AlertFrequency.IMMEDIATE, "as soon as usage arrives"),
    Option(AlertFrequency.HOURLY, "every hour, at most one message an hour"),
    Option(AlertFrequency.DAILY, "every hour, at most one message a day"),
    Option(AlertFrequency.WEEKLY, "every hour, at most one message a week"),
    Option(AlertFrequency.MONTHLY, "every hour, at most one message a month"),
)
AGAIN = (
    Option("", "never"),
    Option("60", "every hour"),
    Option("240", "every 4 hours"),
    Option("1440", "every day"),
    Option("10080", "every week"),
)
PENDING = (
    Option("0", "at once"),
    Option("10", "after 10 minutes"),
    Option("60", "after an hour"),
    Option("360", "after 6 hours"),
)
NO_DATA = (
    Option(NoDataRule.KEEP, "leave it as it is"),
    Option(NoDataRule.OK, "take it as well"),
    Option(NoDataRule.NOTIFY, "tell people"),
)


def watched_of(kind: AlertType, metric: str) -> str:
    return f"{kind.value}.{metric}"


def families() -> list[tuple[str, list[Option]]]:
    """What can be watched, by the type of alert."""
    return [
        (_FAMILIES[kind], [Option(watched_of(kind, name), _WATCHED[watched_of(kind, name)]) for name in metrics])
        for kind, metrics in METRICS.items()
    ]


def comparisons(metric: Metric) -> list[Option]:
    found: list[Option] = []
    for each in metric.comparisons:
        if each is ComparisonType.PERCENT_CHANGE:
            found += [Option(RISE, _COMPARED[RISE]), Option(FALL, _COMPARED[FALL])]
        else:
            found.append(Option(each, (_DEVIATES if metric.can_fall else _COMPARED)[each]))
    return found


def windows(metric: Metric) -> list[Option]:
    return [Option(each, _WINDOWS[each]) for each in metric.windows]


def scopes(metric: Metric) -> list[Option]:
    return [Option(each, _SCOPES[each]) for each in metric.scopes]


def groups(metric: Metric) -> list[Option]:
    if not metric.groups:
        return []
    return [Option("", "nothing, all of it together"), *(Option(each, _GROUPS[each]) for each in metric.groups)]


def with_current(options: Sequence[Option], value: str, text: str) -> list[Option]:
    """The options, with one for a value that is none of them, as another client may have set it."""
    known = any(each.value == value for each in options)
    return list(options) if known else [*options, Option(value, text)]
