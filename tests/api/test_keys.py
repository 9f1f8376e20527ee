"""keys: tested before they are stored, shown without the key, pulled, replaced, switched off, deleted."""

from collections.abc import Callable
from typing import Any

import pytest
from rq import Queue
from sqlmodel import Session, select

from guardian import queue
from guardian.models import ActivityLog, ApiKey, ProviderAccount, SyncRun
from guardian.models.enums import SyncTrigger
from guardian.services.people.provider_keys import open_secret
from tests.api.conftest import Client, execute
from tests.fakes import anthropic_api, openai_api
from tests.fakes.provider_server import FakeProvider

pytestmark = pytest.mark.usefixtures("fake")

Add = Callable[..., Any]


@pytest.fixture
def add(alice: Client) -> Add:
    def make(status: int = 201, **body: Any) -> Any:
        wanted = {"provider": "OPENAI", "key": openai_api.ADMIN_KEY, "label": "main", **body}
        if status >= 400:
            return alice.failure("POST", "/keys", status, json=wanted)
        return alice.data("POST", "/keys", status, json=wanted)

    return make


def test_an_admin_key_is_tested_stored_sealed_and_pulled(add: Add, alice: Client, session: Session) -> None:
    made = add(key=f"  {openai_api.ADMIN_KEY}\n")
    assert (made["provider"], made["label"], made["hint"]) == ("OPENAI", "main", openai_api.ADMIN_KEY[-4:])
    assert (made["status"], made["isActive"], made["metadata"]["kind"]) == ("active", True, "admin")
    assert made["statusMessage"]
    assert made["lastValidated"]
    row = session.exec(select(ApiKey)).one()
    assert openai_api.ADMIN_KEY not in f"{row.encrypted_key}{row.iv}{row.tag}{row.meta}"
    assert open_secret(session, row.id) == openai_api.ADMIN_KEY
    account = session.exec(select(ProviderAccount)).one()
    assert account.account_id == made["accountId"] == "org-fake"

    run = session.exec(select(SyncRun)).one()
    assert (run.id, run.trigger) == (made["jobId"], SyncTrigger.BACKFILL)
    assert 89 <= (run.window_end - run.window_start).days <= 91
    assert len(Queue(queue.USAGE_QUEUE, connection=queue.connection())) == 1
    job = alice.data("GET", f"/jobs/{made['jobId']}")
    assert (job["status"], job["progress"], job["error"], job["kind"]) == ("queued", 0, None, "backfill")


def test_the_name_of_the_account_is_shown(add: Add, alice: Client) -> None:
    made = add(provider="ANTHROPIC", key=anthropic_api.ADMIN_KEY, label=None)
    assert made["accountName"]
    assert alice.data("GET", f"/keys/{made['id']}")["accountName"] == made["accountName"]


def test_an_inference_key_is_stored_but_not_pulled(add: Add, session: Session) -> None:
    made = add(key=openai_api.PROJECT_KEY)
    assert (made["metadata"]["kind"], made["jobId"]) == ("inference", None)
    assert session.exec(select(SyncRun)).all() == []


def test_a_key_that_the_provider_refuses_is_not_stored(add: Add, alice: Client, session: Session) -> None:
    body = add(400, key="sk-admin-revoked-0123456789")
    assert body["code"] == "PROVIDER_KEY_REJECTED"
    assert "does not accept this key" in body["error"]
    assert body["details"][0]["field"] == "key"
    assert alice.data("GET", "/keys") == []
    assert session.exec(select(ActivityLog)).all() == []


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (lambda f: f.fail("*", status=500), 502, "PROVIDER_UNAVAILABLE"),
        (lambda f: f.fail("*", status=529), 502, "PROVIDER_UNAVAILABLE"),
        (lambda f: f.fail("*", status=429, headers={"retry-after": "7"}), 502, "PROVIDER_RATE_LIMITED"),
        (lambda f: f.html("*"), 502, "PROVIDER_UNAVAILABLE"),
        (lambda f: f.cut_json("*"), 502, "PROVIDER_UNAVAILABLE"),
        (lambda f: f.reset("*"), 502, "PROVIDER_UNREACHABLE"),
        (lambda f: f.fail("*", status=403), 400, "PROVIDER_FORBIDDEN"),
    ],
)
def test_a_provider_in_trouble_is_told_in_one_sentence(
    add: Add, alice: Client, fake: FakeProvider, fault: Callable[[FakeProvider], None], status: int, code: str
) -> None:
    fault(fake)
    body = add(status)
    assert body["code"] == code
    assert body["error"].strip()
    assert "\n" not in body["error"]
    assert alice.data("GET", "/keys") == []


