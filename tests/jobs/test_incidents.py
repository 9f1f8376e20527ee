"""Incidents that pagers and programs behind webhooks hold open: whatever ends what an alert watches, they are told.

Once, by the same key, and where the incident was opened. Nobody else hears of it, and no deletion waits for a receiver.
"""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from guardian import db, queue
from guardian.config import settings
from guardian.crypto import EncryptionService
from guardian.embedded.processes import wait_until
from guardian.jobs.notices import deliver_notice
from guardian.models import Alert, AlertNotification, EmailLog
from guardian.models.enums import AlertState, AlertType, DeliveryStatus
from guardian.services.guard import alerts, budgets, notices
from guardian.services.guard.alerts import NewAlert
from guardian.services.guard.alerts.rule import EVERYTHING
from guardian.services.guard.budgets import NewBudget
from guardian.services.guard.notices import NewTarget
from guardian.services.guard.resealing import RESEALED
from guardian.services.guard.watching import check
from tests.conftest import ENCRYPTION_KEY, People, Servers
from tests.fakes.sink import Answer, Sink
from tests.jobs.notices import (
    EMAIL,
    PAGERDUTY,
    SLACK,
    WEBHOOK,
    all_stored,
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
from tests.unit.guard.ledger import add_calls
from tests.unit.guard.watching import add_alert, run, story

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def sink(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> Generator[Sink]:
    with Sink() as server:
        monkeypatch.setenv("OUTBOUND_ALLOWLIST", f"127.0.0.1:{server.port}")
        settings.cache_clear()
        yield server


def waiting() -> list[AlertNotification]:
    return [row for row in all_stored() if row.status is DeliveryStatus.PENDING]


def deliver_all() -> None:
    """Every message that waits, as often as it takes."""
    while found := [row.id for row in waiting() if row.not_before is None]:
        deliver(*found)


def pager_events(sink: Sink) -> list[tuple[str, str]]:
    return [(each.json["event_action"], each.json["dedup_key"]) for each in sink.posted if "dedup_key" in each.json]


def hook_events(sink: Sink) -> list[tuple[str, str]]:
    """What was told, and of which group."""
    found = [each.json for each in sink.posted if "dedup_key" not in each.json]
    return [(each["type"], each["data"]["transition"].rpartition("#")[0]) for each in found]


def delete_alert(people: People, alert_id: str) -> None:
    with db.session() as session:
        alerts.delete_alert(session, people.alice, alert_id)


def update_alert(people: People, alert_id: str, **facts: Any) -> None:
    with db.session() as session:
        alerts.update_alert(session, people.alice, alert_id, NewAlert(**facts))


def update_channel(people: People, target_id: str, **facts: Any) -> None:
    with db.session() as session:
        notices.update_target(session, people.alice, target_id, NewTarget(**facts))


def delete_channel(people: People, target_id: str) -> None:
    with db.session() as session:
        notices.delete_target(session, people.alice, target_id)


def own_webhook(people: People, sink: Sink) -> str:
    """The id of an alert with a webhook of its own."""
    with db.session() as session:
        wanted = NewAlert(
            name="Own",
            type=AlertType.COST_THRESHOLD,
            threshold=Decimal(1),
            notify_email=False,
            notify_webhook=True,
            webhook_url=sink.url("/own"),
        )
        return alerts.create_alert(session, people.alice, wanted).alert.id


def test_a_deleted_alert_ends_what_it_opened_and_only_that(sink: Sink, people: People) -> None:
    pager, hook, chat = (made_target(people.alice, kind, sink) for kind in (PAGERDUTY, WEBHOOK, SLACK))
    places = (PAGERDUTY, pager), (WEBHOOK, hook), (SLACK, chat), (EMAIL, "bob@example.com")
    alert = made_alert(people.alice, channel_ids=[pager, hook, chat])
    deliver(*told(people.alice, alert, 1, *places, group="web"))
    deliver(*told(people.alice, alert, 1, *places, group="search"))
    deliver(*told(people.alice, alert, 2, *places, group="search", state=AlertState.RECOVERED))
    told(people.alice, alert, 1, *places, group="never told")
    sink.posted.clear()
    delete_alert(people, alert)
    assert len(waiting_jobs()) > 0
    deliver_all()
    assert pager_events(sink) == [("resolve", f"guardian/{alert}/web")]
    assert hook_events(sink) == [("alert.recovered", "web")]
    assert len(sink.posted) == 2
    [data] = [each.json["data"] for each in sink.posted if "data" in each.json]
    assert (data["alertId"], data["previous"], data["sentence"]) == (alert, "firing", "The alert was deleted.")
    assert (data["value"], data["causes"]) == (None, [])
    # Whoever comes late sends nothing twice.
    deliver(*[row.id for row in all_stored()])
    with db.session() as session:
        notices.resume_notices(session)
    assert len(sink.posted) == 2


def test_the_deletion_waits_for_no_receiver_and_the_receiver_hears_of_it_later(sink: Sink, people: People) -> None:
    alert = made_alert(people.alice)
    pager = made_target(people.alice, PAGERDUTY, sink)
    deliver(*told(people.alice, alert, 1, (PAGERDUTY, pager)))
    sink.answer = Answer(503)
    delete_alert(people, alert)
    assert len(sink.posted) == 1
    [row] = waiting()
    for _ in range(3):
        make_due()
        deliver(row.id)
    # Meanwhile the channel goes too: the incident is where it was.
    delete_channel(people, pager)
    sink.answer = Answer(202)
    make_due()
    deliver(row.id)
    assert [action for action, _ in pager_events(sink)] == ["trigger", *["resolve"] * 4]
    assert len({key for _, key in pager_events(sink)}) == 1
    assert stored(row.id).status is DeliveryStatus.SENT
    assert "place" not in (stored(row.id).payload or {})  # nothing secret is kept for longer than it takes
    assert waiting() == []


def test_what_is_given_up_is_given_up_as_other_messages_are(sink: Sink, people: People) -> None:
    alert = made_alert(people.alice)
    deliver(*told(people.alice, alert, 1, (WEBHOOK, made_target(people.alice, WEBHOOK, sink))))
    delete_alert(people, alert)
    [row] = waiting()
    sink.answer = Answer(500)
    for _ in range(len(notices.SCHEDULE) + 3):
        make_due()
        deliver(row.id)
    assert (stored(row.id).status, stored(row.id).attempts) == (DeliveryStatus.FAILED, len(notices.SCHEDULE) + 1)
    assert "place" not in (stored(row.id).payload or {})


def test_a_deletion_that_is_taken_back_tells_nobody(sink: Sink, people: People) -> None:
    alert = made_alert(people.alice)
    deliver(*told(people.alice, alert, 1, (PAGERDUTY, made_target(people.alice, PAGERDUTY, sink))))
    queue.connection().flushall()
    with Session(db.engine()) as session:
        alerts.delete_alert(session, people.alice, alert)
    assert (waiting(), waiting_jobs(), len(sink.posted)) == ([], [], 1)


def test_who_is_sending_at_that_moment_has_been_heard_before_the_end_is_told(sink: Sink, people: People) -> None:
    alert = made_alert(people.alice)
    [id] = told(people.alice, alert, 1, (PAGERDUTY, made_target(people.alice, PAGERDUTY, sink)))
    with db.session() as session:
        claimed = notices.claim_notice(session, id)
    assert claimed is not None
    delete_alert(people, alert)
    [row] = waiting()
    assert row.not_before is not None  # longer than a sending takes
    deliver(row.id)
    assert sink.posted == []
    outcome = notices.attempt(claimed.place, claimed.notice, claimed.message_id)
    with db.session() as session:
        notices.note_outcome(session, claimed, outcome)
    make_due()
    deliver(row.id)
    assert [action for action, _ in pager_events(sink)] == ["trigger", "resolve"]


def test_an_alert_that_is_switched_off_ends_them_with_its_own_webhook_at_once(sink: Sink, people: People) -> None:
    alert = own_webhook(people, sink)
    pager = made_target(people.alice, PAGERDUTY, sink)
    update_alert(people, alert, channel_ids=[pager])
    [hooked, paged] = told(people.alice, alert, 1, (WEBHOOK, ""), (PAGERDUTY, pager))
    deliver(hooked)
    sink.next.append(Answer(503))
    deliver(paged)  # it may have been taken all the same
    [late] = told(people.alice, alert, 1, (PAGERDUTY, pager), group="late")
    update_alert(people, alert, is_active=False, notify_webhook=False)
    assert stored(late).status is stored(paged).status is DeliveryStatus.FAILED
    deliver_all()
    assert hook_events(sink) == [("alert.firing", "web"), ("alert.recovered", "web")]
    assert [posted.path for posted in sink.posted if "data" in posted.json] == ["/own", "/own"]
    assert all("webhook-signature" in posted.headers for posted in sink.posted if "data" in posted.json)
    assert [action for action, _ in pager_events(sink)] == ["trigger", "resolve"]
    update_alert(people, alert, is_active=True)
    delete_alert(people, alert)
    deliver_all()
    assert len(sink.posted) == 4


def test_a_channel_that_is_switched_off_or_leads_elsewhere_ends_those_of_all_alerts(sink: Sink, people: People) -> None:
    pager = made_target(people.alice, PAGERDUTY, sink)
    one, other = (made_alert(people.alice, name=name, channel_ids=[pager]) for name in ("One", "Other"))
    for alert in (one, other):
        deliver(*told(people.alice, alert, 1, (PAGERDUTY, pager)))
    update_channel(people, pager, name="Renamed", is_active=True)
    assert waiting() == []
    update_channel(people, pager, config={"routingKey": "S" * 32, "url": sink.url("")})
    deliver_all()
    assert sorted(pager_events(sink)[2:]) == sorted(("resolve", f"guardian/{alert}/web") for alert in (one, other))
    assert {each.json["routing_key"] for each in sink.posted} == {"R" * 32}
    deliver(*told(people.alice, one, 2, (PAGERDUTY, pager)))  # told again
    update_channel(people, pager, is_active=False)
    delete_channel(people, pager)
    deliver_all()
    delete_alert(people, one)
    deliver_all()
    assert [each.json["routing_key"][0] for each in sink.posted[4:]] == ["S", "S"]
    assert pager_events(sink)[5:] == [("resolve", f"guardian/{one}/web")]


def test_the_end_of_a_channel_is_not_told_after_it_was_switched_on_and_told_anew(sink: Sink, people: People) -> None:
    pager = made_target(people.alice, PAGERDUTY, sink)
    alert = made_alert(people.alice, channel_ids=[pager])
    deliver(*told(people.alice, alert, 1, (PAGERDUTY, pager)))
    sink.next.append(Answer(503))
    update_channel(people, pager, is_active=False)
    [row] = waiting()
    deliver(row.id)
    update_channel(people, pager, is_active=True)
    deliver(*told(people.alice, alert, 2, (PAGERDUTY, pager)))
    make_due()
    deliver(row.id)
    assert [action for action, _ in pager_events(sink)] == ["trigger", "resolve", "trigger"]
    assert stored(row.id).status is DeliveryStatus.FAILED


def test_a_place_that_an_alert_no_longer_tells_hears_that_it_is_over_there(sink: Sink, people: People) -> None:
    pager, hook = made_target(people.alice, PAGERDUTY, sink), made_target(people.alice, WEBHOOK, sink)
    alert = made_alert(people.alice, metric="cost", scope=EVERYTHING.as_json(), channel_ids=[pager, hook])
    deliver(*told(people.alice, alert, 1, (PAGERDUTY, pager), (WEBHOOK, hook)))
    update_alert(people, alert, channel_ids=[hook])
    deliver_all()
    assert [action for action, _ in pager_events(sink)] == ["trigger", "resolve"]
    assert hook_events(sink) == [("alert.firing", "web")]


def test_a_channel_that_closed_itself_is_told_nothing_more(sink: Sink, people: People) -> None:
    hook = made_target(people.alice, WEBHOOK, sink)
    alert = made_alert(people.alice, channel_ids=[hook])
    deliver(*told(people.alice, alert, 1, (WEBHOOK, hook)))
    sink.next.append(Answer(410))
    deliver(*told(people.alice, alert, 2, (WEBHOOK, hook)))
    assert not target_row(hook).is_active
    delete_alert(people, alert)
    delete_channel(people, hook)
    assert waiting() == []


def test_settings_that_no_key_opens_any_more_keep_nobody_from_deleting(sink: Sink, people: People) -> None:
    pager = made_target(people.alice, PAGERDUTY, sink)
    alert = made_alert(people.alice, channel_ids=[pager])
    deliver(*told(people.alice, alert, 1, (PAGERDUTY, pager)))
    change("tag = '00'", "notification_targets")
    delete_alert(people, alert)
    [row] = waiting()
    deliver(row.id)
    assert (stored(row.id).status, len(sink.posted)) == (DeliveryStatus.FAILED, 1)


@pytest.mark.parametrize("own", [True, False])
def test_what_waits_is_sealed_with_the_new_key(sink: Sink, people: People, own: bool) -> None:
    alert = own_webhook(people, sink) if own else made_alert(people.alice)
    place = "" if own else made_target(people.alice, WEBHOOK, sink)
    deliver(*told(people.alice, alert, 1, (WEBHOOK, place)))
    delete_alert(people, alert)
    both = EncryptionService("ee" * 32, ENCRYPTION_KEY)
    for dry_run, count in ((True, 1), (False, 1), (False, 0)):
        with db.session() as session:
            assert RESEALED["alert_notifications"](session, both, dry_run=dry_run).resealed == count


def test_alert_and_channel_that_go_at_the_same_time_end_it_once(session: Session, sink: Sink, people: People) -> None:
    pager = made_target(people.alice, PAGERDUTY, sink)
    alert = made_alert(people.alice, channel_ids=[pager])
    deliver(*told(people.alice, alert, 1, (PAGERDUTY, pager)))
    notices.delete_target(session, people.alice, pager)  # and not committed yet
    with ThreadPoolExecutor(1) as threads:
        deleted = threads.submit(delete_alert, people, alert)
        wait_until(lambda: someone_waits(session), 20)
        session.commit()
    assert deleted.exception() is None
    assert len(waiting()) == 1


def someone_waits(session: Session) -> bool:
    """Whether another connection waits for a lock."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return session.connection().execute(text(waits)).scalar_one() > 0


def budget_watch(session: Session, people: People, sink: Sink, spent: str) -> tuple[Alert, str]:
    """A pager that was told of what a budget of $100 a month has spent."""
    pager = made_target(people.alice, PAGERDUTY, sink)
    alert = add_alert(
        session,
        people.alice,
        type=AlertType.BUDGET_EXCEEDED,
        metric="spent",
        threshold=Decimal(100),
        notify_email=False,
        channel_ids=[pager],
    )
    wanted = NewBudget(name="All", limit=Decimal(100), thresholds=(50, 80, 100))
    budget = budgets.create_budget(session, people.alice, wanted).id
    add_calls(session, people.alice, NOW - MINUTE, spent)
    session.commit()
    run(session, people.alice, NOW)
    deliver_all()
    return alert, budget


def test_a_deleted_budget_ends_its_incident(session: Session, sink: Sink, people: People) -> None:
    alert, budget = budget_watch(session, people, sink, "60")
    queue.connection().flushall()
    with db.session() as own:
        budgets.delete_budget(own, people.alice, budget)
    assert queue.Queue(queue.ALERT_QUEUE, connection=queue.connection()).count == 1  # it is looked at soon
    run(session, people.alice, NOW + MINUTE)
    deliver_all()
    assert pager_events(sink) == [(act, f"guardian/{alert.id}/{budget}/50") for act in ("trigger", "resolve")]
    run(session, people.alice, NOW + 2 * MINUTE)
    assert waiting() == []


def test_a_budget_that_is_paused_ends_its_incident_and_may_open_it_again(
    session: Session, sink: Sink, people: People
) -> None:
    _, budget = budget_watch(session, people, sink, "60")
    for on, minute in ((False, 1), (True, 2)):
        budgets.update_budget(session, people.alice, budget, NewBudget(is_active=on))
        session.commit()
        run(session, people.alice, NOW + minute * MINUTE)
        deliver_all()
    assert [action for action, _ in pager_events(sink)] == ["trigger", "resolve", "trigger"]


def test_each_threshold_that_opened_one_ends_it_though_people_are_told_once(
    session: Session, sink: Sink, people: People
) -> None:
    """People are told of the lowest that a budget came back from; a pager holds one incident for each that it was
    told of.
    """
    alert, budget = budget_watch(session, people, sink, "60")
    add_calls(session, people.alice, NOW, "50")
    run(session, people.alice, NOW + MINUTE)
    deliver_all()
    assert [key.rpartition("/")[2] for _, key in pager_events(sink)] == ["50", "100"]
    budgets.update_budget(session, people.alice, budget, NewBudget(limit=Decimal(1000)))
    session.commit()
    assert len(run(session, people.alice, NOW + 2 * MINUTE)) == 1
    deliver_all()
    ended = [key for action, key in pager_events(sink) if action == "resolve"]
    assert sorted(ended) == sorted(f"guardian/{alert.id}/{budget}/{each}" for each in (50, 100))


def test_a_new_period_ends_the_incident_of_the_last_one(session: Session, sink: Sink, people: People) -> None:
    alert, budget = budget_watch(session, people, sink, "60")
    december = datetime(2026, 12, 1, 0, 5, tzinfo=UTC)
    assert run(session, people.alice, december) == []  # nobody wants a mail of it
    deliver_all()
    assert [action for action, _ in pager_events(sink)] == ["trigger", "resolve"]
    assert story(session, alert, f"{budget}/50")[-1] == "ok"
    add_calls(session, people.alice, december, "70")
    run(session, people.alice, december + MINUTE)
    deliver_all()
    assert [action for action, _ in pager_events(sink)] == ["trigger", "resolve", "trigger"]


def test_people_hear_nothing_of_it(session: Session, sink: Sink, people: People) -> None:
    alert, budget = budget_watch(session, people, sink, "60")
    alert.notify_email = True
    budgets.delete_budget(session, people.alice, budget)
    session.commit()
    run(session, people.alice, NOW + MINUTE)
    deliver_all()
    assert session.exec(select(EmailLog).where(col(EmailLog.kind) == "alert")).all() == []


def test_two_workers_that_race_end_it_once(session: Session, sink: Sink, people: People) -> None:
    _, budget = budget_watch(session, people, sink, "60")
    budgets.delete_budget(session, people.alice, budget)
    session.commit()

    def worker(_: int) -> None:
        with db.session() as own:
            check(own, people.alice.organization_id, NOW + MINUTE, arrived=True)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(worker, range(4)))
    rows = [row.id for row in waiting()]
    assert len(rows) == 1
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(deliver_notice, rows * 4))
    assert [action for action, _ in pager_events(sink)] == ["trigger", "resolve"]
