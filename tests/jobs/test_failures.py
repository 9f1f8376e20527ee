"""What goes wrong at a provider: one sentence for the owner, one classified outcome, and no partial or double row."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func
from sqlmodel import select

from guardian import db, queue
from guardian.config import settings
from guardian.errors import GuardianError
from guardian.jobs.pulling import pull
from guardian.models import ProviderCost
from guardian.models.enums import KeyStatus, Provider, SyncStatus, SyncTrigger
from guardian.periods import utcnow
from guardian.records import TestResult
from guardian.services.ledger.sync import pull as pull_service
from guardian.services.ledger.sync.runs import BACKOFF, MOST_FAILURES
from guardian.services.people.provider_keys import record_test, replace_secret
from tests.conftest import forget_caches
from tests.fakes import openai_api
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import Key
from tests.jobs.conftest import FIRST_DAY, Pulls, hours_ago

REPORT = "/organization/usage/embeddings"  # the third step that is about money: some rows are written before it
Break = Callable[[FakeProvider], None]


def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVIDER_TIMEOUT_SECONDS", "0.5")
    forget_caches()


TEMPORARY: dict[str, tuple[Break, str, str]] = {
    "429 with Retry-After": (
        lambda f: f.fail(REPORT, status=429, headers={"retry-after": "120"}, times=1),
        "PROVIDER_RATE_LIMITED",
        "2 minutes",
    ),
    "429 without": (lambda f: f.fail(REPORT, status=429, times=1), "PROVIDER_RATE_LIMITED", "limits how often"),
    "500": (lambda f: f.fail(REPORT, status=500, times=1), "PROVIDER_UNAVAILABLE", "problem on its side"),
    "529": (lambda f: f.fail(REPORT, status=529, times=1), "PROVIDER_UNAVAILABLE", "529"),
    "HTML": (lambda f: f.html(REPORT, times=1), "PROVIDER_UNAVAILABLE", "web page"),
    "cut JSON": (lambda f: f.cut_json(REPORT, times=1), "PROVIDER_UNAVAILABLE", "broke off"),
    "broken connection": (lambda f: f.break_off(REPORT, times=1), "PROVIDER_UNREACHABLE", "closed the connection"),
    "silence": (lambda f: f.silence(REPORT, 60, times=1), "PROVIDER_UNREACHABLE", "did not answer within"),
}


@pytest.mark.parametrize("case", TEMPORARY)
def test_what_may_pass_is_tried_again_and_then_the_ledger_is_whole(
    fake: FakeProvider, pulls: Pulls, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    short_patience(monkeypatch)
    breaking, code, words = TEMPORARY[case]
    fake.load_examples("openai", FIRST_DAY)
    key_id = pulls.add_key()
    breaking(fake)
    run = pulls.run(key_id)
    assert (run.status, run.error_code, run.failures) == (SyncStatus.QUEUED, code, 1)
    assert words in str(run.error)
    assert str(run.error).count("\n") == 0
    assert run.not_before is not None
    assert run.not_before > utcnow()
    # Nobody is troubled yet, and the key is not to blame.
    assert pulls.key(key_id).status is KeyStatus.ACTIVE
    assert pulls.mails() == []
    # Due in the future, it is nobody's to take; afterwards it ends in the ledger of a clean pull.
    pull(run.id)
    assert pulls.get(run.id).attempt == 1
    run = pulls.again(run.id)
    assert (run.status, run.error, run.error_code, run.failures) == (SyncStatus.FINISHED, None, None, 0)
    after = pulls.ledger()
    clean = pulls.finished(key_id)
    assert (clean.rows_added, clean.rows_changed, clean.rows_removed) == (0, 0, 0)
    assert pulls.ledger() == after


PERMANENT: dict[str, tuple[Break, str, KeyStatus, str]] = {
    "401, revoked": (
        lambda f: setattr(f.openai.keys[openai_api.ADMIN_KEY], "revoked", True),
        "PROVIDER_KEY_REJECTED",
        KeyStatus.REJECTED,
        "Replace it",
    ),
    "403, wrong kind": (
        lambda f: f.openai.keys.update({openai_api.ADMIN_KEY: Key("inference")}),
        "PROVIDER_FORBIDDEN",
        KeyStatus.FORBIDDEN,
        "permission",
    ),
    "429, no credit": (
        lambda f: f.fail(
            REPORT, status=429, body={"error": {"code": "insufficient_quota", "message": "You exceeded your quota"}}
        ),
        "PROVIDER_QUOTA_EXHAUSTED",
        KeyStatus.EXHAUSTED,
        "OpenAI",
    ),
    "pages without end": (
        lambda f: f.endless(REPORT),
        "PROVIDER_CONTRACT_BROKEN",
        KeyStatus.FAILING,
        "without end",
    ),
    "a required field is missing": (
        lambda f: f.alter("/organization/usage/completions", lambda body: _without_model_requests(body)),
        "PROVIDER_CONTRACT_BROKEN",
        KeyStatus.FAILING,
        "num_model_requests",
    ),
}


def _without_model_requests(body: dict[str, list[dict[str, list[dict[str, object]]]]]) -> None:
    for bucket in body["data"]:
        for row in bucket["results"]:
            row.pop("num_model_requests", None)


@pytest.mark.parametrize("case", PERMANENT)
def test_what_will_not_pass_stops_the_key_and_tells_its_owner_once(fake: FakeProvider, pulls: Pulls, case: str) -> None:
    breaking, code, status, words = PERMANENT[case]
    fake.load_examples("openai", FIRST_DAY)
    key_id = pulls.add_key()
    breaking(fake)
    run = pulls.run(key_id)
    assert (run.status, run.error_code) == (SyncStatus.FAILED, code)
    assert words in str(run.error)
    assert openai_api.ADMIN_KEY not in str(run.error)
    key = pulls.key(key_id)
    assert (key.status, key.status_message, key.is_active) == (status, run.error, True)
    [mail] = pulls.mails()
    assert (mail.to, mail.subject) == ("alice@example.com", "Your OpenAI key needs attention")
    body = (mail.payload or {})["text"]
    assert str(run.error) in body
    assert "“Main”" in body
    assert f"{settings().base_url}/keys" in body
    pulls.ledger()  # rollups agree, whatever was written before
    # The same again is no news.
    again = pulls.run(key_id)
    assert (again.status, again.id) == (SyncStatus.FAILED, again.id)
    assert len(pulls.mails()) == 1


def test_an_inference_key_is_told_to_be_one(fake: FakeProvider, pulls: Pulls) -> None:
    key_id = pulls.add_key(secret=openai_api.PROJECT_KEY)
    run = pulls.run(key_id)
    assert (run.error_code, pulls.key(key_id).status) == ("PROVIDER_WRONG_KEY_KIND", KeyStatus.WRONG_KIND)
    assert "admin key" in str(run.error).lower()
    pulls.assert_empty()


def test_after_the_mend_a_pull_by_hand_brings_the_key_back(fake: FakeProvider, pulls: Pulls) -> None:
    key_id = pulls.add_key()
    fake.openai.keys[openai_api.ADMIN_KEY].revoked = True
    pulls.run(key_id)
    fake.openai.keys[openai_api.ADMIN_KEY].revoked = False
    pulls.finished(key_id)
    assert (pulls.key(key_id).status, pulls.key(key_id).status_message) == (KeyStatus.ACTIVE, None)
    fake.openai.keys[openai_api.ADMIN_KEY].revoked = True
    pulls.run(key_id)
    assert len(pulls.mails()) == 2  # it broke again: that is news


def test_a_tests_verdict_was_told_already_by_the_test(fake: FakeProvider, pulls: Pulls) -> None:
    key_id = pulls.add_key()
    fake.openai.keys[openai_api.ADMIN_KEY].revoked = True
    with db.session() as session:
        found = TestResult(success=False, message="no", metadata={"code": "PROVIDER_KEY_REJECTED"})
        record_test(session, pulls.people.alice, key_id, found)
    pulls.run(key_id)
    assert pulls.mails() == []


def test_a_failure_that_does_not_pass_is_given_up_at_last(fake: FakeProvider, pulls: Pulls) -> None:
    fake.fail("/organization/usage/completions", status=503)
    key_id = pulls.add_key()
    run = pulls.run(key_id)
    waits = []
    for _ in range(MOST_FAILURES - 1):
        assert run.status is SyncStatus.QUEUED
        assert run.not_before is not None
        waits.append(run.not_before - utcnow())
        run = pulls.again(run.id)
    assert (run.status, run.error_code) == (SyncStatus.FAILED, "PROVIDER_UNAVAILABLE")
    for wait, minutes in zip(waits, BACKOFF, strict=True):
        assert timedelta(minutes=minutes * 0.7) < wait < timedelta(minutes=minutes * 1.21)
    assert pulls.key(key_id).status is KeyStatus.ACTIVE  # tomorrow's schedule tries again


def test_a_step_done_makes_the_failures_before_it_forgotten(fake: FakeProvider, pulls: Pulls) -> None:
    fake.fail("/organization/usage/completions", status=503, times=3)
    fake.fail("/organization/usage/images", status=503, times=1)
    run = pulls.run(pulls.add_key())
    for _ in range(2):
        run = pulls.again(run.id)
    assert run.failures == 3
    assert pulls.again(run.id).failures == 1


def test_the_providers_own_wish_is_waited_for(fake: FakeProvider, pulls: Pulls) -> None:
    fake.fail("/organization/usage/completions", status=429, headers={"retry-after": "7200"}, times=1)
    run = pulls.run(pulls.add_key())
    assert run.not_before is not None
    assert run.not_before - utcnow() > timedelta(minutes=119)


def test_names_that_cannot_be_read_do_not_stop_the_money(fake: FakeProvider, pulls: Pulls) -> None:
    fake.load_examples("openai", FIRST_DAY)
    fake.fail("/organization/projects", status=500)
    run = pulls.finished(pulls.add_key())
    assert run.rows_added > 0
    assert run.steps_done == run.steps_total - 1


def test_a_key_that_was_replaced_meanwhile_is_not_condemned(fake: FakeProvider, pulls: Pulls) -> None:
    fake.load_examples("openai", FIRST_DAY)
    fake.openai.keys["sk-admin-new-0123456789"] = Key("admin")
    key_id = pulls.add_key()

    def replace(body: dict[str, object]) -> None:
        tested = TestResult(success=True, message="works", kind="admin", account_id="acct")
        with db.session() as session:
            replace_secret(session, pulls.people.alice, key_id, "sk-admin-new-0123456789", tested)
        fake.openai.keys[openai_api.ADMIN_KEY].revoked = True

    fake.alter("/organization/usage/completions", replace, times=1)
    run = pulls.run(key_id)
    assert (run.status, run.not_before) == (SyncStatus.QUEUED, None)
    assert pulls.key(key_id).status is KeyStatus.ACTIVE
    assert pulls.mails() == []
    pull(run.id)
    assert pulls.get(run.id).status is SyncStatus.FINISHED


def test_a_key_that_cannot_be_opened_is_marked(
    fake: FakeProvider, pulls: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id = pulls.add_key()
    monkeypatch.setenv("ENCRYPTION_KEY", "ff" * 32)
    forget_caches()
    run = pulls.run(key_id)
    assert (run.status, run.error_code) == (SyncStatus.FAILED, "DECRYPTION_ERROR")
    assert pulls.key(key_id).status is KeyStatus.FAILING
    assert len(pulls.mails()) == 1
    assert fake.log == []


def test_an_error_of_ours_ends_the_run_with_a_word_and_is_raised(
    fake: FakeProvider, pulls: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(pull_service, "replace_buckets", explode)
    asked = pulls.request(pulls.add_key())
    with pytest.raises(ZeroDivisionError):
        pull(asked.id)
    run = pulls.get(asked.id)
    assert (run.status, run.error_code) == (SyncStatus.FAILED, GuardianError.code)
    assert run.id in str(run.error)
    assert pulls.mails() == []


def test_anthropics_refusals_have_their_own_meaning(fake: FakeProvider, pulls: Pulls) -> None:
    key_id = pulls.add_key(Provider.ANTHROPIC)
    limit = {"type": "error", "error": {"type": "x", "details": {"error_code": "enforced_spend_limit_reached"}}}
    fake.fail("/v1/organizations/usage_report/messages", status=429, body=limit)
    run = pulls.run(key_id)
    assert (run.error_code, pulls.key(key_id).status) == ("PROVIDER_QUOTA_EXHAUSTED", KeyStatus.EXHAUSTED)
    fake.heal()
    fake.fail("/v1/organizations/usage_report/messages", status=529, times=1)
    assert pulls.run(key_id).error == "Anthropic is overloaded (HTTP 529); this usually passes by itself."


def test_a_run_put_off_waits_in_the_queue_with_its_delay(fake: FakeProvider, pulls: Pulls) -> None:
    fake.fail("/organization/usage/completions", status=503, times=1)
    run = pulls.run(pulls.add_key())
    registry = queue.Queue(queue.USAGE_QUEUE, connection=queue.connection()).scheduled_job_registry
    assert registry.get_job_ids() == [f"sync-usage-{run.id}-1"]


def test_costs_that_a_key_could_not_read_are_read_when_it_can(fake: FakeProvider, pulls: Pulls) -> None:
    """The usage was there all the time, and nothing of it is missing any more: the bill's days are."""
    for days in (60, 1):
        fake.openai.plant_cost(hours_ago(24 * days), Decimal("1.25"), "gpt-6-sol, input_tokens", quantity=625_000)
    fake.fail("/organization/costs", status=403, body={"error": {"message": "Missing scopes: api.usage.read"}})
    key_id = pulls.add_key()
    run = pulls.run(key_id, start=None, trigger=SyncTrigger.BACKFILL)
    assert (run.status, run.error_code) == (SyncStatus.FAILED, "PROVIDER_FORBIDDEN")
    fake.heal()
    pulls.finished(key_id, start=None)
    with db.session() as session:
        assert session.exec(select(func.sum(ProviderCost.billed_cost))).one() == Decimal("2.5")
    # Once is enough.
    assert utcnow() - pulls.finished(key_id, start=None).window_start < timedelta(days=5)


def test_without_redis_the_run_is_asked_for_all_the_same(
    fake: FakeProvider, pulls: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id = pulls.add_key()
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    forget_caches()
    asked = pulls.request(key_id)
    assert pulls.get(asked.id).status is SyncStatus.QUEUED
