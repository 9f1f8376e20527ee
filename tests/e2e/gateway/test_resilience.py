"""Callers who leave, keys that fail, retries and stand-ins that were asked for, and whom a call is counted to."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from guardian import db
from guardian.embedded.processes import wait_until
from guardian.models import ApiKey
from guardian.models.enums import CostSource, Provider
from guardian.periods import utcnow
from tests.e2e.gateway.conftest import Start
from tests.e2e.gateway.stage import Stage
from tests.fakes.inference import KEYS

MINI = "gpt-5.4-mini"
CHAT = {"model": MINI, "messages": [{"role": "user", "content": "Hello!"}]}
PATH = "/openai/v1/chat/completions"
LIMITED = {"error": {"message": "slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}


def post(stage: Stage, body: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
    sent = {"authorization": f"Bearer {stage.token}", **{name.replace("_", "-"): v for name, v in headers.items()}}
    return httpx.post(stage.gateway.url + PATH, headers=sent, timeout=60, json=body or CHAT)


@pytest.fixture
def second_key(stage: Stage) -> Iterator[str]:
    """Another key of OpenAI, younger than the first one, until the test ends."""
    found = stage.add_key(Provider.OPENAI, "sk-proj-second", "second")
    assert wait_until(lambda: knows(stage, "sk-proj-second"), 10, 0.05)
    stage.fake.renew()
    yield found
    with db.session() as session:
        session.get_one(ApiKey, found).is_active = False


def knows(stage: Stage, secret: str) -> bool:
    """Whether the gateway falls back on that key."""
    stage.fake.renew()
    stage.fake.fail(PATH, status=429, body=LIMITED, when=lambda served: bearer(served) != secret)
    return post(stage).status_code == 200


def bearer(served: Any) -> str:
    return (served.header("authorization") or "").removeprefix("Bearer ")


def test_a_caller_who_leaves_costs_what_the_whole_answer_cost(stage: Stage) -> None:
    stage.fake.fail(PATH, pause=0.05)
    headers = {"authorization": f"Bearer {stage.token}"}
    since = utcnow()
    body = {**CHAT, "stream": True}
    with httpx.stream("POST", stage.gateway.url + PATH, headers=headers, json=body, timeout=30) as answer:
        next(answer.iter_raw())
    row = stage.last_row(since)
    (served,) = stage.fake.served
    assert served.whole
    assert (row.input_tokens, row.output_tokens, row.cost) == (served.input, served.output, served.cost)
    assert row.cost_source is CostSource.COMPUTED
    assert row.status_code == 200


def test_a_key_at_its_limit_gives_way_to_another(stage: Stage, second_key: str) -> None:
    stage.fake.renew()
    stage.fake.fail(PATH, status=429, body=LIMITED, when=lambda served: bearer(served) == KEYS["openai"])
    answer = post(stage)
    assert answer.status_code == 200
    assert [bearer(served) for served in stage.fake.served] == [KEYS["openai"], "sk-proj-second"]
    row = stage.row(answer.headers["x-guardian-request-id"])
    assert row.api_key_id == second_key
    assert row.cost == stage.fake.served[1].cost
    assert [each.get("status") for each in (row.meta or {})["attempts"]] == [429, 200]


def test_nothing_is_tried_again_that_nobody_asked_for(stage: Stage) -> None:
    for status in (500, 503, 529):
        stage.fake.renew()
        stage.fake.fail(PATH, status=status, body={"error": {"message": "no", "type": "server_error"}})
        assert post(stage).status_code == status
        assert len(stage.fake.served) == 1
        stage.fake.renew()
        assert post(stage).status_code == 200  # which also tells the breaker that the key works


def test_retries_that_are_asked_for_are_attempts_of_one_call(stage: Stage) -> None:
    stage.fake.fail(PATH, times=2, status=503, headers={"retry-after": "0"})
    answer = post(stage, x_guardian_retries="3")
    assert answer.status_code == 200
    assert len(stage.fake.served) == 3
    row = stage.row(answer.headers["x-guardian-request-id"])
    assert row.cost == stage.fake.served[-1].cost
    tried = (row.meta or {})["attempts"]
    assert [each.get("status") for each in tried] == [503, 503, 200]
    # The time between the attempts is none of theirs; each is rounded.
    assert sum(each["milliseconds"] for each in tried) <= (row.response_time or 0) + len(tried)


def test_a_retry_waits_as_long_as_the_provider_says_or_is_not_made(stage: Stage) -> None:
    far = format_datetime(utcnow() + timedelta(minutes=5), usegmt=True)
    never = {"x-should-retry": "false"}
    for said in ({"retry-after": far}, {"retry-after": "3600"}, {"retry-after-ms": "3600000"}, never):
        stage.fake.renew()
        stage.fake.fail(PATH, status=408, body=LIMITED, headers=said)
        assert post(stage, x_guardian_retries="1").status_code == 408
        assert len(stage.fake.served) == 1, said
    for said in ({"retry-after": format_datetime(utcnow(), usegmt=True)}, {"retry-after-ms": "5"}):
        stage.fake.renew()
        stage.fake.fail(PATH, status=408, body=LIMITED, headers=said, times=1)
        assert post(stage, x_guardian_retries="1").status_code == 200, said


def test_any_number_of_retries_may_be_asked_for(stage: Stage) -> None:
    assert post(stage, x_guardian_retries="9" * 5_000).status_code == 200


def test_a_model_that_is_asked_for_stands_in(stage: Stage) -> None:
    stage.fake.fail(PATH, status=500, when=lambda served: b"gpt-5.4-mini" not in served.body)
    answer = post(stage, {**CHAT, "model": "gpt-5.4"}, x_guardian_fallbacks="gpt-5.4-nano, gpt-5.4-mini")
    assert answer.status_code == 200
    assert answer.json()["model"] == MINI
    row = stage.row(answer.headers["x-guardian-request-id"])
    assert (row.model, row.cost) == (MINI, stage.fake.served[-1].cost)
    assert (row.meta or {})["fallbackFrom"] == "gpt-5.4"
    assert len((row.meta or {})["attempts"]) == 3


def test_a_stand_in_is_held_to_the_models_of_the_token(stage: Stage) -> None:
    token, _ = stage.add_token(allowed_models=["gpt-5.4"])
    stage.fake.fail(PATH, status=500, when=lambda served: b"gpt-5.4-mini" not in served.body)
    headers = {"authorization": f"Bearer {token}", "x-guardian-fallbacks": MINI}
    answer = httpx.post(stage.gateway.url + PATH, headers=headers, json={**CHAT, "model": "gpt-5.4"}, timeout=60)
    assert answer.status_code == 500
    assert not [served for served in stage.fake.served if served.status == 200]


def test_a_key_that_fails_again_and_again_is_left_alone(start: Start) -> None:
    stage = start()
    stage.fake.fail(PATH, status=500)
    answers = [post(stage) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [500] * 5 + [503] * 3
    assert len(stage.fake.served) == 5
    refused = answers[-1]
    assert refused.headers["retry-after"] == "10"
    row = stage.row(refused.headers["x-guardian-request-id"])
    assert (row.status_code, row.error, row.cost) == (503, "provider_resting", 0)


def test_other_gateways_headers_mean_what_they_meant_there(stage: Stage) -> None:
    cases: list[tuple[dict[str, str], dict[str, str], str | None, str | None]] = [
        ({"x-litellm-tags": "a,team=web", "x-litellm-end-user-id": "u1"}, {"a": "true", "team": "web"}, None, "u1"),
        ({"helicone-property-feature": "search", "helicone-user-id": "u2"}, {"feature": "search"}, None, "u2"),
        ({"helicone-session-id": "s2"}, {}, "s2", None),
        (
            {"x-portkey-metadata": '{"_user": "u3", "team": "ml"}', "x-portkey-trace-id": "s3"},
            {"team": "ml"},
            "s3",
            "u3",
        ),
        ({"x-bf-session-id": "s4"}, {}, "s4", None),
        ({"x-guardian-tags": "team=web", "x-guardian-user": "u5"}, {"team": "web"}, None, "u5"),
    ]
    for headers, tags, session, user in cases:
        stage.fake.renew()
        answer = post(stage, None, **headers)
        row = stage.row(answer.headers["x-guardian-request-id"])
        assert (row.tags or {}, row.session, (row.meta or {}).get("endUser")) == (tags, session, user), headers
        assert not [name for name, _ in stage.fake.served[0].headers if name in headers]


@pytest.mark.parametrize("header", ["helicone-auth", "x-portkey-api-key", "x-bf-vk", "x-api-key", "api-key"])
def test_tokens_in_other_gateways_headers_are_taken(stage: Stage, header: str) -> None:
    value = f"Bearer {stage.token}" if header == "helicone-auth" else stage.token
    answer = httpx.post(stage.gateway.url + PATH, headers={header: value}, json=CHAT, timeout=30)
    assert answer.status_code == 200
    assert bearer(stage.fake.served[0]) == KEYS["openai"]
    assert stage.token not in str(stage.fake.served[0].headers)
    assert Decimal(answer.headers["x-guardian-cost-usd"]) == stage.fake.served[0].cost


def test_a_gateway_that_is_told_to_end_lets_streams_end(start: Start) -> None:
    stage = start()
    stage.fake.fail(PATH, pause=0.1)
    headers = {"authorization": f"Bearer {stage.token}", "accept-encoding": "identity"}
    body = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    with httpx.stream("POST", stage.gateway.url + PATH, headers=headers, json=body, timeout=30) as answer:
        parts = answer.iter_raw()
        got = next(parts)
        assert stage.gateway.process is not None
        stage.gateway.process.terminate()
        got += b"".join(parts)
    (served,) = stage.fake.served
    assert got == served.sent
    assert stage.gateway.stop() in (0, -15)
    row = stage.row(answer.headers["x-guardian-request-id"])
    assert (row.cost, row.error) == (served.cost, None)
