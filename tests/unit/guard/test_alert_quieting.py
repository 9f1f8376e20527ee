"""Alerts acknowledged, snoozed and tested by people, and the history that shows it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from rq import Queue
from rq.job import Job
from sqlmodel import Session, select

from guardian import db
from guardian.channels.notice import Notice
from guardian.errors import ConflictError, NotFoundError, ValidationError
from guardian.models import Alert, AlertGroup, AlertNotification, AlertTransition
from guardian.models.enums import AlertState, AlertType, DeliveryStatus, NotificationChannel
from guardian.periods import rfc3339, utcnow
from guardian.queue import EMAIL_QUEUE, connection
from guardian.services.guard import alerts
from guardian.services.guard.alerts import NewAlert
from guardian.services.guard.alerts.states import snoozed_until, worst
from tests.conftest import People


def made(session: Session, people: People, **groups: AlertState) -> str:
    """An alert with these groups, each as it is after one transition."""
    wanted = NewAlert(
        name="Web", type=AlertType.COST_THRESHOLD, threshold=Decimal(50), group_by="team" if groups else None
    )
    found = alerts.create_alert(session, people.alice, wanted).alert.id
    for key, state in groups.items():
        fired = utcnow() if state in (AlertState.FIRING, AlertState.ACKNOWLEDGED) else None
        session.add(AlertGroup(alert_id=found, group_key=key, state=state, transitions=1, fired_at=fired))
    session.get_one(Alert, found).state = worst(groups.values())
    session.flush()
    return found


def states(session: Session) -> dict[str, AlertState]:
    return {row.group_key: row.state for row in session.exec(select(AlertGroup)).all()}


def test_what_fires_is_acknowledged(session: Session, people: People) -> None:
    firing, ok = AlertState.FIRING, AlertState.OK
    id = made(session, people, web=firing, app=firing, ops=ok)
    view = alerts.acknowledge(session, people.bob, id, "web")
    assert (view.state, states(session)) == (firing, {"web": AlertState.ACKNOWLEDGED, "app": firing, "ops": ok})
    assert {group.key: group.acknowledged_by for group in view.groups} == {"web": "Bob", "app": None}
    assert alerts.acknowledge(session, people.bob, id).state is AlertState.ACKNOWLEDGED
    with pytest.raises(ConflictError):
        alerts.acknowledge(session, people.bob, id)
    with pytest.raises(NotFoundError, match="Group"):
        alerts.acknowledge(session, people.bob, id, "elsewhere")
    noted = session.exec(select(AlertTransition).order_by(AlertTransition.id)).all()
    assert [(row.group_key, row.number, row.from_state, row.to_state) for row in noted] == [
        ("web", 2, firing, AlertState.ACKNOWLEDGED),
        ("app", 2, firing, AlertState.ACKNOWLEDGED),
    ]


def test_a_snooze_holds_for_the_whole_alert_and_ends(session: Session, people: People) -> None:
    id = made(session, people, web=AlertState.FIRING, ops=AlertState.OK)
    now = utcnow()
    view = alerts.snooze(session, people.bob, id, hours=8)
    assert (view.state, set(states(session).values())) == (AlertState.SNOOZED, {AlertState.SNOOZED})
    until = view.snoozed_until or now
    assert timedelta(hours=8) <= until - now < timedelta(hours=8, minutes=1)
    assert view.metadata == {}
    row = session.get_one(Alert, id)
    assert snoozed_until(row, now) == until
    assert snoozed_until(row, until) is None
    # What fired before does so again, until the next check says otherwise.
    view = alerts.snooze(session, people.bob, id, hours=0)
    assert (view.state, view.snoozed_until) == (AlertState.FIRING, None)
    assert states(session) == {"web": AlertState.FIRING, "ops": AlertState.OK}


def test_one_group_is_snoozed_alone(session: Session, people: People) -> None:
    id = made(session, people, web=AlertState.FIRING, app=AlertState.FIRING)
    view = alerts.snooze(session, people.bob, id, until=utcnow() + timedelta(days=2), group="web")
    assert (view.state, view.snoozed_until) == (AlertState.FIRING, None)
    assert states(session) == {"web": AlertState.SNOOZED, "app": AlertState.FIRING}


def test_an_alert_that_was_never_looked_at_is_snoozed_too(session: Session, people: People) -> None:
    id = made(session, people)
    assert alerts.snooze(session, people.bob, id, hours=1).state is AlertState.SNOOZED
    assert states(session) == {"": AlertState.SNOOZED}
    grouped = NewAlert(name="g", type=AlertType.COST_THRESHOLD, threshold=Decimal(1), group_by="model")
    other = alerts.create_alert(session, people.alice, grouped).alert.id
    assert alerts.snooze(session, people.bob, other, hours=1).state is AlertState.SNOOZED
    # It has no group that a check could wake: the clock alone ends its snooze.
    row = session.get_one(Alert, other)
    row.meta = {"snoozedUntil": rfc3339(utcnow() - timedelta(minutes=1))}
    assert alerts.get_alert(session, people.bob, other).state is AlertState.OK


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "hours"),
        ({"hours": 1, "until": datetime(2099, 1, 1)}, "until"),
        ({"hours": -1}, "hours"),
        ({"hours": 721}, "hours"),
        ({"until": datetime(2020, 1, 1).astimezone()}, "until"),
        ({"until": datetime(2099, 1, 1).astimezone()}, "until"),
        ({"until": datetime(2099, 1, 1)}, "until"),
    ],
)
def test_a_snooze_that_means_nothing_is_refused(session: Session, people: People, given: Any, field: str) -> None:
    id = made(session, people)
    with pytest.raises(ValidationError) as caught:
        alerts.snooze(session, people.bob, id, **given)
    assert [problem["field"] for problem in caught.value.details] == [field]


def test_a_test_goes_to_everybody_and_leaves_the_state(session: Session, people: People) -> None:
    id = made(session, people)
    session.commit()
    with db.session() as own:
        sent = alerts.test_alert(own, people.alice, id)
    assert [(each.channel, each.recipient, each.test) for each in sent] == [
        (NotificationChannel.EMAIL, "alice@example.com", True)
    ]
    row = session.exec(select(AlertNotification)).one()
    notice = Notice.from_json(row.payload or {})
    assert (notice.kind, notice.transition, notice.unit) == ("test", row.transition, "dollars")
    assert notice.sentence.startswith("This is a test, and nothing has happened.")
    assert notice.url.endswith(f"/alerts?alert={id}")
    job = Job.fetch(f"deliver-{row.id}-0", connection=connection())
    assert (job.func_name, job.args) == ("guardian.jobs.notices.deliver_notice", (row.id,))
    assert Queue(EMAIL_QUEUE, connection=connection()).job_ids == [job.id]
    assert alerts.get_alert(session, people.alice, id).state is AlertState.OK
    alerts.update_alert(session, people.alice, id, NewAlert(notify_email=False))
    with pytest.raises(ConflictError, match="tells nobody"):
        alerts.test_alert(session, people.alice, id)


def test_the_history_shows_each_change_with_its_messages_and_attempts(session: Session, people: People) -> None:
    id = made(session, people, web=AlertState.OK)
    attempts = [
        {"at": "2026-11-23T10:00:00Z", "status": 500, "error": "The server failed.", "seconds": 0.25},
        {"at": "2026-11-23T10:00:05Z", "status": 200, "error": "", "seconds": 0.125},
    ]
    session.add(
        AlertTransition(
            alert_id=id,
            organization_id=people.alice.organization_id,
            group_key="web",
            number=1,
            from_state=AlertState.OK,
            to_state=AlertState.FIRING,
            value=Decimal("71.5"),
            notice={"sentence": "AI provider spend of team web was $71.50."},
        )
    )
    session.add(
        AlertNotification(
            alert_id=id,
            organization_id=people.alice.organization_id,
            transition="web#1",
            channel=NotificationChannel.EMAIL,
            target="alice@example.com",
            status=DeliveryStatus.SENT,
            attempts_made=attempts,
        )
    )
    session.flush()
    alerts.test_alert(session, people.alice, id)
    found = alerts.history(session, people.bob, id).items
    assert [(each.test, each.number, each.group_name) for each in found] == [(True, 0, ""), (False, 1, "web")]
    message = found[1].notifications[0]
    assert message.sentence == found[1].sentence == "AI provider spend of team web was $71.50."
    assert [(each.status, each.error, each.seconds) for each in message.attempts] == [
        (500, "The server failed.", 0.25),
        (200, "", 0.125),
    ]
    listed = alerts.list_notifications(session, people.bob, id).items
    assert [each.transition for each in listed] == [found[0].notifications[0].transition, "web#1"]


def test_lists_are_read_page_by_page(session: Session, people: People) -> None:
    id = made(session, people)
    for _ in range(3):
        alerts.test_alert(session, people.alice, id)
        alerts.snooze(session, people.alice, id, hours=1)
        alerts.snooze(session, people.alice, id, hours=0)
    everything = alerts.history(session, people.alice, id).items
    assert len(everything) == 9
    pages: list[str] = []
    cursor = None
    while True:
        page = alerts.history(session, people.alice, id, cursor, 2)
        pages += [each.id for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert pages == [each.id for each in everything]
    first = alerts.list_notifications(session, people.alice, id, None, 2)
    rest = alerts.list_notifications(session, people.alice, id, first.next_cursor, 2)
    assert len({each.id for each in (*first.items, *rest.items)}) == 3
    for cursor in ("a-b", "", "x" * 33):
        with pytest.raises(ValidationError):
            alerts.history(session, people.alice, id, cursor)
