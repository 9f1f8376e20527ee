"""What the gateway refuses on its own: said in the vendor's words, written down, and never sent."""

from datetime import timedelta
from functools import partial

import anthropic
import httpx
import openai
import pytest
from google import genai
from google.genai import errors, types

from guardian import db, live
from guardian.embedded.processes import wait_until
from guardian.models import AccessToken, Organization, UsageRollup
from guardian.models.base import new_id
from guardian.models.enums import CostSource, Plan, Provider, TeamRole, UsageOrigin, UserRole
from guardian.models.shared import shared_id
from guardian.periods import utcnow
from guardian.services.guard.installation import organizations
from guardian.services.people.access.tokens import revoke_token
from tests.conftest import make_actor
from tests.e2e.gateway.conftest import Start
from tests.e2e.gateway.stage import Stage

MINI = "gpt-5.4-mini"
CHAT = {"model": MINI, "messages": [{"role": "user", "content": "Hello!"}]}


def post(stage: Stage, path: str = "/openai/v1/chat/completions", token: str = "", **request: object) -> httpx.Response:
    headers = {"authorization": f"Bearer {token or stage.token}"}
    request = request or {"json": CHAT}
    return httpx.post(stage.gateway.url + path, headers=headers, timeout=30, **request)  # type: ignore[arg-type]


def test_unknown_and_expired_tokens_are_refused_in_each_dialect(stage: Stage) -> None:
    expired, _ = stage.add_token(expires_at=utcnow() - timedelta(seconds=1))
    for token in ("gdn_nobody", expired, "sk-of-the-provider"):
        with openai.OpenAI(base_url=stage.base("openai"), api_key=token) as client:
            with pytest.raises(openai.AuthenticationError) as refused:
                client.models.list()
            assert refused.value.code == "invalid_api_key"
        claude = anthropic.Anthropic(base_url=stage.base("anthropic"), api_key=token)
        with claude, pytest.raises(anthropic.AuthenticationError):
            claude.messages.count_tokens(model="claude-sonnet-4-6", messages=[{"role": "user", "content": "Hi"}])
        options = types.HttpOptions(base_url=stage.base("google"))
        with genai.Client(api_key=token, http_options=options) as gemini, pytest.raises(errors.ClientError) as said:
            gemini.models.generate_content(model="gemini-2.5-flash", contents="Hi")
        assert (said.value.code, said.value.status) == (401, "UNAUTHENTICATED")
    assert stage.fake.served == []


def test_a_revoked_token_is_refused_at_once(stage: Stage) -> None:
    token, token_id = stage.add_token()
    assert post(stage, token=token).status_code == 200
    with db.session() as session:
        revoke_token(session, stage.alice, token_id)
    assert wait_until(lambda: post(stage, token=token).status_code == 401, 4, 0.02)


def test_a_revocation_that_redis_never_told_is_seen_within_five_seconds(stage: Stage) -> None:
    token, token_id = stage.add_token()
    assert post(stage, token=token).status_code == 200
    with db.session() as session:
        session.get_one(AccessToken, token_id).revoked_at = utcnow()
    revoked = utcnow()
    while (answer := post(stage, token=token)).status_code == 200:
        row = stage.row(answer.headers["x-guardian-request-id"])
        assert row.timestamp - revoked < timedelta(seconds=5)
    assert answer.status_code == 401


