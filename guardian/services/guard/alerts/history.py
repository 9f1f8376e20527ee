"""What came of an alert: each change of its groups, each message about it, and each attempt to deliver one."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlmodel import Session, col, select

from guardian.errors import ValidationError
from guardian.models import Alert, AlertNotification, AlertTransition, NotificationTarget, User
from guardian.models.enums import AlertState, DeliveryStatus, NotificationChannel
from guardian.services.actor import Actor
from guardian.services.guard.alerts.reading import names_of_groups, own_alert
from guardian.services.guard.alerts.views import AttemptView, NotificationView, TransitionView
from guardian.services.guard.messages import is_test, tested
from guardian.services.people.views import Page

MAX_PAGE = 100


def list_notifications(
    session: Session, actor: Actor, alert_id: str, cursor: str | None = None, limit: int = 50
) -> Page[NotificationView]:
    """The messages about an alert, newest first, tests too.

    Raises NotFoundError, AuthorizationError, and ValidationError for a cursor not of ours.
    """
    actor.require("alerts:read")
    alert = own_alert(session, actor, alert_id)
    limit = max(1, min(limit, MAX_PAGE))
    query = select(AlertNotification).where(AlertNotification.alert_id == alert.id)
    if cursor is not None:
        query = query.where(col(AlertNotification.id) < _checked(cursor))
    rows = session.exec(query.order_by(col(AlertNotification.id).desc()).limit(limit + 1)).all()
    items = tuple(notification_views(session, alert, rows[:limit]))
    return Page(items=items, next_cursor=rows[limit - 1].id if len(rows) > limit else None)


def history(
    session: Session, actor: Actor, alert_id: str, cursor: str | None = None, limit: int = 50
) -> Page[TransitionView]:
    """The changes of an alert's groups, newest first, each with its messages; tests stand among them.

    Raises as list_notifications.
    """
    actor.require("alerts:read")
    alert = own_alert(session, actor, alert_id)
    limit = max(1, min(limit, MAX_PAGE))
    moved = select(AlertTransition).where(AlertTransition.alert_id == alert.id)
    of_tests = select(AlertNotification).where(AlertNotification.alert_id == alert.id, tested())
    if cursor is not None:
        before = _checked(cursor)
        moved, of_tests = (
            moved.where(col(AlertTransition.id) < before),
            of_tests.where(col(AlertNotification.id) < before),
        )
    moves = session.exec(moved.order_by(col(AlertTransition.id).desc()).limit(limit + 1)).all()
    tests = session.exec(of_tests.order_by(col(AlertNotification.id).desc()).limit(limit + 1)).all()
    items = [*_moves(session, alert, moves), *_tests(notification_views(session, alert, tests))]
    items.sort(key=lambda each: each.id, reverse=True)
    return Page(items=tuple(items[:limit]), next_cursor=items[limit - 1].id if len(items) > limit else None)


def notification_views(session: Session, alert: Alert, rows: Sequence[AlertNotification]) -> list[NotificationView]:
    """Messages with the names of their recipients and what they said."""
    names = _recipients(session, alert, rows)
    said = _sentences(session, alert, rows)
    return [
        NotificationView(
            id=row.id,
            transition=row.transition,
            test=is_test(row),
            channel=row.channel,
            target=row.target,
            recipient=names[row.target],
            status=row.status,
            attempts=tuple(_attempt(each) for each in row.attempts_made or ()),
            not_before=row.not_before if row.status is DeliveryStatus.PENDING else None,
            sent_at=row.sent_at,
            error=row.error,
            sentence=said.get(row.transition, "") or _said(row.payload),
            created_at=row.created_at,
        )
        for row in rows
    ]


def _moves(session: Session, alert: Alert, rows: Sequence[AlertTransition]) -> list[TransitionView]:
    keys = {f"{row.group_key}#{row.number}": row for row in rows}
    messages = session.exec(
        select(AlertNotification)
        .where(AlertNotification.alert_id == alert.id, col(AlertNotification.transition).in_(keys))
        .order_by(col(AlertNotification.id))
    ).all()
    by_transition: dict[str, list[NotificationView]] = {}
    for view in notification_views(session, alert, messages):
        by_transition.setdefault(view.transition, []).append(view)
    names = names_of_groups(session, alert, sorted({row.group_key for row in rows}))
    people = _people(session, rows)
    return [
        TransitionView(
            id=row.id,
            group=row.group_key,
            group_name=names[row.group_key],
            number=row.number,
            from_state=row.from_state,
            to_state=row.to_state,
            value=row.value,
            person=people.get(row.user_id or ""),
            sentence=_said(row.notice),
            test=False,
            at=row.created_at,
            notifications=tuple(by_transition.get(key, ())),
        )
        for key, row in keys.items()
    ]


def _tests(messages: Iterable[NotificationView]) -> list[TransitionView]:
    """One line for each test, whose messages were made together."""
    found: dict[str, list[NotificationView]] = {}
    for each in messages:
        found.setdefault(each.transition, []).append(each)
    return [
        TransitionView(
            id=of[0].id,
            group="",
            group_name="",
            number=0,
            from_state=AlertState.OK,
            to_state=AlertState.OK,
            value=None,
            person=None,
            sentence=of[0].sentence,
            test=True,
            at=of[0].created_at,
            notifications=tuple(reversed(of)),
        )
        for of in found.values()
    ]


def _people(session: Session, rows: Sequence[AlertTransition]) -> dict[str, str]:
    ids = {row.user_id for row in rows if row.user_id}
    query = select(User.id, User.name, User.email).where(col(User.id).in_(ids))
    return {id: name or email for id, name, email in session.exec(query)} if ids else {}


def _recipients(session: Session, alert: Alert, rows: Sequence[AlertNotification]) -> dict[str, str]:
    """Names by target: of a channel its own, of mail the address, of the alert's webhook its address."""
    found = {row.target: row.target or alert.webhook_url or "webhook" for row in rows}
    ids = [row.target for row in rows if row.channel is not NotificationChannel.EMAIL or "@" not in row.target]
    query = select(NotificationTarget.id, NotificationTarget.name).where(
        col(NotificationTarget.organization_id) == alert.organization_id, col(NotificationTarget.id).in_(ids)
    )
    return {**found, **(dict(session.exec(query).all()) if ids else {})}


def _sentences(session: Session, alert: Alert, rows: Sequence[AlertNotification]) -> dict[str, str]:
    wanted = {row.transition for row in rows if not is_test(row)}
    numbers = {int(each.rpartition("#")[2]) for each in wanted if each.rpartition("#")[2].isdigit()}
    if not numbers:
        return {}
    rows_of = session.exec(
        select(AlertTransition).where(AlertTransition.alert_id == alert.id, col(AlertTransition.number).in_(numbers))
    )
    return {f"{each.group_key}#{each.number}": _said(each.notice) for each in rows_of}


def _said(notice: dict[str, Any] | None) -> str:
    told: object = (notice or {}).get("sentence")
    return told if isinstance(told, str) else ""


def _attempt(stored: dict[str, Any]) -> AttemptView:
    return AttemptView(
        at=str(stored.get("at") or ""),
        status=int(stored.get("status") or 0),
        error=str(stored.get("error") or ""),
        seconds=float(stored.get("seconds") or 0),
    )


def _checked(cursor: str) -> str:
    if not cursor.isalnum() or len(cursor) > 32:
        raise ValidationError(
            "This cursor is not one that a list gave.", details=[{"field": "cursor", "message": "unknown cursor"}]
        )
    return cursor
