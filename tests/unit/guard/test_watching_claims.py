"""Moves are made once, whoever races: transitions, notices and messages in one transaction, and told after it."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from rq import Queue
from sqlalchemy import delete, text, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from guardian import db
from guardian.channels.notice import Notice
from guardian.models import (
    Alert,
    AlertGroup,
    AlertNotification,
    AlertTransition,
    NotificationTarget,
    TeamMember,
    User,
)
from guardian.models.enums import AlertType, DeliveryStatus, NotificationChannel
from guardian.periods import DAY, HOUR
from guardian.queue import ALERT_QUEUE, EMAIL_QUEUE, connection
from guardian.services.guard import watching
from guardian.services.guard.alerts.quieting import acknowledge, snooze
from guardian.services.guard.alerts.recipients import recipients_of_each
from tests.conftest import People
from tests.unit.guard.ledger import add_calls
from tests.unit.guard.watching import add_alert, run, state, story

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def alert(session: Session, people: People) -> Alert:
    """One that is over its threshold."""
    add_calls(session, people.alice, NOW - MINUTE, "11")
    return add_alert(session, people.alice)


def test_everybody_is_told_once_and_each_message_has_a_job(session: Session, people: People) -> None:
    def target(name: str, kind: NotificationChannel, **facts: Any) -> NotificationTarget:
        sealed = {"encrypted_config": "00", "iv": "00", "tag": "00"}
        row = NotificationTarget(
            **{"organization_id": people.alice.organization_id, "name": name, "kind": kind, **sealed, **facts}
        )
        session.add(row)
        session.flush()
        return row

    chosen = target("ops", NotificationChannel.SLACK)
    target("off", NotificationChannel.SLACK, is_active=False)
    pager = target("pager", NotificationChannel.PAGERDUTY)
    target("theirs", NotificationChannel.SLACK, organization_id=people.charlie.organization_id)
    alert = add_alert(
        session,
        people.bob,
        notify_webhook=True,
        webhook_url="https://example.com/hook",
        channel_ids=[pager.id, chosen.id, "gone"],
    )
    add_calls(session, people.alice, NOW - MINUTE, "11")
    assert len(run(session, people.alice, NOW)) == 4
    rows = session.exec(select(AlertNotification)).all()
    assert {(row.channel.value, row.target) for row in rows} == {
        ("EMAIL", people.bob.email),
        ("SLACK", chosen.id),
        ("PAGERDUTY", pager.id),
        ("WEBHOOK", ""),
    }
    assert {(row.transition, row.status, row.alert_id) for row in rows} == {("#1", DeliveryStatus.PENDING, alert.id)}
    [moved] = session.exec(select(AlertTransition)).all()
    notice = Notice.from_json(moved.notice or {})
    assert {Notice.from_json(row.payload or {}) for row in rows} == {notice}
    assert (notice.value, notice.threshold, notice.organization, notice.group) == (11, 10, "Acme", "")
    assert (notice.window_start, notice.window_end, notice.occurred_at) == (NOW - DAY, NOW, NOW)
    assert notice.url.endswith(f"/alerts?alert={alert.id}")


def test_further_people_of_the_organization_are_told_and_who_has_left_is_not(session: Session, people: People) -> None:
    alice, bob, charlie = (actor.email for actor in (people.alice, people.bob, people.charlie))
    named = add_alert(session, people.alice, meta={"emails": [bob.upper(), charlie, alice, "x@example.com", 7]})
    left = add_alert(session, people.bob)
    assert {id: [each.target for each in of] for id, of in recipients_of_each(session, [named, left]).items()} == {
        named.id: [alice, bob],
        left.id: [bob],
    }
    # Who works in another organization at the moment is told all the same; who is no member any more is not.
    session.get_one(User, people.bob.user_id).organization_id = people.charlie.organization_id
    session.commit()
    assert recipients_of_each(session, [left])[left.id][0].target == bob
    session.exec(delete(TeamMember).where(col(TeamMember.user_id) == people.bob.user_id))
    session.commit()
    assert {id: [each.target for each in of] for id, of in recipients_of_each(session, [named, left]).items()} == {
        named.id: [alice],
        left.id: [],
    }


def test_what_waits_is_enqueued_and_pages_are_told_after_the_commit(
    session: Session, people: People, alert: Alert
) -> None:
    listener = connection().pubsub()
    listener.psubscribe("live:org:*")
    queued = Queue(EMAIL_QUEUE, connection=connection())
    with Session(db.engine()) as dropped:
        assert len(watching.check(dropped, people.alice.organization_id, NOW, arrived=True)) == 1
    assert (queued.count, story(session, alert)) == (0, [])
    with db.session() as opened:
        [message] = watching.check(opened, people.alice.organization_id, NOW, arrived=True)
        assert queued.count == 0
    [job] = queued.jobs
    assert (job.id, job.args, job.func_name) == (
        f"deliver-{message}-0",
        (message,),
        "guardian.jobs.notices.deliver_notice",
    )
    heard = [found for _ in range(5) if (found := listener.get_message(timeout=1))]
    [said] = [each["data"].decode() for each in heard if each["type"] == "pmessage"]
    assert "alert:triggered" in said
    assert alert.id in said
    listener.close()


def test_nobody_to_tell_is_no_reason_not_to_move(session: Session, people: People) -> None:
    alert = add_alert(session, people.alice, notify_email=False)
    add_calls(session, people.alice, NOW - MINUTE, "11")
    assert run(session, people.alice, NOW) == []
    assert story(session, alert) == ["firing!"]


def test_another_organizations_usage_and_rules_are_another_matter(session: Session, people: People) -> None:
    theirs = add_alert(session, people.charlie)
    add_calls(session, people.alice, NOW - MINUTE, "11")
    assert run(session, people.alice, NOW) == run(session, people.charlie, NOW) == []
    assert state(session, theirs) == "ok"


def test_groups_have_states_and_names_of_their_own(session: Session, people: People) -> None:
    alert = add_alert(session, people.alice, group_by="user")
    add_calls(session, people.alice, NOW - MINUTE, "11")
    add_calls(session, people.bob, NOW - MINUTE, "9")
    [said] = run(session, people.alice, NOW)
    assert "Alice" in said
    add_calls(session, people.bob, NOW - MINUTE, "9")
    assert "Bob" in run(session, people.alice, NOW)[0]
    assert len(run(session, people.alice, NOW + DAY)) == 2
    assert story(session, alert, people.bob.user_id) == ["firing!", "recovered!"]


def test_paused_edited_and_deleted_while_it_fires(session: Session, people: People, alert: Alert) -> None:
    run(session, people.alice, NOW)
    alert.is_active = False
    session.commit()
    add_calls(session, people.alice, NOW, "50")
    assert run(session, people.alice, NOW + DAY) == run(session, people.alice, NOW + DAY, arrived=False) == []
    alert.is_active = True
    session.commit()
    assert run(session, people.alice, NOW + MINUTE) == [], "it still fires, and people know"
    alert.threshold = Decimal(100)
    session.commit()
    assert len(run(session, people.alice, NOW + 2 * MINUTE)) == 1, "by its new number it is over"
    session.delete(session.get_one(Alert, alert.id))
    session.commit()
    assert run(session, people.alice, NOW + 3 * MINUTE) == []
    assert session.exec(select(AlertTransition)).all() == []


def test_acknowledged_and_snoozed_by_people(session: Session, people: People, alert: Alert) -> None:
    alert.renotify_minutes = 10
    session.commit()
    now = datetime.now(UTC)
    add_calls(session, people.alice, now - MINUTE, "11")
    run(session, people.alice, now)
    acknowledge(session, people.bob, alert.id)
    session.commit()
    assert run(session, people.alice, now + 2 * HOUR) == []
    snooze(session, people.bob, alert.id, hours=4)
    session.commit()
    assert run(session, people.alice, now + 3 * HOUR) == run(session, people.alice, now + 3 * DAY - 2.9 * DAY) == []
    [said] = run(session, people.alice, now + 2 * DAY)
    assert said.startswith("recovered")
    assert story(session, alert) == ["firing!", "acknowledged", "snoozed", "recovered!"]
    assert session.exec(select(AlertGroup)).one().acknowledged_by_id is None


def test_a_group_that_turns_up_in_a_snooze_is_silent(session: Session, people: People) -> None:
    alert = add_alert(session, people.alice, group_by="user")
    snooze(session, people.alice, alert.id, hours=1)
    session.commit()
    now = datetime.now(UTC)
    add_calls(session, people.alice, now - MINUTE, "11")
    assert run(session, people.alice, now) == []
    assert len(run(session, people.alice, now + 2 * HOUR)) == 1


def test_an_edit_between_measuring_and_moving_is_measured_anew(session: Session, people: People, alert: Alert) -> None:
    """The worker waits for whoever edits, and then finds that what it measured was for another rule."""
    outcome: list[Any] = []
    with db.session() as editing:
        editing.exec(select(Alert).where(Alert.id == alert.id).with_for_update()).one()
        worker = threading.Thread(target=lambda: outcome.append(_checked(people)))
        worker.start()
        _wait_for_a_lock(session)
        editing.exec(update(Alert).where(col(Alert.id) == alert.id).values(threshold=Decimal(1000)))
    worker.join(timeout=30)
    assert outcome == [[]]
    assert state(session, alert) == "ok"
    assert Queue(ALERT_QUEUE, connection=connection()).count == 1, "another check follows at once"


def test_three_workers_race_and_one_tells(session: Session, people: People, alert: Alert) -> None:
    together = threading.Barrier(3)
    outcome: list[list[str]] = []

    def race() -> None:
        with db.session() as opened:
            together.wait()
            outcome.append(watching.check(opened, people.alice.organization_id, NOW, arrived=True))

    workers = [threading.Thread(target=race) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert sorted(len(each) for each in outcome) == [0, 0, 1]
    assert len(session.exec(select(AlertNotification)).all()) == 1
    assert story(session, alert) == ["firing!"]


def test_a_worker_that_dies_before_its_commit_leaves_all_to_the_next(
    session: Session, people: People, alert: Alert
) -> None:
    """The claim is the commit: what it had claimed is as if it had never been."""
    with Session(db.engine()) as dying:
        assert len(watching.check(dying, people.alice.organization_id, NOW, arrived=True)) == 1
        pid = dying.connection().execute(text("SELECT pg_backend_pid()")).scalar_one()
        session.connection().execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        with pytest.raises(OperationalError):
            dying.commit()
    assert state(session, alert) == "ok"
    assert len(run(session, people.alice, NOW)) == 1
    assert story(session, alert) == ["firing!"]


def test_a_transition_that_is_there_is_not_told_again(session: Session, people: People, alert: Alert) -> None:
    """As when a group's row was lost, or put back by a restored backup."""
    run(session, people.alice, NOW)
    session.delete(session.exec(select(AlertGroup)).one())
    session.commit()
    assert run(session, people.alice, NOW + MINUTE) == []
    assert len(session.exec(select(AlertNotification)).all()) == 1