@pytest.mark.parametrize("key", ["", "   ", "two words", "sk-\x00nul", "sk-ü", "x" * 2_001, "line\nbreak"])
def test_what_is_no_key_is_refused_before_anybody_is_asked(add: Add, fake: FakeProvider, key: str) -> None:
    body = add(400, key=key)
    assert body["details"][0]["field"] == "key"
    assert fake.log == []


def test_a_provider_that_nobody_knows_is_refused(add: Add) -> None:
    assert add(400, provider="NOBODY")["details"][0]["field"] == "provider"


def test_the_same_key_or_label_is_there_only_once(add: Add, fake: FakeProvider, bob: Client) -> None:
    add()
    assert "in the vault already" in add(409, label="again")["error"]
    assert "labelled" in add(409, key=openai_api.PROJECT_KEY)["error"]
    add(key=openai_api.PROJECT_KEY, label=" ")
    assert "without a label" in add(409, key=openai_api.LEGACY_KEY, label=None)["error"]
    # The vault is the organization's: a colleague's copy of the key is the same key.
    body = {"provider": "OPENAI", "key": openai_api.ADMIN_KEY, "label": "mine"}
    assert bob.failure("POST", "/keys", 409, json=body)["code"] == "CONFLICT"


def test_another_organization_may_hold_the_same_key(add: Add, charlie: Client) -> None:
    add()
    charlie.data("POST", "/keys", 201, json={"provider": "OPENAI", "key": openai_api.ADMIN_KEY, "label": "main"})


def test_testing_a_stored_key(add: Add, alice: Client, fake: FakeProvider) -> None:
    made = add()
    good = alice.data("POST", f"/keys/{made['id']}/test")
    assert (good["success"], good["kind"], good["key"]["status"]) == (True, "admin", "active")
    fake.openai.keys.pop(openai_api.ADMIN_KEY)
    bad = alice.data("POST", f"/keys/{made['id']}/test")
    assert (bad["success"], bad["key"]["status"]) == (False, "rejected")
    assert bad["key"]["statusMessage"] == bad["message"]
    assert bad["key"]["lastValidated"] == good["key"]["lastValidated"]
    fake.fail("*", status=500)
    assert alice.data("POST", f"/keys/{made['id']}/test")["key"]["status"] == "failing"


def test_a_key_that_cannot_be_opened_says_so(add: Add, alice: Client) -> None:
    made = add()
    execute("UPDATE api_keys SET tag = repeat('0', 32)")
    body = alice.failure("POST", f"/keys/{made['id']}/test", 500)
    assert body["code"] == "DECRYPTION_ERROR"
    key = alice.data("GET", f"/keys/{made['id']}")
    assert (key["status"], key["statusMessage"]) == ("failing", body["error"])
    # Its owner can store it again.
    alice.data("PATCH", f"/keys/{made['id']}", json={"key": openai_api.ADMIN_KEY})
    assert alice.data("POST", f"/keys/{made['id']}/test")["success"] is True


def test_renaming_and_switching_off(add: Add, alice: Client) -> None:
    made = add()
    path = f"/keys/{made['id']}"
    assert alice.data("PATCH", path, json={"label": " new  name ", "isActive": False})["label"] == "new name"
    assert alice.data("GET", path)["isActive"] is False
    assert alice.data("PATCH", path, json={"isActive": True})["label"] == "new name"
    assert alice.data("PATCH", path, json={"label": None})["label"] is None
    assert alice.data("PATCH", path, json={})["label"] is None
    alice.failure("PATCH", path, 400, json={"label": "x" * 101})


def test_replacing_a_key_keeps_its_history(add: Add, alice: Client, fake: FakeProvider, session: Session) -> None:
    made = add()
    execute("UPDATE sync_runs SET status = 'finished'")
    fresh = "sk-admin-fresh-0123456789wxyz"
    refused = alice.failure("PATCH", f"/keys/{made['id']}", 400, json={"key": fresh})
    assert refused["code"] == "PROVIDER_KEY_REJECTED"
    assert alice.data("GET", f"/keys/{made['id']}")["hint"] == made["hint"]
    fake.openai.keys[fresh] = fake.openai.keys[openai_api.ADMIN_KEY]
    changed = alice.data("PATCH", f"/keys/{made['id']}", json={"key": fresh})
    assert (changed["id"], changed["label"], changed["hint"]) == (made["id"], "main", "wxyz")
    assert open_secret(session, made["id"]) == fresh
    run = session.get_one(SyncRun, changed["jobId"])
    assert run.trigger is SyncTrigger.DEMAND


