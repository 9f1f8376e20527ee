"""Stand-ins under hard budgets: a dearer model or another key is tried only where its own budgets have room."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from guardian import db
from guardian.embedded.processes import wait_until
from guardian.models import ApiKey, Budget
from guardian.models.enums import BudgetKind, BudgetPeriod, Provider
from guardian.services.guard.budgets import NewBudget, Scope, create_budget, get_budget
from tests.e2e.gateway.stage import Stage
from tests.fakes.inference import KEYS

PATH = "/openai/v1/chat/completions"
MINI, BIG = "gpt-5.4-mini", "gpt-5.4"
LIMITED = {"error": {"message": "slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}


def limited(stage: Stage, limit: str, scope: Scope) -> str:
    with db.session() as session:
        wanted = NewBudget(
            name=f"{scope.type} {scope.value}",
            scope=scope,
            limit=Decimal(limit),
            period=BudgetPeriod.MONTHLY,
            kind=BudgetKind.HARD,
        )
        return create_budget(session, stage.alice, wanted).id


def post(stage: Stage, tag: str, **headers: str) -> httpx.Response:
    sent = {"authorization": f"Bearer {stage.token}", "x-guardian-tags": f"run={tag}"}
    body: Any = {"model": MINI, "max_completion_tokens": 1_000, "messages": [{"role": "user", "content": "Hello!"}]}
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(stage.gateway.url + PATH, headers={**sent, **more}, json=body, timeout=60)


def attempts(stage: Stage, answer: httpx.Response) -> list[dict[str, Any]]:
    return (stage.row(answer.headers["x-guardian-request-id"]).meta or {})["attempts"]


# 1,000 tokens of output at most: $0.0045 of the small model, $0.015 of the big one, and some input.


def test_a_dearer_model_is_tried_where_there_is_room_for_it(stage: Stage) -> None:
    budget_id = limited(stage, "0.05", Scope("tag", "run=roomy"))
    stage.fake.fail(PATH, status=500, when=lambda served: MINI.encode() in served.body)
    answer = post(stage, "roomy", x_guardian_fallbacks=BIG)
    assert (answer.status_code, answer.json()["model"]) == (200, BIG)
    row = stage.row(answer.headers["x-guardian-request-id"])
    assert row.model == BIG
    assert row.cost

    def spent() -> Decimal:
        with db.session() as session:
            return get_budget(session, stage.alice, budget_id).spent

    assert wait_until(lambda: spent() == row.cost, 10, 0.1)


def test_a_dearer_model_without_room_is_not_tried(stage: Stage) -> None:
    limited(stage, "0.01", Scope("tag", "run=tight"))
    stage.fake.fail(PATH, status=500, when=lambda served: MINI.encode() in served.body)
    answer = post(stage, "tight", x_guardian_fallbacks=f"{BIG}, {MINI}")
    assert answer.status_code == 500
    assert [served.status for served in stage.fake.served] == [500, 500]
    assert all(MINI.encode() in served.body for served in stage.fake.served)
    assert [(each.get("model"), each.get("error")) for each in attempts(stage, answer)] == [
        (None, None),
        (BIG, "budget_exceeded"),
        (MINI, None),
    ]
    stage.fake.renew()
    assert post(stage, "tight").status_code == 200  # nothing is held any more


@pytest.fixture
def second_key(stage: Stage) -> Iterator[str]:
    found = stage.add_key(Provider.OPENAI, "sk-proj-stand-in", "stand-in")
    yield found
    with db.session() as session:
        session.get_one(ApiKey, found).is_active = False


def test_another_key_is_held_to_its_own_budget(stage: Stage, second_key: str) -> None:
    def first(served: Any) -> bool:
        return (served.header("authorization") or "").endswith(KEYS["openai"])

    def passes() -> bool:
        stage.fake.renew()
        stage.fake.fail(PATH, status=429, body=LIMITED, when=first)
        return post(stage, "keys").status_code == 200

    assert wait_until(passes, 10, 0.05)
    budget_id = limited(stage, "0.000001", Scope("key", second_key))
    assert wait_until(lambda: not passes(), 10, 0.05)
    assert [served.status for served in stage.fake.served] == [429]
    with db.session() as session:
        session.delete(session.get_one(Budget, budget_id))
