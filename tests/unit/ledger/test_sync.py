"""Asking for pulls: who may, of which keys, once at a time, and none is ever lost."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from guardian import db, live, queue
from guardian.errors import AuthorizationError, NotFoundError, ValidationError
from guardian.models import ApiKey, SyncRun
from guardian.models.enums import KeyStatus, Provider, SyncStatus, SyncTrigger, TeamRole
from guardian.periods import DAY, utcnow
from guardian.services.actor import Actor
from guardian.services.ledger.sync import due_keys, get_run, list_runs, request_sync, resume_runs
from guardian.services.ledger.sync.events import SYNC_USAGE
from tests.conftest import People

DEMAND = SyncTrigger.DEMAND


def make_key(session: Session, actor: Actor, **changes: object) -> str:
    facts: dict[str, object] = {
        "provider": Provider.OPENAI,
        "encrypted_key": "",
        "iv": "",
        "tag": "",
        "hint": "cdef",
        "account_id": "acct",
        "meta": {"kind": "admin"},
        "status": KeyStatus.ACTIVE,
        "user_id": actor.user_id,
        "organization_id": actor.organization_id,
    }
    row = ApiKey(**(facts | changes))  # type: ignore[arg-type]
    session.add(row)
    session.commit()
    return row.id


def waiting_jobs() -> list[str]:
    return queue.Queue(queue.USAGE_QUEUE, connection=queue.connection()).get_job_ids()


def ask(actor: Actor, key_id: str, trigger: SyncTrigger = DEMAND) -> str:
    with db.session() as session:
        return request_sync(session, actor, key_id, trigger=trigger).id


def test_a_pull_is_a_job_that_waits_for_a_worker(session: Session, people: People) -> None:
    key_id = make_key(session, people.alice, label="Main")
    with db.session() as own:
        view = request_sync(own, people.alice, key_id, trigger=DEMAND)
        assert waiting_jobs() == []  # not before the commit: a worker would not find the row
    assert (view.status, view.progress, view.key_label, view.api_key_id) == (SyncStatus.QUEUED, 0.0, "Main", key_id)
    [job_id] = waiting_jobs()
    job = queue.Job.fetch(job_id, connection=queue.connection())
    assert (job_id, job.func_name, job.args) == (f"sync-usage-{view.id}-0", SYNC_USAGE, (view.id,))
    with db.session() as own:
        assert get_run(own, people.alice, view.id) == view
        assert list_runs(own, people.bob) == [view]
        run = own.get_one(SyncRun, view.id)
    assert run.requested_by_id == people.alice.user_id


def test_nothing_is_queued_when_the_transaction_fails(session: Session, people: People) -> None:
    key_id = make_key(session, people.alice)

    def ask_and_fail() -> None:
        with db.session() as own:
            request_sync(own, people.alice, key_id, trigger=DEMAND)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_and_fail()
    assert waiting_jobs() == []
    with db.session() as own:
        assert list_runs(own, people.alice) == []


def test_other_organizations_see_nothing(session: Session, people: People) -> None:
    key_id = make_key(session, people.alice)
    run_id = ask(people.alice, key_id)
    with db.session() as own:
        with pytest.raises(NotFoundError):
            request_sync(own, people.charlie, key_id, trigger=DEMAND)
        with pytest.raises(NotFoundError):
            get_run(own, people.charlie, run_id)
        assert list_runs(own, people.charlie) == []
        assert list_runs(own, people.charlie, key_id) == []
        with pytest.raises(NotFoundError):
            request_sync(own, people.alice, "c0000", trigger=DEMAND)


def test_viewers_look_but_do_not_pull(session: Session, people: People) -> None:
    key_id = make_key(session, people.alice)
    run_id = ask(people.bob, key_id)
    viewer = replace(people.bob, team_role=TeamRole.VIEWER)
    with db.session() as own:
        with pytest.raises(AuthorizationError):
            request_sync(own, viewer, key_id, trigger=DEMAND)
        assert get_run(own, viewer, run_id).id == run_id
    ingester = replace(people.bob, scopes=frozenset({"ingest"}))
    with db.session() as own:
        for look in (lambda: get_run(own, ingester, run_id), lambda: list_runs(own, ingester)):
            with pytest.raises(AuthorizationError):
                look()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"meta": {"kind": "inference"}}, "a key of the kind “Admin key”"),
        ({"meta": {}}, "a key of the kind “Admin key”"),
        ({"is_active": False}, "Switch it on"),
        ({"provider": Provider.GOOGLE, "meta": {"kind": "inference"}}, "“Service account key”"),
        ({"provider": Provider.PERPLEXITY, "meta": {"kind": "inference"}}, "gateway"),
    ],
)
def test_keys_that_cannot_be_pulled(session: Session, people: People, changes: dict[str, object], words: str) -> None:
    key_id = make_key(session, people.alice, **changes)
    with db.session() as own, pytest.raises(ValidationError, match=words):
        request_sync(own, people.alice, key_id, trigger=DEMAND)


def test_the_unfinished_pull_is_given_instead_of_a_second_one(session: Session, people: People) -> None:
    key_id, other = make_key(session, people.alice), make_key(session, people.alice, label="Other")
    first = ask(people.alice, key_id)
    assert ask(people.bob, key_id) == first
    assert ask(people.alice, other) != first
    with db.session() as own:
        own.get_one(SyncRun, first).status = SyncStatus.RUNNING
    assert ask(people.alice, key_id, SyncTrigger.SCHEDULE) == first
    with db.session() as own:
        own.get_one(SyncRun, first).status = SyncStatus.FINISHED
    assert ask(people.alice, key_id) != first
    with db.session() as own:
        assert len(list_runs(own, people.alice, key_id)) == 2
        assert len(list_runs(own, people.alice)) == 3
        assert len(list_runs(own, people.alice, limit=1)) == 1


def test_many_at_once_get_the_same_pull(session: Session, people: People) -> None:
    key_id = make_key(session, people.alice)
    found: list[str] = []
    start = threading.Barrier(8)

    def together() -> None:
        start.wait()
        found.append(ask(people.alice, key_id))

    threads = [threading.Thread(target=together) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(waiting_jobs()) == 1


def test_by_hand_a_pull_that_was_put_off_waits_no_longer(session: Session, people: People) -> None:
    key_id = make_key(session, people.alice)
    run_id = ask(people.alice, key_id)
    with db.session() as own:
        run = own.get_one(SyncRun, run_id)
        run.not_before, run.attempt = run.created_at + timedelta(hours=1), 1
    assert ask(people.alice, key_id, SyncTrigger.SCHEDULE) == run_id
    with db.session() as own:
        assert own.get_one(SyncRun, run_id).not_before is not None
    assert ask(people.alice, key_id) == run_id
    with db.session() as own:
        assert own.get_one(SyncRun, run_id).not_before is None
    assert waiting_jobs() == [f"sync-usage-{run_id}-0", f"sync-usage-{run_id}-1-now"]


def test_the_schedule_leaves_out_what_is_switched_off_or_marked(session: Session, people: People) -> None:
    wanted = {
        make_key(session, people.alice, label="a"),
        make_key(session, people.charlie, label="b", provider=Provider.ANTHROPIC),
        make_key(session, people.alice, label="c", status=KeyStatus.UNTESTED),
        # A test met an outage: that says nothing lasting.
        make_key(session, people.alice, label="d", status=KeyStatus.FAILING),
    }
    for number, status in enumerate(KeyStatus):
        if status not in (KeyStatus.ACTIVE, KeyStatus.UNTESTED, KeyStatus.FAILING):
            make_key(session, people.alice, label=f"marked {number}", status=status)
    broken = make_key(session, people.alice, label="broken")
    run_id = ask(people.alice, broken)
    with db.session() as own:
        run = own.get_one(SyncRun, run_id)
        run.status, run.error_code = SyncStatus.FAILED, "PROVIDER_CONTRACT_BROKEN"
        own.get_one(ApiKey, broken).status = KeyStatus.FAILING
    make_key(session, people.alice, label="off", is_active=False)
    make_key(session, people.alice, label="inference", meta={"kind": "inference"})
    make_key(session, people.alice, label="nobody's", organization_id=None)
    with db.session() as own:
        found = {key.key_id: key.organization_id for key in due_keys(own, utcnow() + DAY)}
    assert found.keys() == wanted
    assert set(found.values()) == {people.alice.organization_id, people.charlie.organization_id}


def test_lost_runs_are_brought_back_and_healthy_ones_left_alone(session: Session, people: People) -> None:
    ids = [ask(people.alice, make_key(session, people.alice, label=str(n))) for n in range(6)]
    queue.connection().flushall()
    states = {
        0: "status = 'running', lease_until = now() - interval '1 second', attempt = 3",
        1: "status = 'running', lease_until = now() + interval '10 seconds'",
        2: "created_at = now() - interval '2 minutes'",
        3: "not_before = now() + interval '1 minute', created_at = now() - interval '2 minutes'",
        4: "not_before = now() - interval '2 minutes', attempt = 1",
        5: "status = 'finished', lease_until = now() - interval '1 second'",
    }
    for number, change in states.items():
        session.connection().execute(text(f"UPDATE sync_runs SET {change} WHERE id = :id"), {"id": ids[number]})
    session.commit()
    expected = {f"sync-usage-{ids[0]}-3-again", f"sync-usage-{ids[2]}-0-again", f"sync-usage-{ids[4]}-1-again"}
    for _ in range(2):  # and each only once, as long as its job waits
        with db.session() as own:
            assert resume_runs(own) == 3
        assert set(waiting_jobs()) == expected
        assert len(waiting_jobs()) == 3


def test_a_new_pull_is_told_to_the_organization(session: Session, people: People) -> None:
    key_id = make_key(session, people.alice)
    with queue.connection().pubsub(ignore_subscribe_messages=True) as listener:
        listener.psubscribe("live:*")
        run_id = ask(people.alice, key_id)
        message = None
        while message is None:
            message = listener.get_message(timeout=5)
    assert message["channel"].decode() == f"live:org:{people.alice.organization_id}"
    assert live.JOB_UPDATE in message["data"].decode()
    assert run_id in message["data"].decode()
    assert session.exec(select(SyncRun.id)).all() == [run_id]