def test_pulling_now(add: Add, alice: Client, session: Session) -> None:
    made = add()
    path = f"/keys/{made['id']}/sync"
    assert alice.data("POST", path, 202)["id"] == made["jobId"]
    execute("UPDATE sync_runs SET status = 'finished'")
    job = alice.data("POST", path, 202, json={"startDate": "2026-01-05", "endDate": "2026-01-07"})
    assert (job["start"], job["end"]) == ("2026-01-05T00:00:00Z", "2026-01-08T00:00:00Z")
    assert alice.data("GET", f"/jobs/{job['id']}")["kind"] == "demand"
    for wrong in ({"startDate": "soon"}, {"startDate": "2026-13-01"}, {"endDate": "9999-12-31"}):
        assert alice.failure("POST", path, 400, json=wrong)["details"]


def test_deleting_a_key_leaves_the_ledger(add: Add, alice: Client, session: Session) -> None:
    made = add()
    alice.data("DELETE", f"/keys/{made['id']}")
    alice.failure("GET", f"/keys/{made['id']}", 404)
    alice.failure("GET", f"/jobs/{made['jobId']}", 404)
    assert session.exec(select(ProviderAccount)).one().account_id == "org-fake"
    add()


def test_who_stored_a_key_may_change_it_whatever_their_role(add: Add, alice: Client, bob: Client) -> None:
    others = add()
    own = bob.data("POST", "/keys", 201, json={"provider": "OPENAI", "key": openai_api.PROJECT_KEY, "label": "bob's"})
    assert {key["owner"] for key in bob.data("GET", "/keys")} == {"Alice", "Bob"}
    bob.failure("PATCH", f"/keys/{others['id']}", 403, json={"isActive": False})
    bob.failure("PATCH", f"/keys/{others['id']}", 403, json={"key": openai_api.LEGACY_KEY})
    bob.failure("DELETE", f"/keys/{others['id']}", 403)
    bob.data("PATCH", f"/keys/{own['id']}", json={"label": "mine"})
    bob.data("DELETE", f"/keys/{own['id']}")
    assert alice.data("GET", f"/keys/{others['id']}")["isActive"] is True


def test_each_change_is_audited_without_the_key(add: Add, alice: Client, session: Session) -> None:
    made = add()
    path = f"/keys/{made['id']}"
    alice.data("POST", f"{path}/test")
    alice.data("POST", f"{path}/sync", 202)
    alice.data("PATCH", path, json={"label": "x"})
    alice.data("DELETE", path)
    rows = session.exec(select(ActivityLog).order_by(ActivityLog.sequence)).all()
    assert [row.action for row in rows] == ["KEY_CREATE", "KEY_TEST", "KEY_SYNC", "KEY_UPDATE", "KEY_DELETE"]
    assert {row.resource_id for row in rows} == {made["id"]}
    assert openai_api.ADMIN_KEY not in str([row.meta for row in rows])


def test_the_providers_id_of_a_key_is_told_changed_and_taken_away(add: Add, alice: Client, bob: Client) -> None:
    made = add(key=openai_api.PROJECT_KEY, externalKeyId=" key_Ab1 ")
    path = f"/keys/{made['id']}"
    assert (made["externalKeyId"], made["metadata"]["externalKeyId"]) == ("key_Ab1", "key_Ab1")
    other = add(label="other")
    assert other["externalKeyId"] is None
    assert alice.failure("PATCH", f"/keys/{other['id']}", 409, json={"externalKeyId": "key_Ab1"})["code"] == "CONFLICT"
    for wrong in ("key with spaces", "x" * 201, openai_api.PROJECT_KEY):
        refused = alice.failure("PATCH", path, 400, json={"externalKeyId": wrong})
        assert refused["details"][0]["field"] == "externalKeyId"
        assert openai_api.PROJECT_KEY not in str(refused)
    bob.failure("PATCH", path, 403, json={"externalKeyId": "key_2"})
    assert alice.data("PATCH", path, json={"externalKeyId": "key_2"})["externalKeyId"] == "key_2"
    assert alice.data("POST", f"{path}/test")["key"]["externalKeyId"] == "key_2"
    assert alice.data("PATCH", path, json={"label": "renamed"})["externalKeyId"] == "key_2"
    assert alice.data("PATCH", f"/keys/{other['id']}", json={"externalKeyId": "key_Ab1"})["externalKeyId"] == "key_Ab1"
    assert alice.data("PATCH", path, json={"externalKeyId": None})["externalKeyId"] is None
