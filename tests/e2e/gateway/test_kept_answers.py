"""Answers that the provider keeps: whoever asks for one again, and however often, it was one call."""

import json
from typing import Any

import httpx

from guardian.periods import utcnow
from tests.e2e.gateway.stage import Stage

PATH = "/openai/v1/responses"
USAGE = {
    "input_tokens": 21,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 30,
}


def answer_of(id: str, status: str) -> bytes:
    usage = USAGE if status == "completed" else None
    return json.dumps(
        {"id": id, "object": "response", "model": "gpt-5.4-mini", "status": status, "usage": usage}
    ).encode()


def ask(stage: Stage, method: str, path: str, answer: bytes, **body: Any) -> httpx.Response:
    stage.fake.fail(path, times=1, status=200, body=answer)
    headers = {"authorization": f"Bearer {stage.token}", "accept-encoding": "identity"}
    found = httpx.request(method, stage.gateway.url + path, headers=headers, timeout=30, json=body or None)
    assert found.status_code == 200, found.text
    assert found.content == answer
    return found


def test_an_answer_that_is_asked_for_again_is_one_call(stage: Stage) -> None:
    since, done = utcnow(), answer_of("resp_kept", "completed")
    first = ask(stage, "POST", PATH, done, model="gpt-5.4-mini", input="Hello!")
    for _ in range(3):
        ask(stage, "GET", f"{PATH}/resp_kept", done)
    last = ask(stage, "POST", PATH, answer_of("resp_other", "completed"), model="gpt-5.4-mini", input="Hello!")
    stage.row(last.headers["x-guardian-request-id"])  # what came before it is in the ledger by now
    row = stage.row(first.headers["x-guardian-request-id"])
    mine = [each for each in stage.rows() if each.timestamp >= since]
    assert [(each.meta or {}).get("responseId") for each in mine] == ["resp_kept", "resp_other"]
    assert (row.input_tokens, row.output_tokens) == (21, 9)


def test_work_that_goes_on_is_one_call_once_it_is_done(stage: Stage) -> None:
    since = utcnow()
    ask(stage, "POST", PATH, answer_of("resp_slow", "queued"), model="gpt-5.4-mini", input="Hello!", background=True)
    ask(stage, "GET", f"{PATH}/resp_slow", answer_of("resp_slow", "in_progress"))
    for _ in range(3):
        ask(stage, "GET", f"{PATH}/resp_slow", answer_of("resp_slow", "completed"))
    last = ask(stage, "POST", PATH, answer_of("resp_next", "completed"), model="gpt-5.4-mini", input="Hello!")
    stage.row(last.headers["x-guardian-request-id"])
    mine = [each for each in stage.rows() if each.timestamp >= since]
    assert [(each.meta or {}).get("responseId") for each in mine] == ["resp_slow", "resp_next"]
    assert [each.input_tokens for each in mine] == [21, 21]


def test_a_server_that_names_all_of_its_answers_alike_loses_no_call(stage: Stage) -> None:
    since, done = utcnow(), answer_of("resp_always", "completed")
    asked = [ask(stage, "POST", PATH, done, model="gpt-5.4-mini", input="Hello!") for _ in range(3)]
    ask(stage, "GET", f"{PATH}/resp_always", done)
    asked.append(ask(stage, "POST", PATH, answer_of("resp_last", "completed"), model="gpt-5.4-mini", input="Hello!"))
    wanted = [answer.headers["x-guardian-request-id"] for answer in asked]
    for request_id in wanted:
        stage.row(request_id)
    assert [(each.meta or {}).get("requestId") for each in stage.rows() if each.timestamp >= since] == wanted