def test_a_value_beyond_what_is_kept_is_kept_as_the_largest(session: Session, people: People) -> None:
    spike = add_alert(
        session, people.alice, type=AlertType.USAGE_SPIKE, metric="cost", window="1h", threshold=Decimal(100)
    )
    for week in range(1, 5):
        add_calls(session, people.alice, NOW - week * 7 * DAY - MINUTE, "0.0000000001")
    add_calls(session, people.alice, NOW - MINUTE, "900000000")
    assert len(run(session, people.alice, NOW, arrived=False)) == 1
    assert session.exec(select(AlertGroup).where(AlertGroup.alert_id == spike.id)).one().value == Decimal(9_999_999_999)


def test_thousands_of_groups_move_at_once(session: Session, people: People) -> None:
    """More than one statement can have parameters for."""
    alert = add_alert(session, people.alice, group_by="tag:job", threshold=Decimal(0))
    add_calls(session, people.alice, NOW - MINUTE, *["1"] * 5_500)
    session.connection().execute(text("UPDATE usage_logs SET tags = jsonb_build_object('job', id)"))
    assert len(run(session, people.alice, NOW)) == 5_500
    assert run(session, people.alice, NOW) == []
    groups = session.exec(select(AlertGroup.group_key).where(AlertGroup.alert_id == alert.id)).all()
    assert len(set(groups)) == 5_500


