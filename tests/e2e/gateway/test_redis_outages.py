"""Redis is stopped and started in the middle of calls under a hard budget: what passes, what is refused, what counts.

A closed budget is never passed. An open one counts what it let through meanwhile, and is passed by no more than what
was under way when Redis came back; whether Redis has kept its data or lost them makes no difference.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
import pytest

from guardian import db
from guardian.embedded.processes import wait_until
from guardian.models.enums import BudgetKind, BudgetPeriod
from guardian.services.guard.budgets import NewBudget, create_budget
from tests.e2e.gateway.conftest import Chaos
from tests.e2e.gateway.stage import Stage
from tests.e2e.gateway.test_budgets import ANSWER, EACH, MOST, PATH

# More than can be called while an open budget's Redis stops and starts: at 0.3 s a call, 20 a second at most.
LIMIT = 150 * EACH
AT_ONCE, LATENCY = 6, 0.3
BEFORE, AWAY = 15, 10  # calls that pass before Redis stops, and that are answered in one way or another without it


@dataclass
class Calls:
    """What callers were answered, by status; they call until the budget is spent."""

    stage: Stage
    answers: list[httpx.Response] = field(default_factory=list[httpx.Response])

    def count(self, status: int) -> int:
        return sum(answer.status_code == status for answer in self.answers)

    async def run(self) -> None:
        headers = {"authorization": f"Bearer {self.stage.token}"}
        body: Any = {
            "model": "gpt-5.4-mini",
            "max_completion_tokens": MOST,
            "messages": [{"role": "user", "content": "Hello! How are you today, and what is the weather like?"}],
        }
        async with httpx.AsyncClient(headers=headers, timeout=60) as client:

            async def work() -> None:
                while not self.spent:
                    self.answers.append(await client.post(self.stage.gateway.url + PATH, json=body))
                    if self.answers[-1].status_code != 200:
                        await asyncio.sleep(0.1)

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))

    @property
    def spent(self) -> bool:
        """Whether the last word is a refusal that no call under way stands behind."""
        last = self.answers[-1] if self.answers else None
        return last is not None and last.status_code == 402 and not Decimal(last.json()["error"]["details"]["held"])


@pytest.mark.parametrize("emptied", [False, True], ids=["kept", "emptied"])
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "open"])
def test_redis_comes_and_goes(chaos: Chaos, closed: bool, emptied: bool) -> None:
    stage = chaos.stage
    with db.session() as session:
        wanted = NewBudget(
            name="All",
            limit=LIMIT,
            period=BudgetPeriod.MONTHLY,
            kind=BudgetKind.HARD,
            when_redis_is_away="closed" if closed else "open",
        )
        create_budget(session, stage.alice, wanted)
    stage.fake.latency = LATENCY
    stage.fake.fail(PATH, status=200, body=ANSWER)
    calls = Calls(stage)
    with ThreadPoolExecutor(1) as executor:
        calling = executor.submit(asyncio.run, calls.run())

        def reach(what: Callable[[], bool]) -> None:
            assert wait_until(lambda: what() or calling.done(), 60, 0.005), stage.gateway.said()
            assert not calling.done(), [answer.text for answer in calls.answers[-3:]]

        reach(lambda: calls.count(200) >= BEFORE)
        chaos.redis.stop()
        passed = calls.count(200)
        if closed:
            reach(lambda: calls.count(503) >= AWAY)
            # What was under way when Redis went is answered; nothing else has been sent.
            assert calls.count(200) <= passed + AT_ONCE
            refused = next(answer for answer in calls.answers if answer.status_code == 503)
            assert "cannot be looked up" in refused.json()["error"]["message"]
        else:
            reach(lambda: calls.count(200) >= passed + AT_ONCE + AWAY)
        if emptied:
            for file in chaos.redis.home.path.glob("*.aof"):
                file.unlink()
        chaos.redis.start()
        assert calls.count(200) * EACH < LIMIT, "too many calls passed while Redis was away to see that they count"
        calling.result(120)

    assert {answer.status_code for answer in calls.answers} <= {200, 402, 503}
    if not closed:
        assert not calls.count(503)
    spent = calls.count(200) * EACH
    bound = LIMIT if closed else LIMIT + AT_ONCE * EACH
    assert LIMIT - 2 * EACH < spent <= bound, (calls.count(200), stage.gateway.said())

    def recorded() -> Decimal:
        return sum((row.cost or Decimal(0) for row in stage.rows()), Decimal(0))

    assert wait_until(lambda: recorded() == spent, 60, 0.2), (recorded(), spent)
