"""Alerts from the commit that stores usage to the message: by real workers, that race and are killed, told once."""

import os
from collections.abc import Generator
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rq import Queue
from sqlalchemy import text
from sqlmodel import Session, select

from guardian import queue
from guardian.api.ingest.telling import Teller
from guardian.config import settings
from guardian.jobs import alerts as jobs
from guardian.jobs.notices import deliver_notice, resume_notices
from guardian.jobs.schedule import RECURRING
from guardian.jobs.shipping import Announcer
from guardian.models import Alert, AlertGroup, AlertNotification, AlertTransition, Organization
from guardian.models.enums import AlertFrequency, DeliveryStatus, NotificationChannel
from guardian.periods import HOUR, utcnow
from guardian.services.guard.notices import NewTarget, create_target
from tests.conftest import People, Servers
from tests.fakes.sink import Answer, Sink
from tests.jobs.conftest import Pulls, hours_ago
from tests.jobs.processes import WorkerProcess, wait_for
from tests.unit.guard.ledger import add_calls
from tests.unit.guard.watching import add_alert, story

EVENTS = int(os.environ.get("GUARDIAN_EVENTS", "100000" if os.environ.get("GUARDIAN_FULL") else "3000"))
_BATCH = 1_000
MINUTE = timedelta(minutes=1)


