"""Alerts in plain words: what a rule waits for, and what happened when it speaks."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from guardian.amounts import figure, percent
from guardian.models.enums import AlertType, ComparisonType, NoDataRule
from guardian.services.guard.alerts.metrics import TAG
from guardian.services.guard.alerts.rule import Rule

_IN: Mapping[str, tuple[str, str]] = {  # as a rule says it, and as a message does
    "15m": ("in 15 minutes", "in the last 15 minutes"),
    "1h": ("in an hour", "in the last hour"),
    "6h": ("in 6 hours", "in the last 6 hours"),
    "1d": ("in 24 hours", "in the last 24 hours"),
    "7d": ("in 7 days", "in the last 7 days"),
    "30d": ("in 30 days", "in the last 30 days"),
    "day": ("in a calendar day", "today"),
    "week": ("in a calendar week", "this week"),
    "month": ("in a calendar month", "this month"),
}
_BEFORE: Mapping[str, str] = {
    "15m": "15 minutes",
    "1h": "hour",
    "6h": "6 hours",
    "1d": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "day": "day",
    "week": "week",
    "month": "month",
}
# What is measured, in the middle of a sentence; "{of}" is whose it is.
_SUBJECTS: Mapping[tuple[AlertType, str], str] = {
    (AlertType.COST_THRESHOLD, "cost"): "AI provider spend{of}",
    (AlertType.COST_THRESHOLD, "unpriced"): "the number of calls{of} without a price",
    (AlertType.COST_THRESHOLD, "drift"): "the difference between our price{of} and the provider's bill",
    (AlertType.USAGE_SPIKE, "requests"): "the number of calls{of}",
    (AlertType.USAGE_SPIKE, "tokens"): "the number of tokens{of}",
    (AlertType.USAGE_SPIKE, "cost"): "AI provider spend{of}",
    (AlertType.USAGE_SPIKE, "new_models"): "the number of models{of} that were never seen before",
    (AlertType.USAGE_SPIKE, "new_keys"): "the number of provider keys{of} that nobody has stored here",
    (AlertType.RATE_LIMIT, "used"): "the used part of the provider's rate limit{of}",
    (AlertType.RATE_LIMIT, "refusals"): "the number of calls{of} that the provider refused with 429",
    (AlertType.ERROR_RATE, "errors"): "the share of calls{of} that fail",
    (AlertType.ERROR_RATE, "sync_failures"): "the number of failed syncs{of} in a row",
}
_NOUNS: Mapping[str, str] = {"key": "key", "token": "access token", "user": "", "provider": ""}
_EACH: Mapping[str, str] = {"user": "person", "token": "access token"}


def sentence_of(rule: Rule) -> str:
    """What the rule waits for and whom it tells, as one sentence, and a short one for each further setting."""
    said = f"{_tell(rule.tells)} when {_condition(rule)}{_each(rule)}"
    if rule.min_requests:
        said += f", if there are at least {rule.min_requests:,} calls"
    if rule.pending_minutes:
        said += f", and it stays so for {minutes(rule.pending_minutes)}"
    sentences = [said]
    if rule.renotify_minutes:
        sentences.append(f"Tell again every {minutes(rule.renotify_minutes)} while it lasts")
    if rule.recover_threshold is not None:
        back = figure(rule.recover_threshold, rule.metric.unit)
        sentences.append(f"It is over once it is back at {back}")
    if rule.no_data is NoDataRule.NOTIFY:
        sentences.append("Also tell when there is no data")
    return ". ".join(sentences) + "."


def happened(
    rule: Rule,
    group_name: str,
    value: Decimal | None,
    window: str,
    *,
    threshold: Decimal | None = None,
    recovered: bool = False,
) -> str:
    """What is so now, for a message. `group_name` is the readable name of the group, "" where there is but one; of a
    budget, its name. `threshold` is the one that was passed where the rule has several (a budget's). `value` None means
    that there is no data.
    """
    limit = rule.threshold if threshold is None else threshold
    if rule.type is AlertType.BUDGET_EXCEEDED:
        return _of_budget(rule, group_name or rule.budget_name or "", value, limit, recovered)
    subject = _upper(_subject(rule, group_name))
    when = _IN.get(window, ("", ""))[1] if rule.metric.windows else ""
    span = f" {when}" if when else ""
    if value is None:
        return f"There is no data on {_subject(rule, group_name)}{span}, so that this alert cannot tell."
    if _deviates(rule):
        return f"{subject} was {_deviation(value)}{span}{_limit_of_deviation(rule, limit, recovered)}."
    if rule.comparison is ComparisonType.PERCENT_CHANGE:
        moved = f"{'rose' if value >= 0 else 'fell'} by {figure(abs(value), 'percent')}"
        against = f" against the {_BEFORE[window]} before" if window in _BEFORE else ""
        asked = f"{figure(abs(limit), 'percent')} or more"
        return f"{subject} {moved}{span}{against}, {'no longer ' if recovered else ''}{asked}."
    word = {"GREATER_THAN": "above", "GREATER_THAN_OR_EQUAL": "at or above", "LESS_THAN": "below"}.get(
        rule.comparison.value, "at or below"
    )
    no_longer = "no longer " if recovered else ""
    unit = rule.metric.unit
    return f"{subject} was {figure(value, unit)}{span}, {no_longer}{word} {figure(limit, unit)}."


def minutes(count: int) -> str:
    """A span in words: 10 minutes, 1 hour, 90 minutes, 2 days."""
    for size, name in ((1440, "day"), (60, "hour")):
        if count % size == 0:
            number = count // size
            return f"{number} {name}" + ("s" if number != 1 else "")
    return f"{count} minute" + ("s" if count != 1 else "")


def listed(parts: Sequence[str]) -> str:
    """Words as a list: a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _tell(tells: Sequence[str]) -> str:
    return f"Tell {listed(tells)}" if tells else "Show here, and tell nobody,"


def _condition(rule: Rule) -> str:
    if rule.type is AlertType.BUDGET_EXCEEDED:
        budget = f"the budget {rule.budget_name}" if rule.budget_name else "a budget"
        what = "the forecast for" if rule.metric.name == "forecast" else "AI provider spend of"
        whole = percent(rule.threshold)
        return f"{what} {budget} reaches one of the budget's thresholds, or {whole} of it where it has none"
    subject = _subject(rule, "")
    span = f" {_IN[rule.window][0]}" if rule.metric.windows and rule.window in _IN else ""
    if _deviates(rule):
        more = "or more" if rule.comparison.value.endswith("OR_EQUAL") else ""
        than = f"{figure(abs(rule.threshold), 'percent')} {more}".rstrip()
        above = "below" if rule.threshold < 0 else "above"
        least = "" if more else "more than "
        return f"{subject}{span} is {least}{than} {above} what is usual at that hour of the week"
    if rule.comparison is ComparisonType.PERCENT_CHANGE:
        verb = "rises" if rule.threshold > 0 else "falls"
        by = percent(abs(rule.threshold))
        return f"{subject}{span} {verb} by {by} or more against the {_BEFORE[rule.window]} before"
    asked = figure(rule.threshold, rule.metric.unit)
    words = {
        ComparisonType.GREATER_THAN: f"is above {asked}",
        ComparisonType.GREATER_THAN_OR_EQUAL: f"reaches {asked}",
        ComparisonType.LESS_THAN: f"is below {asked}",
    }.get(rule.comparison, f"is {asked} or less")
    return f"{subject} {words}{span}"


def _of_budget(rule: Rule, name: str, value: Decimal | None, limit: Decimal, recovered: bool) -> str:
    budget = f"the budget {name}" if name else "a budget"
    if value is None:
        return f"It is not known what is spent of {budget}, so that this alert cannot tell."
    now, asked = percent(value), percent(limit)
    past = f"no longer at {asked}" if recovered else f"past {asked}"
    if rule.metric.name == "forecast":
        return f"At this pace, AI provider spend will reach {now} of {budget} by the end of its period, {past}."
    return f"AI provider spend has reached {now} of {budget}, {past}."


def _deviates(rule: Rule) -> bool:
    return rule.metric.can_fall


def _deviation(value: Decimal) -> str:
    return f"{figure(abs(value), 'percent')} {'below' if value < 0 else 'above'} what is usual at this hour of the week"


def _limit_of_deviation(rule: Rule, limit: Decimal, recovered: bool) -> str:
    side = "below" if limit < 0 else "above"
    return f", {'no longer ' if recovered else ''}more than {figure(abs(limit), 'percent')} {side}"


def _subject(rule: Rule, group_name: str) -> str:
    scope = _whose(rule.scope.type, rule.scope_name)
    if not group_name:
        of = f" of {scope}" if scope else ""
    else:
        group = _whose(_dimension(rule.group_by), group_name)
        of = f" of {group}" + (f" ({scope})" if scope else "")
    return _SUBJECTS[(rule.type, rule.metric.name)].replace("{of}", of)


def _whose(kind: str, name: str | None) -> str:
    noun = _NOUNS.get(kind, kind)
    return f"{noun} {name}".strip() if name else ""


def _dimension(group_by: str | None) -> str:
    if group_by and group_by.startswith(TAG):
        return group_by.removeprefix(TAG)
    return group_by or ""


def _each(rule: Rule) -> str:
    if rule.group_by is None:
        return ""
    name = _dimension(rule.group_by)
    return f", for each {_EACH.get(name, name)} by itself"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
