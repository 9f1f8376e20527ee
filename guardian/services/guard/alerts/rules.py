"""Alerts made, changed and deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from sqlmodel import Session, col, func, select

from guardian import db, live
from guardian.errors import ConflictError
from guardian.models import Alert
from guardian.models.enums import (
    AlertFrequency,
    AlertState,
    AlertType,
    ComparisonType,
    NoDataRule,
    NotificationChannel,
)
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.guard.alerts.checking import (
    check_rule,
    checked_channels,
    checked_facts,
    checked_name,
    checked_rule_scope,
    checked_url,
    wrong,
)
from guardian.services.guard.alerts.metrics import DEFAULT_WINDOW, METRICS, Metric, metric_of
from guardian.services.guard.alerts.reading import changeable_alert, views_of
from guardian.services.guard.alerts.recipients import recipients_of
from guardian.services.guard.alerts.rule import BUDGET_ID
from guardian.services.guard.alerts.secrets import renew_secret
from guardian.services.guard.alerts.states import INTERNAL, calm
from guardian.services.guard.alerts.views import AlertView, SavedAlert
from guardian.services.guard.budgets.scopes import Scope, stored_scope
from guardian.services.guard.incidents import drop_unsent, end, open_of_alerts, place_of_webhook, places_of
from guardian.services.people.billing.plans import require_room

MAX_ALERTS = 500  # of one organization: each is looked at whenever usage arrives
_WHOLE = Decimal(100)
# What a state was found by: with another one of these, what the groups were in says nothing any more.
_MEANING = ("type", "metric", "comparison_type", "scope", "group_by", "window", "is_active")
_PLAIN = (
    "comparison_type",
    "frequency",
    "is_active",
    "notify_email",
    "notify_slack",
    "notify_webhook",
    "group_by",
    "min_requests",
    "recover_threshold",
    "pending_minutes",
    "renotify_minutes",
    "no_data",
)
CLEARABLE = frozenset({"group_by", "recover_threshold", "renotify_minutes", "webhook_url"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAlert:
    """An alert as it is asked for. In a change, None leaves what there is; what `cleared` names becomes none."""

    name: str | None = None
    type: AlertType | None = None
    metric: str | None = None
    threshold: Decimal | None = None
    comparison_type: ComparisonType | None = None
    frequency: AlertFrequency | None = None
    is_active: bool | None = None
    notify_email: bool | None = None
    notify_slack: bool | None = None
    notify_webhook: bool | None = None
    webhook_url: str | None = None
    channel_ids: Sequence[str] | None = None
    scope: Scope | None = None
    group_by: str | None = None
    window: str | None = None
    min_requests: int | None = None
    recover_threshold: Decimal | None = None
    pending_minutes: int | None = None
    renotify_minutes: int | None = None
    no_data: NoDataRule | None = None
    metadata: Mapping[str, Any] | None = None
    cleared: frozenset[str] = frozenset()


def create_alert(session: Session, actor: Actor, wanted: NewAlert) -> SavedAlert:
    """A new rule of the actor's; name and type are needed, and a threshold unless budgets have their own.

    Raises AuthorizationError, ValidationError on the wrong field, NotFoundError for a channel or budget of another
    organization, ConflictError when there are MAX_ALERTS, or as many as the plan has room for.
    """
    actor.require("alerts:create")
    if wanted.name is None:
        raise wrong("name", "Give the alert a name.")
    row = drafted(session, actor, wanted)
    db.lock(session, "alerts", actor.organization_id)
    count = session.exec(select(func.count()).where(col(Alert.organization_id) == actor.organization_id)).one()
    if count >= MAX_ALERTS:
        raise ConflictError(f"There are {MAX_ALERTS} alerts, which is as many as fit. Delete one first.")
    require_room(session, actor.organization_id, "alerts")
    secret = renew_secret(row, utcnow()) if row.notify_webhook else None
    session.add(row)
    return _saved(session, actor, row, secret)


def drafted(session: Session, actor: Actor, wanted: NewAlert) -> Alert:
    """The row that `wanted` would make, checked and not stored; it may lack a name. Raises as create_alert."""
    if wanted.type is None:
        raise wrong("type", f"Choose what the alert is about: {', '.join(AlertType)}.")
    threshold = _WHOLE if wanted.threshold is None and wanted.type is AlertType.BUDGET_EXCEEDED else wanted.threshold
    if threshold is None:
        raise wrong("threshold", "Give the threshold.")
    metric = next(iter(METRICS[wanted.type].values())) if wanted.metric is None else None
    row = Alert(
        name="" if wanted.name is None else checked_name(wanted.name),
        type=wanted.type,
        metric=metric.name if metric else wanted.metric,
        threshold=threshold,
        comparison_type=ComparisonType.GREATER_THAN_OR_EQUAL
        if wanted.type is AlertType.BUDGET_EXCEEDED
        else ComparisonType.GREATER_THAN,
        frequency=AlertFrequency.IMMEDIATE,
        scope=Scope("organization").as_json(),
        user_id=actor.user_id,
        organization_id=actor.organization_id,
    )
    _apply(session, actor, row, wanted)
    return row


def update_alert(session: Session, actor: Actor, alert_id: str, wanted: NewAlert) -> SavedAlert:
    """Change a rule: one's own, or any for an administrator. Where it comes to mean something else, its groups start
    anew, silently. Raises as create_alert, NotFoundError, AuthorizationError.
    """
    row = changeable_alert(session, actor, alert_id)
    before, webhook = {name: getattr(row, name) for name in _MEANING}, place_of_webhook(row)
    had_webhook = row.notify_webhook
    with session.no_autoflush:
        if wanted.name is not None:
            row.name = checked_name(wanted.name)
        if wanted.type is not None and wanted.type is not row.type:
            row.type, row.metric = wanted.type, next(iter(METRICS[wanted.type]))
            row.meta = {name: value for name, value in (row.meta or {}).items() if name != BUDGET_ID}
        row.metric = wanted.metric if wanted.metric is not None else row.metric
        row.threshold = wanted.threshold if wanted.threshold is not None else row.threshold
        _apply(session, actor, row, wanted)
    secret = None
    if row.notify_webhook and (not had_webhook or not row.webhook_secrets):
        secret = renew_secret(row, utcnow())
    elif not row.notify_webhook:
        row.webhook_secrets = []
    if any(getattr(row, name) != value for name, value in before.items()):
        calmed = calm(session, row, actor.user_id)
        why = "The alert was changed, and begins anew." if row.is_active else "The alert was switched off."
        _end_incidents(session, row, webhook, why, calmed=calmed)
    else:
        _end_incidents(session, row, webhook, "The alert no longer tells this place of it.", but=row)
    return _saved(session, actor, row, secret)


def delete_alert(session: Session, actor: Actor, alert_id: str) -> AlertView:
    """Delete a rule with its history; what it was. Who holds an incident of it open is told that it is over.

    Raises NotFoundError, AuthorizationError.
    """
    row = changeable_alert(session, actor, alert_id)
    gone = views_of(session, actor, [row])[0]
    _end_incidents(session, row, place_of_webhook(row), "The alert was deleted.", last=True)
    session.delete(row)
    session.flush()
    _tell_pages(session, row.organization_id, row.id, row.name)
    return gone


def rotate_secret(session: Session, actor: Actor, alert_id: str) -> SavedAlert:
    """A new secret for the alert's webhook, told this once; the old one signs too for 24 h. Raises as update_alert,
    and ConflictError for an alert without a webhook.
    """
    row = changeable_alert(session, actor, alert_id)
    if not row.notify_webhook:
        raise ConflictError("This alert has no webhook. Turn it on to get a secret.")
    return _saved(session, actor, row, renew_secret(row, utcnow()))


def _end_incidents(
    session: Session,
    row: Alert,
    webhook: Mapping[str, Any],
    why: str,
    *,
    calmed: Mapping[str, str] | None = None,
    but: Alert | None = None,
    last: bool = False,
) -> None:
    """End what receivers hold open of the alert, `but` where it goes on telling them. `webhook` is the alert's own, as
    it was; `calmed` are the transitions that ended its groups. Goes `last`: the alert's messages go with it.
    """
    session.flush()
    incidents = open_of_alerts(session, [row.id])
    if calmed is not None:
        drop_unsent(session, row.id, why)
    if not incidents:
        return
    recipients = recipients_of(session, but) if but is not None else ()
    told = {(each.channel, each.target) for each in recipients}
    if webhook["url"] != row.webhook_url:
        told.discard((NotificationChannel.WEBHOOK, ""))
    places = {**places_of(session, incidents), **({"": webhook} if webhook["secrets"] else {})}
    for each in incidents:
        if each.at not in told and (place := places.get(each.opened.target)) is not None:
            end(session, each, place, why, transition=(calmed or {}).get(each.group), last=last)


def _apply(session: Session, actor: Actor, row: Alert, wanted: NewAlert) -> None:
    for name in _PLAIN:
        if (value := getattr(wanted, name)) is not None:
            setattr(row, name, value)
    for name in wanted.cleared & CLEARABLE:
        setattr(row, name, None)
    metric = metric_of(row.type, row.metric)
    if wanted.window is not None and not metric.windows:
        raise wrong("window", f"{metric.title}: it is what is so now, and has no window. Leave it out.")
    row.window = wanted.window or _fitting(row.window or DEFAULT_WINDOW, metric)
    check_rule(row)
    row.scope = checked_rule_scope(session, actor, metric, wanted.scope or stored_scope(row.scope)).as_json()
    _apply_recipients(session, actor, row, wanted)
    if wanted.metadata is not None:
        kept = {name: value for name, value in (row.meta or {}).items() if name in INTERNAL}
        row.meta = {**checked_facts(session, actor, row.type, wanted.metadata), **kept}


def _apply_recipients(session: Session, actor: Actor, row: Alert, wanted: NewAlert) -> None:
    if wanted.webhook_url is not None:
        row.webhook_url = checked_url(wanted.webhook_url)
    if row.notify_webhook and not row.webhook_url:
        raise wrong("webhookUrl", "Give the address of the webhook.")
    if wanted.channel_ids is not None:
        row.channel_ids = checked_channels(session, actor, wanted.channel_ids)


def _fitting(window: str, metric: Metric) -> str:
    """That window where the metric knows it; a default stands in for one that nobody asked for."""
    return window if window in metric.windows or not metric.windows else DEFAULT_WINDOW


def _saved(session: Session, actor: Actor, row: Alert, secret: str | None) -> SavedAlert:
    session.flush()
    _tell_pages(session, row.organization_id, row.id, row.name)
    return SavedAlert(alert=views_of(session, actor, [row])[0], secret=secret)


def _tell_pages(session: Session, organization_id: str | None, alert_id: str, name: str) -> None:
    facts = {"alertId": alert_id, "name": name, "state": AlertState.OK.value, "sentence": ""}
    db.after_commit(session, partial(live.publish, "org", organization_id or "", live.ALERT_TRIGGERED, facts))