@pytest.fixture
def sink(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> Generator[Sink]:
    with Sink() as server:
        monkeypatch.setenv("OUTBOUND_ALLOWLIST", f"127.0.0.1:{server.port}")
        settings.cache_clear()
        yield server


@pytest.fixture
def alert(session: Session, people: People, sink: Sink) -> Alert:
    """Spend above $10 in 24 hours, told to one webhook."""
    wanted = NewTarget(kind=NotificationChannel.WEBHOOK, name="hook", config={"url": sink.url()})
    target, _ = create_target(session, people.alice, wanted)
    return add_alert(session, people.alice, notify_email=False, channel_ids=[target.id])


def jobs_of(name: str) -> list[str]:
    return Queue(name, connection=queue.connection()).get_job_ids()


def spend(session: Session, people: People, *costs: str) -> None:
    """Stored and told, as whoever stores usage does it."""
    add_calls(session, people.alice, utcnow() - MINUTE, *costs)
    session.commit()
    queue.check_soon(people.alice.organization_id)


def messages(session: Session) -> list[AlertNotification]:
    session.rollback()
    session.expire_all()
    return list(session.exec(select(AlertNotification)).all())


def test_a_burst_has_one_check_and_what_comes_later_has_the_next(session: Session, people: People) -> None:
    organization = people.alice.organization_id
    for _ in range(500):
        queue.check_soon(organization)
    queue.check_soon(people.charlie.organization_id)
    assert [id.rpartition("-")[0] for id in jobs_of(queue.ALERT_QUEUE)] == [
        f"check-alerts-{organization}",
        f"check-alerts-{people.charlie.organization_id}",
    ]
    jobs.check_alerts(organization)
    queue.check_soon(organization)
    assert len(jobs_of(queue.ALERT_QUEUE)) == 3


def test_without_redis_usage_is_stored_all_the_same(
    session: Session, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    queue.forget_connection()
    queue.check_soon(people.alice.organization_id)


def test_whoever_stores_usage_has_the_alerts_looked_at(people: People, pulls: Pulls, fake: Any) -> None:
    organization = people.alice.organization_id

    def looked_at() -> bool:
        found = [id for id in jobs_of(queue.ALERT_QUEUE) if id.startswith(f"check-alerts-{organization}-")]
        if found:  # else what comes between the two looks would be taken away unseen
            queue.connection().delete(queue.check_mark(organization))
            Queue(queue.ALERT_QUEUE, connection=queue.connection()).empty()
        return bool(found)

    Teller().tell(organization)
    wait_for(looked_at, "a check after events that were told")
    with Announcer() as announcer:
        announcer.tell({organization})
    wait_for(looked_at, "a check after calls that were shipped")
    fake.openai.plant_completion(hours_ago(30), model="gpt-6-sol", project_id="proj_web", uncached=1_000, output=100)
    assert not looked_at()
    pulls.finished(pulls.add_key())
    assert looked_at()


def test_the_schedule_has_the_checks() -> None:
    entries = {entry.job_id: entry for entry in RECURRING}
    assert (entries["hourly-check"].cron, entries["hourly-check"].queue) == ("0 * * * *", queue.ALERT_QUEUE)
    assert entries["check-waiting"].cron == "* * * * *"


def test_the_hourly_check_passes_over_what_fails(session: Session, people: People) -> None:
    ids = sorted((people.alice.organization_id, people.charlie.organization_id))
    for actor in (people.alice, people.charlie):
        add_alert(session, actor, frequency=AlertFrequency.HOURLY)
        add_calls(session, actor, utcnow() - 5 * MINUTE, "11")
    session.get_one(Organization, ids[0]).settings = {"timeZone": "Nowhere/Such"}
    session.commit()
    jobs.hourly_check()
    assert [row.organization_id for row in messages(session)] == [ids[1]]
    session.get_one(Organization, ids[0]).settings = {}
    session.commit()
    jobs.hourly_check()
    assert sorted(row.organization_id or "" for row in messages(session)) == ids


def test_a_long_hourly_check_goes_on_in_the_next_job(
    session: Session, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = sorted((people.alice.organization_id, people.charlie.organization_id))
    for actor in (people.alice, people.charlie):
        add_alert(session, actor)
        add_calls(session, actor, utcnow() - 5 * MINUTE, "11")
    session.commit()
    monkeypatch.setattr(jobs, "_SECONDS", 0.0)
    jobs.hourly_check()
    assert [row.organization_id for row in messages(session)] == ids[:1]
    [job] = [job for job in Queue(queue.ALERT_QUEUE, connection=queue.connection()).jobs if "after" in job.id]
    assert (job.func, job.args) == (jobs.hourly_check, (ids[0],))
    jobs.hourly_check(*job.args)
    assert sorted(row.organization_id or "" for row in messages(session)) == ids


def test_what_waits_for_time_alone_comes_without_usage(session: Session, people: People) -> None:
    alert = add_alert(session, people.alice, pending_minutes=1)
    add_calls(session, people.alice, utcnow() - MINUTE, "11")
    session.commit()
    jobs.check_waiting()
    assert messages(session) == [], "nothing waits yet"
    jobs.check_alerts(people.alice.organization_id)
    session.connection().execute(text("UPDATE alert_groups SET since = since - interval '1 minute'"))
    session.commit()
    jobs.check_waiting()
    assert len(messages(session)) == 1
    assert story(session, alert) == ["pending", "firing!"]


def test_a_flood_of_usage_on_one_threshold_is_one_message(
    session: Session, people: People, alert: Alert, sink: Sink, tmp_path: Path
) -> None:
    """Three workers look at it all the while."""
    with ExitStack() as stack:
        for number in range(3):
            stack.enter_context(WorkerProcess(tmp_path / f"worker-{number}.log"))
        for _ in range(EVENTS // _BATCH):
            spend(session, people, *["0.01"] * _BATCH)
        wait_for(lambda: [row.status for row in messages(session)] == [DeliveryStatus.SENT], "the message")
        spend(session, people, "5")
        wait_for(lambda: not queue.connection().exists(queue.check_mark(people.alice.organization_id)), "a last check")
        wait_for(lambda: not _busy(), "the end of all jobs")
    assert len(messages(session)) == len(sink.posted) == 1
    assert story(session, alert) == ["firing!"]


def test_a_worker_killed_before_its_jobs_are_queued_loses_nothing(
    session: Session, people: People, alert: Alert, sink: Sink
) -> None:
    """The transaction is committed and nobody is called: the minute's look brings the message back, once."""
    add_calls(session, people.alice, utcnow() - MINUTE, "11")
    session.commit()
    jobs.check_alerts(people.alice.organization_id)
    Queue(queue.EMAIL_QUEUE, connection=queue.connection()).empty()
    jobs.check_alerts(people.alice.organization_id)
    [waiting] = messages(session)
    assert (waiting.status, jobs_of(queue.EMAIL_QUEUE)) == (DeliveryStatus.PENDING, [])
    session.connection().execute(text("UPDATE alert_notifications SET created_at = created_at - interval '5 minutes'"))
    session.commit()
    resume_notices()
    assert len(jobs_of(queue.EMAIL_QUEUE)) == 1
    deliver_notice(waiting.id)
    deliver_notice(waiting.id)
    assert [row.status for row in messages(session)] == [DeliveryStatus.SENT]
    assert len(sink.posted) == 1


def test_a_sender_killed_midway_sends_once_more_after_its_lease(
    session: Session, people: People, alert: Alert, sink: Sink, tmp_path: Path
) -> None:
    sink.answer = Answer(pause=0.5, slow_head=True)
    with WorkerProcess(tmp_path / "killed.log") as worker:
        spend(session, people, "11")
        wait_for(lambda: bool(sink.posted), "the first attempt")
        worker.kill()
    [sending] = messages(session)
    assert sending.status is DeliveryStatus.SENDING
    sink.answer = Answer()
    deliver_notice(sending.id)
    assert len(sink.posted) == 1, "the lease is not over"
    session.connection().execute(text("UPDATE alert_notifications SET lease_until = now() - interval '1 second'"))
    session.commit()
    resume_notices()
    with WorkerProcess(tmp_path / "next.log"):
        wait_for(lambda: [row.status for row in messages(session)] == [DeliveryStatus.SENT], "the second attempt")
    assert len(sink.posted) == 2
    assert len({posted.headers["webhook-id"] for posted in sink.posted}) == 1, "so that a receiver can tell"
    assert len(session.exec(select(AlertTransition)).all()) == 1


def test_told_within_seconds_recovered_by_the_hour(
    session: Session, people: People, alert: Alert, sink: Sink, tmp_path: Path
) -> None:
    with WorkerProcess(tmp_path / "worker.log"):
        spend(session, people, "11")
        wait_for(lambda: len(sink.posted) == 1, "the message that it fires")
        session.connection().execute(text("UPDATE usage_rollups SET cost = 0"))
        session.connection().execute(text("UPDATE usage_logs SET cost = 0"))
        session.connection().execute(text("UPDATE alert_groups SET since = since - interval '1 hour'"))
        session.commit()
        queue.enqueue(queue.ALERT_QUEUE, jobs.hourly_check, job_id="hourly-check")
        wait_for(lambda: len(sink.posted) == 2, "the message that it is over")
    assert story(session, alert) == ["firing!", "recovered!"]
    group = session.exec(select(AlertGroup)).one()
    assert group.value == Decimal(0)
    assert utcnow() - group.since < HOUR


def _busy() -> bool:
    connection = queue.connection()
    queues = [Queue(name, connection=connection) for name in (queue.ALERT_QUEUE, queue.EMAIL_QUEUE)]
    return any(each.count or each.started_job_registry.count for each in queues)