def test_organizations_with_active_rules_come_in_pages(session: Session, people: People) -> None:
    add_alert(session, people.alice)
    add_alert(session, people.alice)
    theirs = add_alert(session, people.charlie)
    first, second = sorted((people.alice.organization_id, people.charlie.organization_id))
    assert watching.organizations(session, "", 1) == [first]
    assert watching.organizations(session, first, 5) == [second]
    theirs.is_active = False
    session.commit()
    assert watching.organizations(session, "", 5) == [people.alice.organization_id]


@pytest.mark.parametrize(
    ("facts", "later", "waits"),
    [
        ({"pending_minutes": 10}, MINUTE, True),
        ({"renotify_minutes": 10}, 9 * MINUTE, False),
        ({"renotify_minutes": 10}, 10 * MINUTE, True),
        ({"window": "1h"}, MINUTE, True),
        ({}, HOUR, False),
    ],
)
def test_what_waits_for_time_alone(
    session: Session, people: People, facts: dict[str, Any], later: timedelta, waits: bool
) -> None:
    add_calls(session, people.alice, NOW - MINUTE, "11")
    add_alert(session, people.alice, **facts)
    assert watching.waiting(session, "", 5, NOW) == []
    run(session, people.alice, NOW)
    assert watching.waiting(session, "", 5, NOW + later) == ([people.alice.organization_id] if waits else [])


def _checked(people: People) -> list[str]:
    with db.session() as opened:
        return watching.check(opened, people.alice.organization_id, NOW, arrived=True)


def _wait_for_a_lock(session: Session) -> None:
    for _ in range(3_000):
        if session.connection().execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one():
            return
        threading.Event().wait(0.01)
    raise AssertionError("the worker never waited for the edit")
