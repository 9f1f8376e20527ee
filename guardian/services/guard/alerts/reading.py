"""Alerts read: each with its state, its groups, whom it tells, and itself in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, case, col, func, select

from guardian.errors import NotFoundError
from guardian.models import Alert, AlertGroup, User
from guardian.models.enums import AlertState, AlertType
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.guard.alerts.metrics import metric_of
from guardian.services.guard.alerts.recipients import recipients_of_each
from guardian.services.guard.alerts.rule import Rule, budget_names, group_names, rules_of
from guardian.services.guard.alerts.states import INTERNAL, ORDER, snoozed_until
from guardian.services.guard.alerts.views import AlertView, GroupView
from guardian.services.guard.alerts.wording import sentence_of

MOST_GROUPS = 50  # shown of one alert; all are counted


@dataclass(frozen=True, slots=True)
class _Parts:
    """What is read for several alerts together, by their id."""

    rules: Mapping[str, Rule]
    tells: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, tuple[GroupView, ...]]
    counts: Mapping[str, int]
    people: Mapping[str, str]


def list_alerts(session: Session, actor: Actor) -> list[AlertView]:
    """The alerts of the actor's organization: the worst state first, then by name. Raises AuthorizationError."""
    actor.require("alerts:read")
    rows = session.exec(select(Alert).where(col(Alert.organization_id) == actor.organization_id)).all()
    found = views_of(session, actor, rows)
    return sorted(found, key=lambda each: (ORDER.index(each.state), not each.is_active, each.name.lower(), each.id))


def get_alert(session: Session, actor: Actor, alert_id: str) -> AlertView:
    """One alert. Raises AuthorizationError, and NotFoundError for one of another organization."""
    actor.require("alerts:read")
    return views_of(session, actor, [own_alert(session, actor, alert_id)])[0]


def firing_count(session: Session, actor: Actor) -> int:
    """How many alerts of the organization fire and wait for somebody."""
    actor.require("alerts:read")
    query = select(func.count()).where(
        col(Alert.organization_id) == actor.organization_id, Alert.state == AlertState.FIRING
    )
    return session.exec(query).one()


def own_alert(session: Session, actor: Actor, alert_id: str, *, lock: bool = False) -> Alert:
    """The row of an alert of the actor's organization. Raises NotFoundError."""
    row = session.get(Alert, alert_id, with_for_update=lock or None, populate_existing=lock)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFoundError("Alert")
    return row


def changeable_alert(session: Session, actor: Actor, alert_id: str) -> Alert:
    """The locked row, if the actor may change it: by their role, or because it is theirs. Raises NotFoundError,
    AuthorizationError.
    """
    row = own_alert(session, actor, alert_id, lock=True)
    if not _may_change(actor, row):
        actor.require("alerts:update")
    return row


def views_of(session: Session, actor: Actor, rows: Sequence[Alert]) -> list[AlertView]:
    """The views of alerts of one organization, in their order."""
    if not rows:
        return []
    tells = {
        alert_id: tuple(each.words for each in found) for alert_id, found in recipients_of_each(session, rows).items()
    }
    groups, counts = _groups(session, rows)
    owners = session.exec(
        select(User.id, User.name, User.email).where(col(User.id).in_({row.user_id for row in rows}))
    ).all()
    people = {id: name or email for id, name, email in owners}
    parts = _Parts(rules_of(session, rows, tells), tells, groups, counts, people)
    return [_view(actor, row, parts) for row in rows]


def _view(actor: Actor, row: Alert, parts: _Parts) -> AlertView:
    metric = metric_of(row.type, row.metric)
    rule = parts.rules[row.id]
    copied = (
        "id name type threshold comparison_type frequency is_active last_triggered notify_email notify_slack "
        "notify_webhook webhook_url group_by window min_requests recover_threshold pending_minutes renotify_minutes "
        "no_data user_id created_at updated_at"
    )
    return AlertView(
        **{name: getattr(row, name) for name in copied.split()},
        state=_state(row, parts),
        metric=metric.name,
        unit=metric.unit,
        scope=rule.scope,
        channel_ids=tuple(str(each) for each in row.channel_ids or ()),
        metadata={name: value for name, value in (row.meta or {}).items() if name not in INTERNAL},
        snoozed_until=snoozed_until(row, utcnow()),
        sentence=sentence_of(rule),
        tells=parts.tells[row.id],
        groups=parts.groups.get(row.id, ()),
        group_count=parts.counts.get(row.id, 0),
        owner=parts.people.get(row.user_id, ""),
        may_change=_may_change(actor, row),
    )


def _state(row: Alert, parts: _Parts) -> AlertState:
    """A snooze of an alert that has no groups ends by the clock alone."""
    over = row.state is AlertState.SNOOZED and not parts.counts.get(row.id) and not snoozed_until(row, utcnow())
    return AlertState.OK if over else row.state


def _may_change(actor: Actor, row: Alert) -> bool:
    return actor.can("alerts:update") or (row.user_id == actor.user_id and actor.can("alerts:create"))


def _groups(session: Session, rows: Sequence[Alert]) -> tuple[dict[str, tuple[GroupView, ...]], dict[str, int]]:
    ids = [row.id for row in rows]
    table = AlertGroup
    counted = session.exec(
        select(table.alert_id, func.count()).where(col(table.alert_id).in_(ids)).group_by(col(table.alert_id))
    ).all()
    rank = case({state: place for place, state in enumerate(ORDER)}, value=col(table.state))
    place = func.row_number().over(partition_by=col(table.alert_id), order_by=(rank, col(table.group_key)))
    numbered = (
        select(col(table.id), place.label("place"))
        .where(col(table.alert_id).in_(ids), col(table.state) != AlertState.OK)
        .subquery()
    )
    found = session.exec(
        select(table, User.name, User.email)
        .join(numbered, numbered.c.id == col(table.id))
        .join(User, col(User.id) == col(table.acknowledged_by_id), isouter=True)
        .where(numbered.c.place <= MOST_GROUPS)
        .order_by(numbered.c.place)
    ).all()
    of_alert: dict[str, list[tuple[AlertGroup, str | None]]] = {}
    for group, name, email in found:
        of_alert.setdefault(group.alert_id, []).append((group, name or email))
    views = {row.id: _group_views(session, row, of_alert[row.id]) for row in rows if row.id in of_alert}
    return views, dict(counted)


def _group_views(
    session: Session, alert: Alert, found: Sequence[tuple[AlertGroup, str | None]]
) -> tuple[GroupView, ...]:
    names = names_of_groups(session, alert, [group.group_key for group, _ in found])
    return tuple(
        GroupView(
            key=group.group_key,
            name=names[group.group_key],
            state=group.state,
            since=group.since,
            value=group.value,
            fired_at=group.fired_at,
            notified_at=group.notified_at,
            snoozed_until=group.snoozed_until,
            acknowledged_by=person,
        )
        for group, person in found
    )


def names_of_groups(session: Session, alert: Alert, keys: Sequence[str]) -> dict[str, str]:
    """What people call an alert's groups; of a budget's threshold, the budget and the percentage."""
    organization_id = alert.organization_id or ""
    if alert.type is not AlertType.BUDGET_EXCEEDED:
        return group_names(session, organization_id, alert.group_by, keys)
    names = budget_names(session, organization_id, [key.partition("/")[0] for key in keys])
    parted = {key: key.partition("/") for key in keys}
    return {
        key: f"{names.get(budget, 'a deleted budget')}" + (f", {threshold}\u00a0%" if threshold else "")
        for key, (budget, _, threshold) in parted.items()
    }
