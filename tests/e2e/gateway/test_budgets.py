"""A hard budget under many calls at once: never passed, never refused below it, and refusals say where it stands."""

import asyncio
import json
import os
from decimal import Decimal
from typing import Any

import httpx
import pytest

from guardian import db
from guardian.models.enums import BudgetKind, BudgetPeriod
from guardian.services.guard.budgets import NewBudget, Scope, create_budget
from tests.e2e.gateway.stage import Stage, in_thread

FULL = bool(os.environ.get("GUARDIAN_FULL"))
CALLS, LIMIT = (500, Decimal("5.00")) if FULL else (80, Decimal("0.80"))
PATH = "/openai/v1/chat/completions"
MOST = 4_000  # of output tokens, and as many as are used
# gpt-5.4-mini on 2026-11-23: $0.75 and $4.50 a million tokens. 11 of input and 4,000 of output: $0.01800825.
EACH = Decimal("0.01800825")
USAGE = {"prompt_tokens": 11, "completion_tokens": MOST, "total_tokens": MOST + 11}
ANSWER = json.dumps(
    {
        "id": "chatcmpl-budget",
        "object": "chat.completion",
        "model": "gpt-5.4-mini",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello!"}, "finish_reason": "stop"}],
        "usage": USAGE,
    }
).encode()


def limited(stage: Stage, limit: Decimal, scope: str) -> str:
    """A token of its own whose calls alone are held to a budget."""
    with db.session() as session:
        wanted = NewBudget(
            name=f"Most of {scope}",
            scope=Scope("tag", f"run={scope}"),
            limit=limit,
            period=BudgetPeriod.MONTHLY,
            kind=BudgetKind.HARD,
        )
        create_budget(session, stage.alice, wanted)
    return stage.add_token()[0]


async def call_at_once(stage: Stage, token: str, scope: str, calls: int) -> list[httpx.Response]:
    headers = {"authorization": f"Bearer {token}", "x-guardian-tags": f"run={scope}"}
    body: Any = {
        "model": "gpt-5.4-mini",
        "max_completion_tokens": MOST,
        "messages": [{"role": "user", "content": "Hello! How are you today, and what is the weather like?"}],
    }
    limits = httpx.Limits(max_connections=calls)
    async with httpx.AsyncClient(headers=headers, timeout=120, limits=limits) as client:
        asked = (client.post(stage.gateway.url + PATH, json=body) for _ in range(calls))
        return await asyncio.gather(*asked)


@pytest.mark.parametrize("latency", [0.0, 0.05])
def test_parallel_calls_spend_a_hard_budget_and_no_more(stage: Stage, latency: float) -> None:
    stage.fake.latency = latency
    stage.fake.fail(PATH, status=200, body=ANSWER)
    scope = f"parallel-{latency}"
    token = limited(stage, LIMIT, scope)
    answers = in_thread(call_at_once(stage, token, scope, CALLS))
    passed = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 402]
    assert len(passed) + len(refused) == CALLS
    assert {Decimal(answer.headers["x-guardian-cost-usd"]) for answer in passed} == {EACH}
    spent = len(passed) * EACH
    assert spent <= LIMIT
    # What a call can cost at most is told from its size: somewhat more than this one costs.
    assert LIMIT - spent < 2 * EACH, f"{len(passed)} calls passed, and there is room for more"
    error = refused[0].json()["error"]
    assert (refused[0].headers["x-should-retry"], error["code"]) == ("false", "insufficient_quota")
    assert set(error["details"]) >= {"spent", "held", "limit", "resetsAt"}
    assert Decimal(error["details"]["limit"]) == LIMIT


@pytest.mark.parametrize("wish", [{"n": 100}, {"max_completion_tokens": 16_384, "n": "100"}])
def test_answers_that_are_asked_for_at_once_are_held_each(stage: Stage, wish: dict[str, Any]) -> None:
    """16,384 tokens of gpt-5.4-mini cost $0.0737, a hundred times that $7.37."""
    scope = f"answers-{type(wish['n']).__name__}"
    token = limited(stage, Decimal("5.00"), scope)
    headers = {"authorization": f"Bearer {token}", "x-guardian-tags": f"run={scope}"}
    body = {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "Hello!"}], **wish}
    assert httpx.post(stage.gateway.url + PATH, json=body, headers=headers).status_code == 402
    assert httpx.post(stage.gateway.url + PATH, json=body | {"n": 2}, headers=headers).status_code == 200


def test_calls_of_another_tag_are_not_held(stage: Stage) -> None:
    stage.fake.fail(PATH, status=200, body=ANSWER)
    token = limited(stage, Decimal("0.000001"), "tiny")
    assert [a.status_code for a in in_thread(call_at_once(stage, token, "tiny", 2))] == [402, 402]
    assert [a.status_code for a in in_thread(call_at_once(stage, token, "other", 2))] == [200, 200]
