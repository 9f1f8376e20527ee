"""alerts: rules that tell people when usage, spend, errors or budgets are not as they should be."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, StrictInt

from guardian.api.alerts_shapes import (
    AlertChange,
    AlertOut,
    AlertQuery,
    NewAlertBody,
    NotificationOut,
    PreviewBody,
    PreviewOut,
    SavedAlertOut,
    TransitionOut,
    alert_json,
)
from guardian.api.answers.envelope import Body, Line
from guardian.api.answers.lists import page_of
from guardian.api.steps import CallDep, route
from guardian.limits import Limit
from guardian.models import Alert
from guardian.services.guard import alerts, previews
from guardian.services.guard.alerts import AlertView
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

# A test goes to other people's chats and mailboxes.
_TESTS = Limit("alert-test", count=30, seconds=60)
_Limit = Annotated[int, Query(ge=1, le=100)]


class Acknowledgement(Body):
    """`group` is the key of one group; without it, everything of the alert that fires."""

    group: Line | None = Field(default=None, examples=["gpt-5"])


class Snooze(Body):
    """Either `until` or `hours`, at most 30 days; 0 hours ends a snooze."""

    until: datetime | None = None
    hours: StrictInt | None = Field(default=None, examples=[8])
    group: Line | None = None


@route(api, "GET", "", permission="alerts:read")
def list_alerts(call: CallDep, query: Annotated[AlertQuery, Query()]) -> Page[AlertOut]:
    """The organization's alerts, the worst state first."""
    with call.transaction() as session:
        found = [alert_json(view) for view in alerts.list_alerts(session, call.actor)]
    return page_of(found, query)


@route(api, "POST", "", permission="alerts:create", action="ALERT_CREATE", status=201, fails=(404,))
def create_alert(call: CallDep, body: NewAlertBody) -> SavedAlertOut:
    """Make an alert. One with a webhook comes with the secret that signs it, this one time."""
    with call.transaction() as session:
        saved = alerts.create_alert(session, call.actor, body.wanted())
        _note(call, saved.alert)
        return SavedAlertOut.of(saved)


@route(api, "POST", "/preview", permission="alerts:read", action="ALERT_PREVIEW")
def preview_alert(call: CallDep, body: PreviewBody) -> PreviewOut:
    """What an alert would have done in the last 30 days. Nothing is stored, and nobody is told."""
    wanted = body.wanted()
    with call.transaction(audited=False) as session:
        found = previews.preview_alert(session, call.actor, wanted)
    call.nothing_done()
    return PreviewOut.model_validate(found)


@route(api, "GET", "/{alert_id}", permission="alerts:read", row=Alert)
def get_alert(call: CallDep, alert_id: str) -> AlertOut:
    """One alert."""
    with call.transaction() as session:
        return alert_json(alerts.get_alert(session, call.actor, alert_id))


@route(api, "PATCH", "/{alert_id}", permission="alerts:create", action="ALERT_UPDATE", row=Alert)
def update_alert(call: CallDep, alert_id: str, body: AlertChange) -> SavedAlertOut:
    """Change an alert: one's own, or as an administrator any. Turning its webhook on gives a secret, once."""
    with call.transaction() as session:
        saved = alerts.update_alert(session, call.actor, alert_id, body.wanted())
        _note(call, saved.alert)
        return SavedAlertOut.of(saved)


@route(api, "DELETE", "/{alert_id}", permission="alerts:create", action="ALERT_DELETE", row=Alert)
def delete_alert(call: CallDep, alert_id: str) -> None:
    """Delete an alert with its history: one's own, or as an administrator any."""
    with call.transaction() as session:
        _note(call, alerts.delete_alert(session, call.actor, alert_id))


@route(api, "POST", "/{alert_id}/secret", permission="alerts:create", action="ALERT_SECRET_ROTATE")
def rotate_secret(call: CallDep, alert_id: str) -> SavedAlertOut:
    """A new secret for the alert's webhook, told this once. The one before signs too for another 24 hours."""
    with call.transaction() as session:
        saved = alerts.rotate_secret(session, call.actor, alert_id)
        _note(call, saved.alert)
        return SavedAlertOut.of(saved)


@route(api, "POST", "/{alert_id}/test", permission="alerts:create", action="ALERT_TEST", status=202, limit=_TESTS)
def test_alert(call: CallDep, alert_id: str) -> list[NotificationOut]:
    """Send a message that is marked as a test to everybody whom the alert tells. Its state stays as it is."""
    with call.transaction() as session:
        sent = alerts.test_alert(session, call.actor, alert_id)
        call.note("alert", alert_id, recipients=[each.recipient for each in sent])
        return [NotificationOut.model_validate(view) for view in sent]


@route(api, "GET", "/{alert_id}/notifications", permission="alerts:read")
def list_notifications(
    call: CallDep, alert_id: str, cursor: str | None = None, limit: _Limit = 50
) -> Page[NotificationOut]:
    """Every message about an alert with each attempt to deliver it, newest first."""
    with call.transaction() as session:
        page = alerts.list_notifications(session, call.actor, alert_id, cursor, limit)
    items = tuple(NotificationOut.model_validate(view) for view in page.items)
    return Page(items=items, next_cursor=page.next_cursor)


@route(api, "GET", "/{alert_id}/history", permission="alerts:read")
def list_history(call: CallDep, alert_id: str, cursor: str | None = None, limit: _Limit = 50) -> Page[TransitionOut]:
    """What the alert's groups went through, newest first, each change with its messages."""
    with call.transaction() as session:
        page = alerts.history(session, call.actor, alert_id, cursor, limit)
    items = tuple(TransitionOut.model_validate(view) for view in page.items)
    return Page(items=items, next_cursor=page.next_cursor)


@route(api, "POST", "/{alert_id}/acknowledge", permission="alerts:create", action="ALERT_ACKNOWLEDGE")
def acknowledge_alert(call: CallDep, alert_id: str, body: Acknowledgement) -> AlertOut:
    """Say that one knows of what fires: nobody is told again until it is over."""
    with call.transaction() as session:
        view = alerts.acknowledge(session, call.actor, alert_id, body.group)
        _note(call, view, group=body.group)
        return alert_json(view)


@route(api, "POST", "/{alert_id}/snooze", permission="alerts:create", action="ALERT_SNOOZE")
def snooze_alert(call: CallDep, alert_id: str, body: Snooze) -> AlertOut:
    """Tell nobody until then. What is so afterwards is told again."""
    with call.transaction() as session:
        view = alerts.snooze(session, call.actor, alert_id, until=body.until, hours=body.hours, group=body.group)
        _note(call, view, group=body.group, hours=body.hours, until=body.until.isoformat() if body.until else None)
        return alert_json(view)


def _note(call: CallDep, view: AlertView, **facts: Any) -> None:
    call.note(
        "alert",
        view.id,
        name=view.name,
        type=view.type,
        metric=view.metric,
        threshold=format(view.threshold, "f"),
        comparison=view.comparison_type,
        active=view.is_active,
        tells=list(view.tells),
        **{name: value for name, value in facts.items() if value is not None},
    )
