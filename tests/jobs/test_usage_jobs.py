"""The jobs around a pull: every night for every key, brought back when cut off, partitions ahead, live messages."""

import json
from datetime import timedelta

import pytest
from redis.client import PubSub
from sqlalchemy import text
from sqlmodel import select

from guardian import db, live, queue
from guardian.jobs import usage
from guardian.jobs.schedule import RECURRING
from guardian.models import Organization, SyncRun, UsageDay
from guardian.models.enums import Provider, SyncStatus, SyncTrigger, TeamRole
from guardian.periods import calendar_period, floor_month, utcnow, zone
from guardian.queue import QUEUE_NAMES
from guardian.services.actor import Actor
from guardian.services.ledger import daily
from tests.fakes import openai_api
from tests.fakes.provider_server import FakeProvider
from tests.jobs.conftest import FIRST_DAY, Pulls


def age_keys(days: float = 2) -> None:
    """The keys were added before the day began: the schedule pulls those."""
    with db.session() as session:
        session.connection().execute(
            text("UPDATE api_keys SET created_at = created_at - make_interval(secs => :secs)"), {"secs": days * 86_400}
        )


def all_runs() -> list[SyncRun]:
    with db.session() as session:
        return list(session.exec(select(SyncRun)))


def test_every_night_every_key_is_pulled_once(fake: FakeProvider, pulls: Pulls) -> None:
    alices = pulls.add_key()
    charlies = pulls.add_key(Provider.ANTHROPIC, actor=pulls.people.charlie)
    pulls.add_key(secret=openai_api.PROJECT_KEY, label="Inference", kind="inference")
    usage.sync_all()
    assert all_runs() == []
    age_keys()
    usage.sync_all()
    usage.sync_all()
    runs = all_runs()
    assert {run.api_key_id for run in runs} == {alices, charlies}
    assert len(runs) == 2
    assert {run.trigger for run in runs} == {SyncTrigger.SCHEDULE}
    assert {run.requested_by_id for run in runs} == {None}
    for run in runs:
        usage.sync_usage(run.id)
    assert {run.status for run in all_runs()} == {SyncStatus.FINISHED}


@pytest.mark.parametrize("name", ["UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Auckland"])
def test_the_day_begins_where_the_organization_is(fake: FakeProvider, pulls: Pulls, name: str) -> None:
    pulls.add_key()
    with db.session() as session:
        organization = session.get_one(Organization, pulls.people.alice.organization_id)
        organization.settings = {"timeZone": name}
        session.flush()
        # Its day begins at this moment of ours; the key was added a little before.
        tomorrow = calendar_period(utcnow(), "day", zone(name)).end
        assert usage.due_keys(session, tomorrow - timedelta(seconds=1)) == []
        assert len(usage.due_keys(session, tomorrow)) == 1


def test_the_schedule_goes_on_when_the_keys_owner_has_no_rights_any_more(fake: FakeProvider, pulls: Pulls) -> None:
    pulls.add_key()
    with db.session() as session:
        session.connection().execute(text("UPDATE team_members SET role = 'VIEWER'"))
    age_keys()
    usage.sync_all()
    assert len(all_runs()) == 1
    assert Actor.for_job("u", "o").team_role is TeamRole.ADMIN


def test_one_key_that_cannot_be_pulled_does_not_keep_the_others_from_it(
    fake: FakeProvider, pulls: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pulls.add_key(), pulls.add_key(Provider.ANTHROPIC)
    with db.session() as session:
        found = usage.due_keys(session, utcnow() + timedelta(days=2))
        session.connection().execute(text("DELETE FROM api_keys WHERE id = :id"), {"id": first})
    monkeypatch.setattr(usage, "due_keys", lambda *_: found)  # deleted between the two looks
    usage.sync_all()
    assert [run.api_key_id for run in all_runs()] == [second]


def test_what_was_cut_off_is_queued_again(fake: FakeProvider, pulls: Pulls) -> None:
    asked = pulls.request(pulls.add_key())
    queue.connection().flushall()
    usage.resume_syncs()
    jobs = queue.Queue(queue.USAGE_QUEUE, connection=queue.connection())
    assert jobs.get_job_ids() == []  # it may still be on its way
    with db.session() as session:
        session.connection().execute(text("UPDATE sync_runs SET created_at = now() - interval '61 seconds'"))
    usage.resume_syncs()
    assert jobs.get_job_ids() == [f"sync-usage-{asked.id}-0-again"]


def test_partitions_are_there_two_months_ahead(fake: FakeProvider) -> None:
    usage.make_partitions()
    usage.make_partitions()
    with db.session() as session:
        found = set(
            session.connection()
            .execute(text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'usage_logs'::regclass"))
            .scalars()
        )
    month = floor_month(utcnow())
    assert {f"usage_logs_{month:%Y_%m}", f"usage_logs_{month + timedelta(days=45):%Y_%m}"} <= found


def test_days_are_summed_up_until_nothing_is_left(fake: FakeProvider, pulls: Pulls) -> None:
    fake.load_examples("openai", FIRST_DAY)
    pulls.add_key()
    age_keys()
    usage.sync_all()
    usage.sync_usage(all_runs()[0].id)
    with db.session() as session:
        assert daily.organizations(session, utcnow()) == [pulls.people.alice.organization_id]
    usage.make_days()
    with db.session() as session:
        assert daily.organizations(session, utcnow()) == []
        assert session.exec(select(UsageDay)).first() is not None
        assert daily.disagreements(session, pulls.people.alice.organization_id, latest=100) == []


def test_the_schedule_names_jobs_that_exist(fake: FakeProvider) -> None:
    crons = {entry.job_id: entry.cron for entry in RECURRING}
    assert (crons["daily-sync"], crons["weekly-report"]) == ("0 0 * * *", "0 0 * * MON")
    assert len({entry.job_id for entry in RECURRING}) == len(RECURRING)
    for entry in RECURRING:
        assert entry.queue in QUEUE_NAMES
        assert ":" not in entry.job_id
        entry.func()  # each runs with nothing to do


def drain(listener: PubSub) -> list[tuple[str, str, dict[str, object]]]:
    found = []
    while (message := listener.get_message(timeout=0.5)) is not None:
        body = json.loads(message["data"])
        found.append((message["channel"].decode(), body["event"], body["data"]))
    return found


def test_every_step_and_every_change_is_told_to_the_organization(fake: FakeProvider, pulls: Pulls) -> None:
    fake.load_examples("openai", FIRST_DAY)
    key_id = pulls.add_key()
    with queue.connection().pubsub() as listener:
        listener.psubscribe("live:*")
        assert (listener.get_message(timeout=5) or {})["type"] == "psubscribe"
        run = pulls.finished(key_id)
        first = drain(listener)
        pulls.finished(key_id)
        second = drain(listener)
    assert {channel for channel, _, _ in first} == {f"live:org:{pulls.people.alice.organization_id}"}
    jobs = [data for _, event, data in first if event == live.JOB_UPDATE]
    assert [job["status"] for job in jobs] == ["queued", *["running"] * (run.steps_total + 1), "finished"]
    assert [job["stepsDone"] for job in jobs][-3:] == [run.steps_total - 1, run.steps_total, run.steps_total]
    assert len([1 for _, event, _ in first if event == live.USAGE_UPDATE]) == 2  # completions and costs
    assert [event for _, event, _ in second if event == live.USAGE_UPDATE] == []
    assert openai_api.ADMIN_KEY not in str(first)
