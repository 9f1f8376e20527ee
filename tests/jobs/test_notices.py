"""Delivery: one message for each transition and place, whatever happens to workers, servers and channels."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from guardian import db, queue
from guardian.channels import posting
from guardian.channels.notice import Notice
from guardian.embedded.processes import wait_until
from guardian.jobs.notices import deliver_notice, resume_notices
from guardian.models import Alert
from guardian.models.enums import AlertState, DeliveryStatus
from guardian.periods import utcnow
from guardian.services.guard import alerts, notices
from guardian.services.guard.alerts.secrets import renew_secret
from guardian.services.guard.notices import SCHEDULE
from guardian.services.guard.notices.places import WEBHOOK_DISABLED
from tests.conftest import ROOT, People, Servers, forget_caches
from tests.fakes.sink import Answer, Sink
from tests.jobs.notices import (
    PAGERDUTY,
    SLACK,
    WEBHOOK,
    change,
    deliver,
    made_alert,
    made_target,
    make_due,
    stored,
    target_row,
    told,
    waiting_jobs,
)


@pytest.fixture
def sink(environment: Servers, people: People, monkeypatch: pytest.MonkeyPatch) -> Generator[Sink]:
    monkeypatch.setenv("OUTBOUND_ALLOWLIST", "127.0.0.1")
    monkeypatch.setenv("PUBLIC_URL", "https://guardian.acme.test")
    forget_caches()
    with Sink() as opened:
        yield opened


def test_a_message_is_sent_once_and_accounted_for(sink: Sink, people: People) -> None:
    target = made_target(people.alice, SLACK, sink)
    [id] = told(people.alice, made_alert(people.alice), 1, (SLACK, target))
    deliver(id, id)
    assert len(sink.posted) == 1
    row = stored(id)
    assert (row.status, row.attempts, row.error, row.lease_until) == (DeliveryStatus.SENT, 1, None, None)
    [attempt] = row.attempts_made or []
    assert (attempt["status"], attempt["error"]) == (200, "")
    assert row.sent_at is not None
    assert target_row(target).last_success_at is not None
    deliver("c-of-a-message-that-never-was")
    resume_notices()
    assert waiting_jobs() == []


def test_a_day_of_errors_runs_the_whole_schedule(sink: Sink, people: People) -> None:
    target = made_target(people.alice, WEBHOOK, sink)
    [id] = told(people.alice, made_alert(people.alice), 1, (WEBHOOK, target))
    sink.answer = Answer(500, b"broken")
    for number, wait in enumerate(SCHEDULE, 1):
        deliver(id)
        row = stored(id)
        assert (row.status, row.attempts) == (DeliveryStatus.PENDING, number)
        assert row.not_before is not None
        assert wait * 0.7 < row.not_before - utcnow() + timedelta(seconds=1) < wait * 1.21 + timedelta(seconds=1)
        change("not_before = now() + interval '10 seconds', tried_at = now() - interval '1 hour'")
        deliver(id)  # not due
        assert stored(id).attempts == number
        make_due()
    deliver(id)
    row = stored(id)
    assert (row.status, len(row.attempts_made or [])) == (DeliveryStatus.FAILED, len(SCHEDULE) + 1)
    assert "(500): “broken”" in str(row.error)
    assert target_row(target).last_error == row.error
    # Each attempt is the same message to whom receives it.
    assert {each.headers["webhook-id"] for each in sink.posted} == {id}
    assert len(sink.posted) == len(SCHEDULE) + 1


def test_after_a_bad_hour_it_goes_out(sink: Sink, people: People) -> None:
    target = made_target(people.alice, SLACK, sink)
    [id] = told(people.alice, made_alert(people.alice), 1, (SLACK, target))
    sink.next.append(Answer(503, b""))
    deliver(id)
    assert f"deliver-{id}-1" in waiting_jobs()
    make_due()
    deliver(id)
    assert (stored(id).status, stored(id).error, target_row(target).last_error) == (DeliveryStatus.SENT, None, None)
    assert [each["status"] for each in stored(id).attempts_made or []] == [503, 200]


def test_a_wish_to_wait_is_honoured(sink: Sink, people: People) -> None:
    [id] = told(people.alice, made_alert(people.alice), 1, (SLACK, made_target(people.alice, SLACK, sink)))
    sink.answer = Answer(429, b"", {"Retry-After": "3600"})
    deliver(id)
    row = stored(id)
    assert row.not_before is not None
    assert timedelta(minutes=59) < row.not_before - utcnow() <= timedelta(minutes=60)


def test_a_refusal_that_lasts_is_not_repeated(sink: Sink, people: People) -> None:
    [id] = told(people.alice, made_alert(people.alice), 1, (SLACK, made_target(people.alice, SLACK, sink)))
    sink.answer = Answer(400, b"invalid_blocks")
    deliver(id)
    row = stored(id)
    assert (row.status, row.attempts) == (DeliveryStatus.FAILED, 1)
    assert "invalid_blocks" in str(row.error)


def test_a_redirect_to_a_private_address_goes_nowhere(sink: Sink, people: People) -> None:
    with Sink() as inner:
        sink.answer = Answer(302, b"", {"Location": inner.url()})
        [id] = told(people.alice, made_alert(people.alice), 1, (WEBHOOK, made_target(people.alice, WEBHOOK, sink)))
        deliver(id)
        assert inner.posted == []
    assert stored(id).status is DeliveryStatus.FAILED


def test_an_address_that_becomes_private_is_refused_at_connect(
    sink: Sink, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    [id] = told(people.alice, made_alert(people.alice), 1, (WEBHOOK, made_target(people.alice, WEBHOOK, sink)))
    monkeypatch.delenv("OUTBOUND_ALLOWLIST")
    forget_caches()
    deliver(id)
    assert sink.posted == []
    assert "not a public address" in str(stored(id).error)
    assert stored(id).status is DeliveryStatus.FAILED


def test_a_server_that_answers_by_the_byte_is_given_up_in_time(
    sink: Sink, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "WHOLE_SECONDS", 0.5)
    [id] = told(people.alice, made_alert(people.alice), 1, (SLACK, made_target(people.alice, SLACK, sink)))
    sink.answer = Answer(200, pause=0.2, slow_head=True)
    deliver(id)
    assert stored(id).status is DeliveryStatus.PENDING
    assert "did not answer in time" in str(stored(id).error)


def test_gone_switches_the_channel_off_and_what_waits_says_so(sink: Sink, people: People) -> None:
    target = made_target(people.alice, WEBHOOK, sink)
    alert = made_alert(people.alice)
    [first] = told(people.alice, alert, 1, (WEBHOOK, target))
    [second] = told(people.alice, alert, 2, (WEBHOOK, target))
    sink.answer = Answer(410, b"")
    deliver(first, second)
    assert len(sink.posted) == 1
    row = target_row(target)
    assert not row.is_active
    assert "closed for good (410)" in str(row.disabled_reason)
    assert stored(first).status is stored(second).status is DeliveryStatus.FAILED
    assert "switched off" in str(stored(second).error)
    with db.session() as session:
        view = notices.update_target(session, people.alice, target, notices.NewTarget(is_active=True))
    assert (view.is_active, view.disabled_reason) == (True, None)
    sink.answer = Answer()
    [third] = told(people.alice, alert, 3, (WEBHOOK, target))
    deliver(third)
    assert stored(third).status is DeliveryStatus.SENT


def test_a_channel_that_was_deleted(sink: Sink, people: People) -> None:
    target = made_target(people.alice, SLACK, sink)
    [id] = told(people.alice, made_alert(people.alice), 1, (SLACK, target))
    with db.session() as session:
        notices.delete_target(session, people.alice, target)
    deliver(id)
    assert (stored(id).status, stored(id).error) == (DeliveryStatus.FAILED, "This channel was deleted.")


def test_another_organizations_channel_is_never_written_to(sink: Sink, people: People) -> None:
    theirs = made_target(people.charlie, SLACK, sink)
    [id] = told(people.alice, made_alert(people.alice), 1, (SLACK, theirs))
    deliver(id)
    assert sink.posted == []
    assert stored(id).status is DeliveryStatus.FAILED


def test_an_alerts_own_webhook_is_signed_and_switched_off_when_gone(sink: Sink, people: People) -> None:
    alert = made_alert(people.alice, notify_webhook=True, webhook_url=sink.url("/own"))
    with db.session() as session:
        row = session.get_one(Alert, alert)
        old = renew_secret(row, utcnow())
        session.flush()
        new = renew_secret(row, utcnow())
    [first] = told(people.alice, alert, 1, (WEBHOOK, ""))
    deliver(first)
    [posted] = sink.posted
    for secret in (old, new):
        Webhook(secret).verify(posted.body.decode(), dict(posted.headers))
    assert Notice.from_json(posted.json["data"]).alert_id == alert
    sink.answer = Answer(410)
    [second] = told(people.alice, alert, 2, (WEBHOOK, ""))
    deliver(second)
    with db.session() as session:
        row = session.get_one(Alert, alert)
        assert not row.notify_webhook
        assert "closed for good" in (row.meta or {})[WEBHOOK_DISABLED]


def test_what_cannot_be_read_fails_in_words(sink: Sink, people: People) -> None:
    [id] = told(people.alice, made_alert(people.alice), 1, (SLACK, made_target(people.alice, SLACK, sink)))
    change("notice = '{}'", "alert_transitions")
    deliver(id)
    assert stored(id).status is DeliveryStatus.FAILED
    assert "cannot be read" in str(stored(id).error)


def test_an_error_of_ours_is_tried_again_and_at_last_given_up(sink: Sink, people: People) -> None:
    [id] = told(people.alice, made_alert(people.alice), 1, (SLACK, made_target(people.alice, SLACK, sink)))
    change("notice = jsonb_set(notice, '{sentence}', '5')", "alert_transitions")  # what no code of ours writes
    for number in range(1, len(SCHEDULE) + 1):
        with pytest.raises(Exception, match="int"):
            deliver(id)
        row = stored(id)
        assert (row.status, row.attempts) == (DeliveryStatus.PENDING, number)
        assert row.not_before is not None
        make_due()
    with pytest.raises(Exception, match="int"):
        deliver(id)
    row = stored(id)
    assert row.status is DeliveryStatus.FAILED
    assert "An error of ours" in str(row.error)
    resume_notices()
    deliver(id)
    assert (stored(id).attempts, sink.posted) == (len(SCHEDULE) + 1, [])


def test_three_workers_at_once_send_one(sink: Sink, people: People) -> None:
    [id] = told(people.alice, made_alert(people.alice), 1, (SLACK, made_target(people.alice, SLACK, sink)))
    sink.answer = Answer(200, pause=0.02, slow_head=True)
    workers = [threading.Thread(target=deliver_notice, args=(id,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(sink.posted) == 1
    assert stored(id).status is DeliveryStatus.SENT


def test_a_worker_killed_before_it_sent_is_replaced_once_its_lease_is_over(
    sink: Sink, people: People, tmp_path: Path
) -> None:
    target = made_target(people.alice, SLACK, sink)
    [id] = told(people.alice, made_alert(people.alice), 1, (SLACK, target))
    # It stops itself where it has claimed and has not sent.
    script = (
        "import os, signal, sys\n"
        "from guardian.services.guard import notices\n"
        "notices.attempt = lambda *_: os.kill(os.getpid(), signal.SIGSTOP)\n"
        "from guardian.jobs.notices import deliver_notice\n"
        "deliver_notice(sys.argv[1])\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", script, id], cwd=ROOT, env=dict(os.environ))
    try:
        assert wait_until(lambda: stored(id).status is DeliveryStatus.SENDING, 30)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    resume_notices()
    deliver(id)
    assert (waiting_jobs(), sink.posted) == ([], [])
    change("lease_until = now() - interval '1 second'")
    resume_notices()
    resume_notices()
    assert waiting_jobs() == [f"deliver-{id}-1-again"]
    deliver(id, id)
    assert len(sink.posted) == 1
    row = stored(id)
    assert (row.status, row.attempts) == (DeliveryStatus.SENT, 2)
    assert [each["error"] for each in row.attempts_made or []] == ["Its sender ended midway.", ""]


def test_a_sender_that_comes_late_may_say_that_it_sent_and_nothing_else(sink: Sink, people: People) -> None:
    [id] = told(people.alice, made_alert(people.alice), 1, (SLACK, made_target(people.alice, SLACK, sink)))
    with db.session() as session:
        late = notices.claim_notice(session, id)
    change("lease_until = now() - interval '1 second'")
    with db.session() as session:
        other = notices.claim_notice(session, id)
    assert late is not None
    assert other is not None
    refused = notices.Outcome(status=400, error="No.", seconds=1, permanent=True)
    with db.session() as session:
        notices.note_outcome(session, late, refused)
    assert stored(id).status is DeliveryStatus.SENDING
    with db.session() as session:
        notices.note_outcome(session, late, notices.Outcome(status=200, error="", seconds=1))
    assert stored(id).status is DeliveryStatus.SENT
    with db.session() as session:
        notices.note_outcome(session, other, refused)
    assert stored(id).status is DeliveryStatus.SENT


def test_jobs_that_were_lost_are_made_again(sink: Sink, people: People) -> None:
    [id] = told(people.alice, made_alert(people.alice), 1, (SLACK, made_target(people.alice, SLACK, sink)))
    resume_notices()
    assert waiting_jobs() == []  # its own job is on its way
    change("created_at = now() - interval '2 minutes'")
    queue.connection().flushall()
    resume_notices()
    assert waiting_jobs() == [f"deliver-{id}-0-again"]


def test_an_incident_opens_and_closes_and_is_not_opened_anew_by_what_comes_late(sink: Sink, people: People) -> None:
    target = made_target(people.alice, PAGERDUTY, sink)
    alert = made_alert(people.alice)
    [first] = told(people.alice, alert, 1, (PAGERDUTY, target))
    sink.next.append(Answer(500))
    deliver(first)
    [second] = told(people.alice, alert, 2, (PAGERDUTY, target), state=AlertState.RECOVERED)
    deliver(second)
    make_due()
    deliver(first)
    assert stored(first).status is DeliveryStatus.FAILED
    assert "A later change" in str(stored(first).error)
    [third] = told(people.alice, alert, 3, (PAGERDUTY, target))
    deliver(third)
    assert [each.json["event_action"] for each in sink.posted] == ["trigger", "resolve", "trigger"]
    assert len({each.json["dedup_key"] for each in sink.posted}) == 1


def test_an_event_waits_for_the_one_before_it(sink: Sink, people: People) -> None:
    target = made_target(people.alice, PAGERDUTY, sink)
    alert = made_alert(people.alice)
    [first] = told(people.alice, alert, 1, (PAGERDUTY, target))
    [second] = told(people.alice, alert, 2, (PAGERDUTY, target), state=AlertState.RECOVERED)
    with db.session() as session:
        assert notices.claim_notice(session, first) is not None
    deliver(second)
    assert (sink.posted, stored(second).status) == ([], DeliveryStatus.PENDING)
    assert stored(second).not_before is not None


def test_times_are_told_in_the_organizations_zone(sink: Sink, people: People) -> None:
    change('settings = \'{"timeZone": "Asia/Kolkata"}\'', "organizations")
    [id] = told(people.alice, made_alert(people.alice), 1, (SLACK, made_target(people.alice, SLACK, sink)))
    deliver(id)
    assert "15:00 Asia/Kolkata" in json.dumps(sink.posted[0].json)


def test_a_group_that_is_called_test_is_no_test(sink: Sink, people: People) -> None:
    """A team of that name is as good as any: its messages are counted, put in order and shown as what they are."""
    pager, hook = made_target(people.alice, PAGERDUTY, sink), made_target(people.alice, WEBHOOK, sink)
    alert = made_alert(people.alice)
    [first, _] = told(people.alice, alert, 1, (PAGERDUTY, pager), (WEBHOOK, hook), group="test")
    sink.next.append(Answer(500))
    deliver(first)
    deliver(*told(people.alice, alert, 2, (PAGERDUTY, pager), group="test", state=AlertState.RECOVERED))
    make_due()
    deliver(first)
    assert stored(first).status is DeliveryStatus.FAILED  # a later change was told before
    with db.session() as session:
        lines = alerts.history(session, people.alice, alert).items
    assert [(line.group, line.number, line.test) for line in lines] == [("test", 2, False), ("test", 1, False)]
    assert {message.test for line in lines for message in line.notifications} == {False}
