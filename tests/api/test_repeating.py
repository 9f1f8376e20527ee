"""Idempotency-Key: a POST that is sent twice is done once, whoever dies when, and answered twice."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlmodel import col, select, update

from guardian import db
from guardian.api.steps import repeating
from guardian.crypto import EncryptionService
from guardian.errors import ConflictError, GuardianError
from guardian.jobs.repeats import forget_requests
from guardian.models import ActivityLog, Budget, IdempotentRequest
from guardian.periods import utcnow
from guardian.services.guard.resealing import RESEALED
from guardian.services.people import repeats
from tests.api.conftest import Client, MakeClient
from tests.api.routes import NEW_ALERT, NEW_BUDGET
from tests.conftest import ENCRYPTION_KEY, People, forget_caches
from tests.fakes.provider_server import FakeProvider

KEY = {"idempotency-key": "c0ffee-1"}


def rows() -> list[IdempotentRequest]:
    with db.session() as session:
        return [row.model_copy() for row in session.exec(select(IdempotentRequest))]


def budgets() -> list[str]:
    with db.session() as session:
        return list(session.exec(select(Budget.name)))


def test_the_same_request_is_done_once_and_answered_twice(alice: Client) -> None:
    first = alice.post("/api/v1/budgets", json=NEW_BUDGET, headers=KEY)
    again = alice.post("/api/v1/budgets", json=NEW_BUDGET, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert budgets() == ["second"]
    with db.session() as session:
        assert len(session.exec(select(ActivityLog).where(ActivityLog.action == "BUDGET_CREATE")).all()) == 1


def test_another_request_with_the_same_key_is_refused(alice: Client) -> None:
    alice.data("POST", "/budgets", 201, json=NEW_BUDGET, headers=KEY)
    for path, body in (
        ("/budgets", {**NEW_BUDGET, "limit": "11"}),
        ("/tokens", {"name": "ci", "scopes": ["api"]}),
    ):
        refused = alice.failure("POST", path, 422, json=body, headers=KEY)
        assert refused["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert budgets() == ["second"]


def test_a_key_belongs_to_a_person(alice: Client, charlie: Client) -> None:
    mine = alice.data("POST", "/budgets", 201, json=NEW_BUDGET, headers=KEY)
    theirs = charlie.data("POST", "/budgets", 201, json=NEW_BUDGET, headers=KEY)
    assert mine["id"] != theirs["id"]


def test_what_was_refused_can_be_mended_under_the_same_key(alice: Client, bob: Client) -> None:
    alice.failure("POST", "/budgets", 400, json={**NEW_BUDGET, "limit": "-1"}, headers=KEY)
    bob.failure("POST", "/budgets", 403, json=NEW_BUDGET, headers=KEY)
    alice.failure(
        "POST",
        "/budgets/nothing/raise",
        404,
        json={"limit": "9", "until": "2099-01-01T00:00:00Z", "reason": "x"},
        headers=KEY,
    )
    assert rows() == []
    alice.data("POST", "/budgets", 201, json=NEW_BUDGET, headers=KEY)


@pytest.mark.parametrize("key", ["", "x" * 256, "ä".encode(), b"tab\there"])
def test_a_key_is_a_word(alice: Client, key: Any) -> None:
    body = alice.failure("POST", "/budgets", 400, json=NEW_BUDGET, headers={"idempotency-key": key})
    assert body["details"][0]["field"] == "Idempotency-Key"
    assert budgets() == []


@contextmanager
def running(people: People, fingerprint: str | None = None) -> Iterator[None]:
    """A request with KEY is being done, by another process."""
    with db.session() as session:
        taken = repeats.claim(session, people.alice, KEY["idempotency-key"], fingerprint or "other")
    yield
    assert isinstance(taken, repeats.Claim)


def last_until(moment: Any) -> None:
    with db.session() as session:
        session.exec(update(IdempotentRequest).values(lease_until=moment))


def fingerprint_of(alice: Client) -> str:
    """That of a POST of NEW_BUDGET, which it does."""
    alice.data("POST", "/budgets", 201, json=NEW_BUDGET, headers=KEY)
    (row,) = rows()
    with db.session() as session:
        session.exec(update(IdempotentRequest).values(status=None, body=None))
        for budget in session.exec(select(Budget)):
            session.delete(budget)
    return row.fingerprint


def test_while_it_runs_the_second_one_waits(alice: Client) -> None:
    fingerprint_of(alice)
    body = alice.failure("POST", "/budgets", 409, json=NEW_BUDGET, headers=KEY)
    assert body["code"] == "REQUEST_RUNNING"
    assert 1 <= body["retryAfter"] == int(alice.answers[-1].headers["retry-after"]) <= 5
    assert budgets() == []


def test_a_request_of_a_dead_process_is_taken_over(alice: Client) -> None:
    fingerprint_of(alice)
    last_until(utcnow() - timedelta(seconds=1))
    alice.data("POST", "/budgets", 201, json=NEW_BUDGET, headers=KEY)
    assert budgets() == ["second"]


def test_one_that_died_between_its_deed_and_its_answer_is_not_done_again(alice: Client) -> None:
    alice.data("POST", "/budgets", 201, json=NEW_BUDGET, headers=KEY)
    with db.session() as session:
        session.exec(update(IdempotentRequest).values(body=None, lease_until=utcnow() - timedelta(seconds=1)))
    body = alice.failure("POST", "/budgets", 409, json=NEW_BUDGET, headers=KEY)
    assert "its answer is lost" in body["error"]
    assert budgets() == ["second"]


def test_one_that_was_taken_over_does_nothing_when_it_wakes(people: People) -> None:
    with db.session() as session:
        slow = repeats.claim(session, people.alice, "k", "f")
    last_until(utcnow() - timedelta(seconds=1))
    with db.session() as session:
        quick = repeats.claim(session, people.alice, "k", "f")
    assert isinstance(slow, repeats.Claim)
    assert isinstance(quick, repeats.Claim)
    with pytest.raises(ConflictError), db.session() as session:
        repeats.mark(session, slow, 201)
    with db.session() as session:
        repeats.release(session, slow)
        repeats.mark(session, quick, 201)


def test_at_once_it_is_done_once(alice: Client, new_client: MakeClient) -> None:
    clients = [new_client(cookies=dict(alice.cookies)) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda c: c.post("/api/v1/budgets", json=NEW_BUDGET, headers=KEY), clients))
    assert {answer.status_code for answer in found} <= {201, 409}
    assert len({answer.content for answer in found if answer.status_code == 201}) == 1
    assert budgets() == ["second"]


def test_secrets_are_not_kept_in_the_clear(alice: Client, fake: FakeProvider) -> None:
    for path, body, status in (
        ("/tokens", {"name": "ci", "scopes": ["api"]}, 201),
        ("/alerts", NEW_ALERT, 201),
    ):
        headers = {"idempotency-key": path}
        first = alice.data("POST", path, status, json=body, headers=headers)
        secret = first.get("secret") or first["webhookSecret"]
        assert secret.startswith(("gdn_", "whsec_"))
        assert all(secret not in repr(row.model_dump()) for row in rows())
        assert alice.data("POST", path, status, json=body, headers=headers) == first


def test_an_answer_is_kept_over_a_change_of_the_encryption_key(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first = alice.post("/api/v1/budgets", json=NEW_BUDGET, headers=KEY)
    both = EncryptionService("ff" * 32, ENCRYPTION_KEY)
    for dry_run, told in ((True, (1, 0)), (False, (1, 0)), (False, (0, 1))):
        with db.session() as session:
            batch = RESEALED["idempotent_requests"](session, both, dry_run=dry_run)
        assert (batch.resealed, batch.current) == told
    monkeypatch.setenv("ENCRYPTION_KEY", "ff" * 32)
    forget_caches()
    again = alice.post("/api/v1/budgets", json=NEW_BUDGET, headers=KEY)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    # What no key opens is left to be lost, and keeps nothing else from being sealed anew.
    monkeypatch.setenv("ENCRYPTION_KEY", "ee" * 32)
    forget_caches()
    with db.session() as session:
        batch = RESEALED["idempotent_requests"](session, EncryptionService("ee" * 32))
    assert (batch.resealed, batch.current, batch.unopened) == (0, 0, ())
    alice.failure("POST", "/budgets", 409, json=NEW_BUDGET, headers=KEY)
    assert budgets() == ["second"]


def test_an_answer_that_no_key_opens_is_lost(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    alice.data("POST", "/budgets", 201, json=NEW_BUDGET, headers=KEY)
    monkeypatch.setenv("ENCRYPTION_KEY", "ff" * 32)
    forget_caches()
    assert "lost" in alice.failure("POST", "/budgets", 409, json=NEW_BUDGET, headers=KEY)["error"]


def test_a_key_is_forgotten_after_a_day(alice: Client) -> None:
    alice.data("POST", "/budgets", 201, json=NEW_BUDGET, headers=KEY)
    alice.data("POST", "/budgets", 201, json={**NEW_BUDGET, "name": "third"}, headers={"idempotency-key": "other"})
    with db.session() as session:
        old = utcnow() - repeats.KEPT - timedelta(seconds=1)
        session.exec(update(IdempotentRequest).where(col(IdempotentRequest.key) == "c0ffee-1").values(created_at=old))
    # Also before anybody has cleaned up.
    alice.data("POST", "/budgets", 201, json={**NEW_BUDGET, "name": "fourth"}, headers=KEY)
    with db.session() as session:
        session.exec(update(IdempotentRequest).where(col(IdempotentRequest.key) == "c0ffee-1").values(created_at=old))
    forget_requests()
    assert [row.key for row in rows()] == ["other"]


def test_a_file_that_is_sent_twice_is_taken_once(alice: Client) -> None:
    def send(content: bytes, name: str = "log.jsonl") -> Any:
        return alice.post("/api/v1/imports", files={"file": (name, content)}, headers=KEY)

    first, again, other = send(b'{"a": 1}\n'), send(b'{"a": 1}\n'), send(b'{"a": 2}\n')
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)
    assert first.content == again.content


@hypothesis_settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(fates=st.lists(st.sampled_from(["done", "refused", "dies before", "dies after", "answers late"]), max_size=6))
def test_whatever_happens_it_is_done_at_most_once(people: People, fates: list[str]) -> None:
    """Each attempt of one request meets its fate; then it is asked once more."""
    done = 0
    with db.session() as session:
        key = f"k{utcnow().timestamp()}"
    for fate in [*fates, "done"]:
        with db.session() as session:
            try:
                found = repeats.claim(session, people.alice, key, "f")
            except GuardianError:
                break
        if isinstance(found, repeats.Answered):
            assert json.loads(found.body) == {"n": done}
            continue
        if fate == "refused":
            with db.session() as session:
                repeats.release(session, found)
            continue
        if fate != "dies before":
            with db.session() as session:
                repeats.mark(session, found, 200)
                done += 1
        if fate in ("done", "answers late"):
            with db.session() as session:
                repeats.keep(session, found, 200, json.dumps({"n": done}))
        last_until(utcnow() - timedelta(seconds=1))
    assert done <= 1


def test_the_lease_is_longer_than_any_answer_takes() -> None:
    assert timedelta(seconds=90) < repeats.LEASE < repeats.KEPT
    assert repeating.HEADER == "Idempotency-Key"
