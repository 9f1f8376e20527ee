"""What budgets are called on the page: scopes, periods, kinds and states, each in the words that people use."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from guardian import amounts
from guardian.models.enums import BudgetKind, BudgetPeriod
from guardian.services.guard.budgets import BudgetState
from guardian.services.guard.budgets.scopes import ScopeType
from guardian.services.guard.budgets.what_if import PastPeriod, WhatIf

ROLLING = "ROLLING"
SCOPES: Mapping[ScopeType, str] = {
    "organization": "Everything",
    "team": "A team",
    "user": "A person",
    "provider": "A provider",
    "key": "A provider's key",
    "model": "A model",
    "tag": "A tag",
    "token": "An access token",
}
HINTS: Mapping[ScopeType, str] = {
    "team": "The team's name, as calls tell it.",
    "model": "A name, or a pattern such as claude-*.",
    "tag": "Name and value, such as feature=search.",
}
PERIODS: Mapping[str, str] = {
    BudgetPeriod.MONTHLY: "Every month",
    BudgetPeriod.WEEKLY: "Every week",
    BudgetPeriod.DAILY: "Every day",
    BudgetPeriod.QUARTERLY: "Every quarter",
    BudgetPeriod.YEARLY: "Every year",
    ROLLING: "The last days, rolling",
}
KINDS: Mapping[BudgetKind, tuple[str, str]] = {
    BudgetKind.SOFT: ("Soft", "Tells people at each threshold, and stops nothing."),
    BudgetKind.HARD: ("Hard", "Also refuses calls through the gateway that could pass the limit."),
}
STATES: Mapping[BudgetState, tuple[str, str]] = {
    "ok": ("Within budget", "good"),
    "near": ("Near its limit", "warn"),
    "over": ("Over budget", "bad"),
    "paused": ("Paused", ""),
}
_SPAN: Mapping[BudgetPeriod, str] = {
    BudgetPeriod.DAILY: "day",
    BudgetPeriod.WEEKLY: "week",
    BudgetPeriod.MONTHLY: "month",
    BudgetPeriod.QUARTERLY: "quarter",
    BudgetPeriod.YEARLY: "year",
}
_LAST: Mapping[BudgetPeriod, str] = {
    **{span: f"Last {name}" for span, name in _SPAN.items()},
    BudgetPeriod.DAILY: "Yesterday",
}


def scope(kind: ScopeType, of: str) -> str:
    """What a budget limits: Everything, Team web, Claude Code."""
    if kind == "organization":
        return "Everything"
    if kind == "token" and not of:
        return "Tokens that name it"
    return f"Team {of}" if kind == "team" else of


def period(kind: BudgetPeriod, rolling_days: int | None) -> str:
    """every month; last 30 days."""
    if rolling_days is not None:
        return "last day" if rolling_days == 1 else f"last {rolling_days} days"
    return f"every {_SPAN[kind]}"


def name(kind: ScopeType, of: str, span: BudgetPeriod, rolling_days: int | None) -> str:
    """What a budget is called that nobody has named: Everything, every month."""
    return f"{scope(kind, of)}, {period(span, rolling_days)}"


def ran(found: WhatIf, span: BudgetPeriod, rolling_days: int | None) -> str:
    """How the past would have run against the limit, in a sentence."""
    limit = amounts.dollars(found.limit)
    if len(found.periods) > 1:
        passed = f"{found.over} of the last {len(found.periods)} {_SPAN[span]}s would have passed {limit}"
        return f"{passed}; the most in one was {amounts.dollars(max(each.spent for each in found.periods))}."
    past = max(found.periods, key=lambda each: each.first)
    spent = amounts.dollars(past.spent)
    if rolling_days is not None:
        said = f"Looked at every day of a month, the {period(span, rolling_days)} cost {spent} at most"
    else:
        said = f"{_LAST[span]}, {spent} was spent"
    return f"{said}: {_crossed(past, found.limit)}."


def _crossed(past: PastPeriod, limit: Decimal) -> str:
    if not past.crossings:
        return f"no threshold of {amounts.dollars(limit)} would have been reached"
    first, *others = [f"{each.threshold}{amounts.NBSP}%|{day(each.day)}" for each in past.crossings]
    told = [first.replace("|", f" of {amounts.dollars(limit)} on "), *(other.replace("|", " on ") for other in others)]
    return ", ".join(told)


def day(value: date) -> str:
    """14 Oct."""
    return f"{value.day}{amounts.NBSP}{value:%b}"
