"""The alert that the builder is about, as its fields have it; and what is asked for when it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, cast

from guardian.errors import ValidationError
from guardian.models.enums import AlertFrequency, AlertType, ComparisonType, NoDataRule
from guardian.services.guard.alerts import METRICS, AlertView, Metric, NewAlert
from guardian.services.guard.alerts.metrics import TAG
from guardian.services.guard.alerts.recipients import EMAILS
from guardian.services.guard.alerts.rule import BUDGET_ID
from guardian.services.guard.budgets import Scope
from guardian.ui.pages.alerts.words import FALL, RISE, comparisons, watched_of

_LONGEST = 500
_RISING = (ComparisonType.GREATER_THAN, ComparisonType.GREATER_THAN_OR_EQUAL)


@dataclass(frozen=True)
class Draft:
    """Text as fields have it, `id` empty for a new alert. `watched` is type.metric; `comparison` is a ComparisonType,
    RISE or FALL, and `threshold` without the sign that it says.
    """

    id: str = ""
    name: str = ""
    watched: str = "COST_THRESHOLD.cost"
    comparison: str = ComparisonType.GREATER_THAN.value
    threshold: str = ""
    window: str = "1d"
    scope: str = "organization"
    of: str = ""
    group: str = ""
    tag: str = ""
    budget: str = ""
    least: str = ""
    pending: str = "0"
    recover: str = ""
    again: str = ""
    no_data: str = NoDataRule.KEEP.value
    frequency: str = AlertFrequency.IMMEDIATE.value
    mail: bool = True
    emails: str = ""
    slack: bool = False
    webhook: bool = False
    url: str = ""
    channels: tuple[str, ...] = ()

    @property
    def type(self) -> AlertType:
        return AlertType(self.watched.partition(".")[0])

    @property
    def metric(self) -> Metric:
        return METRICS[self.type][self.watched.partition(".")[2]]


EMPTY = Draft()
# What the empty page, and the builder, offer to begin with.
READY: Mapping[str, Draft] = {
    "day": Draft(name="Spend in a day", threshold="50", window="day"),
    "unusual": Draft(name="Unusual spend", watched="USAGE_SPIKE.cost", threshold="100", window="6h"),
    "failing": Draft(
        name="Failing calls", watched="ERROR_RATE.errors", threshold="10", window="1h", least="20", group="model"
    ),
}
TEXTS = ("name", "threshold", "of", "tag", "least", "recover", "url", "emails")
_CHOICES = ("watched", "comparison", "window", "scope", "group", "budget", "pending", "again", "no_data", "frequency")
SWITCHES = ("mail", "slack", "webhook")


def draft_of(view: AlertView) -> Draft:
    """The fields of an alert that there is."""
    comparison: str = view.comparison_type.value
    if view.comparison_type is ComparisonType.PERCENT_CHANGE:
        comparison = RISE if view.threshold > 0 else FALL
    group = view.group_by or ""
    budget = view.metadata.get(BUDGET_ID)
    return Draft(
        id=view.id,
        name=view.name,
        watched=watched_of(view.type, view.metric),
        comparison=comparison,
        threshold=_plain(abs(view.threshold)),
        window=view.window,
        scope=view.scope.type,
        of=view.scope.value or "",
        group=TAG if group.startswith(TAG) else group,
        tag=group.removeprefix(TAG) if group.startswith(TAG) else "",
        budget=budget if isinstance(budget, str) else "",
        least=str(view.min_requests or ""),
        pending=str(view.pending_minutes),
        recover="" if view.recover_threshold is None else _plain(abs(view.recover_threshold)),
        again=str(view.renotify_minutes or ""),
        no_data=view.no_data.value,
        frequency=view.frequency.value,
        mail=view.notify_email,
        emails=", ".join(_emails(view.metadata)),
        slack=view.notify_slack,
        webhook=view.notify_webhook,
        url=view.webhook_url or "",
        channels=view.channel_ids,
    )


def told(draft: Draft, said: Mapping[str, Any]) -> Draft:
    """The draft with what a form, or one field, says; what does not fit what is watched any more gives way."""
    known = {name: str(said[name])[:_LONGEST] for name in (*TEXTS, *_CHOICES) if said.get(name) is not None}
    return fitted(replace(draft, **known))


def fitted(draft: Draft) -> Draft:
    """The draft with choices that what it watches knows. Raises ValidationError for something that nobody offered."""
    kind, _, name = draft.watched.partition(".")
    if kind not in set(map(str, AlertType)) or name not in METRICS[AlertType(kind)]:
        raise ValidationError("Choose what the alert watches.")
    metric = draft.metric
    known = [each.value for each in comparisons(metric)]
    scope = draft.scope if draft.scope in metric.scopes else "organization"
    return replace(
        draft,
        comparison=draft.comparison if draft.comparison in known else known[0],
        window=draft.window if draft.window in metric.windows or not metric.windows else _default_window(metric),
        scope=scope,
        of=draft.of if scope == draft.scope and scope != "organization" else "",
        group=draft.group if draft.group in metric.groups else "",
        least=draft.least if metric.counts_calls else "",
        recover="" if draft.comparison in (RISE, FALL) or draft.type is AlertType.BUDGET_EXCEEDED else draft.recover,
        budget=draft.budget if draft.type is AlertType.BUDGET_EXCEEDED else "",
    )


def wanted(draft: Draft, *, whole: bool, facts: Mapping[str, Any] = MappingProxyType({})) -> NewAlert:
    """What is asked for, `whole` with its name. A field that is empty becomes none; of the metadata that there is,
    `facts`, what has no field stays. Raises ValidationError.
    """
    metric = draft.metric
    sign = -1 if _falls(draft, metric) else 1
    again, recover = _count("again", draft.again), _number("recover", draft.recover)
    group = f"{TAG}{draft.tag.strip()}" if draft.group == TAG else draft.group or None
    url = draft.url.strip() or None
    empty = {"group_by": group, "recover_threshold": recover, "renotify_minutes": again, "webhook_url": url}
    threshold = _number("threshold", draft.threshold)
    return NewAlert(
        name=draft.name if whole else None,
        type=draft.type,
        metric=metric.name,
        threshold=None if threshold is None else threshold * sign,
        comparison_type=ComparisonType.PERCENT_CHANGE
        if draft.comparison in (RISE, FALL)
        else ComparisonType(draft.comparison),
        frequency=_one(AlertFrequency, "frequency", draft.frequency),
        notify_email=draft.mail,
        notify_slack=draft.slack,
        notify_webhook=draft.webhook,
        webhook_url=url,
        channel_ids=list(draft.channels),
        scope=Scope(draft.scope, draft.of.strip() or None),  # pyright: ignore[reportArgumentType]  # fitted() knows it
        group_by=group,
        window=draft.window if metric.windows else None,
        min_requests=_count("least", draft.least) or 0,
        recover_threshold=None if recover is None else recover * sign,
        pending_minutes=_count("pending", draft.pending) or 0,
        renotify_minutes=again,
        no_data=_one(NoDataRule, "no_data", draft.no_data),
        metadata=_metadata(draft, facts),
        cleared=frozenset(name for name, value in empty.items() if value is None),
    )


def _metadata(draft: Draft, facts: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in facts.items() if name not in (BUDGET_ID, EMAILS)}
    emails = [each.strip() for each in draft.emails.split(",") if each.strip()]
    return {
        **kept,
        **({BUDGET_ID: draft.budget} if draft.budget else {}),
        **({EMAILS: emails} if emails else {}),
    }


def _emails(metadata: Mapping[str, Any]) -> list[str]:
    told: object = metadata.get(EMAILS)
    return [str(each) for each in cast("list[object]", told)] if isinstance(told, list) else []


def _falls(draft: Draft, metric: Metric) -> bool:
    return draft.comparison == FALL or (metric.can_fall and draft.comparison not in set(map(str, _RISING)))


def _default_window(metric: Metric) -> str:
    return "1d" if "1d" in metric.windows else metric.windows[0]


def _number(field: str, text: str) -> Decimal | None:
    bare = text.replace(",", "").replace("$", "").replace("%", "").strip()
    if not bare:
        return None
    try:
        return Decimal(bare)
    except InvalidOperation:
        raise _wrong(field, "Give a number, such as 50.") from None


def _count(field: str, text: str) -> int | None:
    bare = text.replace(",", "").strip()
    if not bare:
        return None
    if not bare.isdecimal() or len(bare) > 10:
        raise _wrong(field, "Give a whole number.")
    return int(bare)


def _one(of: Any, field: str, text: str) -> Any:
    if text not in set(map(str, of)):
        raise _wrong(field, "Choose one of the list.")
    return of(text)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": field, "message": message}])