def test_tokens_of_a_disabled_organization_are_refused_until_it_is_enabled(stage: Stage) -> None:
    """Within five seconds both ways; in the vendor's words, so that its SDK knows what it is."""
    with db.session() as session:
        elsewhere = Organization(name="Operators")
        session.add(elsewhere)
        session.flush()
        root = make_actor(session, elsewhere, "root", TeamRole.OWNER, UserRole.SUPER_ADMIN)
    assert post(stage).status_code == 200
    with db.session() as session:
        organizations.disable(session, root, stage.alice.organization_id, "They do not pay.")
    disabled = utcnow()
    while (answer := post(stage)).status_code == 200:
        row = stage.row(answer.headers["x-guardian-request-id"])
        assert row.timestamp - disabled < timedelta(seconds=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    gpt = openai.OpenAI(base_url=stage.base("openai"), api_key=stage.token, max_retries=0)
    with gpt, pytest.raises(openai.AuthenticationError):
        gpt.models.list()
    claude = anthropic.Anthropic(base_url=stage.base("anthropic"), api_key=stage.token, max_retries=0)
    with claude, pytest.raises(anthropic.AuthenticationError):
        claude.messages.count_tokens(model="claude-sonnet-4-6", messages=[{"role": "user", "content": "Hi"}])
    stage.fake.renew()
    assert post(stage).status_code == 401
    assert stage.fake.served == []
    with db.session() as session:
        organizations.enable(session, root, stage.alice.organization_id)
    assert wait_until(lambda: post(stage).status_code == 200, 30, 0.02)


def test_what_a_token_may_not_is_refused_and_written_down(stage: Stage) -> None:
    claude_only, _ = stage.add_token(allowed_providers=["ANTHROPIC"])
    minis_only, token_id = stage.add_token(allowed_models=["gpt-*-mini"])
    other_scope, _ = stage.add_token(scopes=["api"])
    large = {**CHAT, "model": "gpt-5.4"}
    assert post(stage, token=minis_only).status_code == 200
    stage.fake.renew()
    for token, body, code in (
        (claude_only, CHAT, "forbidden"),
        (minis_only, large, "model_not_allowed"),
        (other_scope, CHAT, "forbidden"),
    ):
        answer = post(stage, token=token, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, code)
        assert answer.headers["x-should-retry"] == "false"
        row = stage.row(answer.headers["x-guardian-request-id"])
        assert (row.status_code, row.cost, row.api_key_id) == (403, 0, None)
        assert row.error is not None
        assert row.error.startswith("policy_")
        if token == minis_only:
            assert (row.model, row.access_token_id) == ("gpt-5.4", shared_id(token_id))
    assert stage.fake.served == []


def test_unknown_labels_and_paths_are_refused(stage: Stage) -> None:
    answer = post(stage, "/custom/nobody/v1/chat/completions")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")
    assert "nobody" in answer.json()["error"]["message"]
    assert post(stage, "/cohere/v1/chat").status_code == 404
    assert stage.fake.served == []


def test_bodies_that_are_none_are_refused_before_they_are_sent(stage: Stage) -> None:
    for content in (b"{", b"[]", b"\xff\xfe", b"", b'"text"', b"[" * 100_000):
        answer = post(stage, content=content)
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error"), content[:10]
        row = stage.row(answer.headers["x-guardian-request-id"])
        assert (row.status_code, row.error, row.cost) == (400, "policy_invalid_request", 0)
    assert stage.fake.served == []


def test_a_body_over_the_limit_is_refused(start: Start) -> None:
    stage = start(GUARDIAN_GATEWAY_MAX_BODY_BYTES="4096")
    long = {**CHAT, "messages": [{"role": "user", "content": "x" * 5_000}]}
    answer = post(stage, json=long)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    assert stage.row(answer.headers["x-guardian-request-id"]).error == "policy_too_large"
    assert stage.fake.served == []
    assert post(stage).status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "http://example.com/openai/v1/models",
        "/openai/v1/../../admin",
        "/openai/v1/%2e%2e/%2e%2e/admin",
        "/openai/v1//example.com/models",
        "/openai/v1/..%5c..%5cadmin",
        "/openai/v1/@example.com/",
        "/openai/v1.example.com/models",
        "/custom/local/v1/..;/admin",
    ],
)
def test_no_path_leads_to_another_host_or_out_of_the_base_url(stage: Stage, target: str) -> None:
    headers = {"authorization": f"Bearer {stage.token}", "host": "example.com", "x-forwarded-host": "example.com"}
    with httpx.Client() as client:
        extensions = {"target": target.encode()}
        request = client.build_request("GET", stage.gateway.url, headers=headers, extensions=extensions)
        answer = client.send(request)
    assert answer.status_code in (200, 400, 404)
    for served in stage.fake.served:  # what stays below the base URL may be asked for
        assert served.path in ("/models", "/@example.com/")
        assert served.header("host") == f"127.0.0.1:{stage.fake.port}"


def test_a_plan_whose_requests_are_used_up_is_told_in_each_dialect_and_a_larger_one_goes_on(stage: Stage) -> None:
    organization_id = stage.alice.organization_id
    with db.session() as session:
        now = utcnow()
        row = UsageRollup(
            organization_id=organization_id,
            id=new_id(),
            hour=now.replace(minute=0, second=0, microsecond=0),
            provider=Provider.OPENAI,
            model=MINI,
            operation="chat",
            origin=UsageOrigin.GATEWAY,
            cost_source=CostSource.COMPUTED,
            rows=10_000,
            requests=10_000,
        )
        session.add(row)
        session.get_one(Organization, organization_id).plan = Plan.FREE
        db.after_commit(session, partial(live.tell_gateways, organization_id))
    assert wait_until(lambda: post(stage).status_code == 402, 10, 0.05)
    stage.fake.renew()
    with (
        openai.OpenAI(base_url=stage.base("openai"), api_key=stage.token) as client,
        pytest.raises(openai.APIStatusError) as refused,
    ):
        client.chat.completions.create(model=MINI, messages=[{"role": "user", "content": "Hello!"}])
    assert (refused.value.status_code, refused.value.code) == (402, "plan_limit")
    claude = anthropic.Anthropic(base_url=stage.base("anthropic"), api_key=stage.token)
    with claude, pytest.raises(anthropic.APIStatusError, match="used up"):
        claude.messages.create(
            model="claude-sonnet-4-6", max_tokens=5, messages=[{"role": "user", "content": "Hello!"}]
        )
    answer = post(stage)
    said = answer.json()["error"]
    assert (said["details"]["plan"], said["details"]["limit"]) == ("FREE", 10_000)
    assert answer.headers["x-should-retry"] == "false"
    row = stage.row(answer.headers["x-guardian-request-id"])
    assert (row.status_code, row.cost, row.requests, row.error) == (402, 0, 0, "policy_plan_limit")
    assert stage.fake.served == []
    with db.session() as session:
        session.get_one(Organization, organization_id).plan = Plan.STARTER
        db.after_commit(session, partial(live.tell_gateways, organization_id))
    assert wait_until(lambda: post(stage).status_code == 200, 10, 0.05)
