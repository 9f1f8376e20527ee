"""Where the bench of the gateway takes place: the gateway alone on one core, and everything else on another.

Else is the load, the provider, PostgreSQL, Redis and the shipper: what a machine before and behind a gateway does.
"""

import os
import subprocess
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from sqlalchemy import text
from sqlmodel import Session

from guardian import db
from guardian.embedded.processes import wait_until
from guardian.models import ApiKey
from guardian.models.enums import BudgetKind, Provider, TeamRole, UserRole
from guardian.services.actor import Actor
from guardian.services.guard.budgets import NewBudget, create_budget
from guardian.services.people.access.accounts import register
from guardian.services.people.access.tokens import create_token
from guardian.services.people.provider_keys.vault import seal
from tests.bench.place import Place, place
from tests.conftest import ROOT
from tests.e2e.gateway.stage import GatewayProcess

PATIENCE = 300.0  # until what was called is in the ledger
_ROOMY = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Standing:
    """`token` is of a company without budgets, `budgeted` of one with a hard budget that is never spent."""

    at: Place
    gateway: GatewayProcess
    provider: str
    token: str
    budgeted: str

    @property
    def pid(self) -> int:
        assert self.gateway.process is not None
        return self.gateway.process.pid

    def settle(self, calls: int) -> None:
        """Wait until that many calls are in the summary. Raises RuntimeError when they do not come, or more do."""
        if not wait_until(lambda: _summed() >= calls, PATIENCE, 0.2) or _summed() != calls:
            raise RuntimeError(f"The summary has {_summed():,} of {calls:,} calls.\n{self.gateway.said()}")

    def check(self, calls: int, output_tokens: int) -> None:
        """Raises RuntimeError when the ledger does not have exactly these calls, each with its tokens and its price."""
        self.settle(calls)
        with db.session() as session:
            found = session.connection().execute(
                text("SELECT count(*), coalesce(sum(output_tokens), 0)::bigint, count(cost) FROM usage_logs")
            )
            row = tuple(found.one())
        if row != (calls, output_tokens, calls):
            raise RuntimeError(f"The ledger has {row} rows, output tokens and prices, not {(calls, output_tokens)}.")


@contextmanager
def standing() -> Generator[Standing]:
    """Start everything, each on its core, and end it with the block."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})  # every process that is started from here stays there
    try:
        with place() as at, _provider() as provider:
            token, budgeted = _companies()
            gateway = GatewayProcess(at.folder / "gateway.log", {"OPENAI_BASE_URL": provider})
            try:
                os.sched_setaffinity(0, {cores[-1]})
                gateway.launch()
                os.sched_setaffinity(0, {cores[0]})
                if not wait_until(gateway.answers, 60):
                    raise RuntimeError(f"The gateway did not start:\n{gateway.said()}")
                found = Standing(at, gateway, provider, token, budgeted)
                for child in children(found.pid):
                    for thread in _numbers(os.listdir(f"/proc/{child}/task")):
                        os.sched_setaffinity(thread, {cores[0]})
                yield found
            finally:
                gateway.stop()
    finally:
        os.sched_setaffinity(0, set(cores))


@contextmanager
def _provider() -> Generator[str]:
    """The base URL of a provider that answers at once."""
    command = [sys.executable, "-m", "tests.bench.answering"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.stdin.close()
            process.wait(10)


def _companies() -> tuple[str, str]:
    """A token of each of two companies that have a key of the provider; the second has a hard budget, too."""
    tokens: list[str] = []
    with Session(db.engine()) as session:
        for name in ("free", "limited"):
            user = register(session, email=f"{name}@example.com", password="correct horse 7 battery", company=name)
            assert user.organization_id is not None
            owner = Actor(user.id, user.organization_id, UserRole.USER, TeamRole.OWNER, email=user.email)
            row = ApiKey(
                provider=Provider.OPENAI,
                encrypted_key="",
                iv="",
                tag="",
                label="main",
                user_id=user.id,
                organization_id=user.organization_id,
            )
            seal(row, "sk-proj-0123456789abcdef")
            session.add(row)
            tokens.append(create_token(session, owner, name="bench", scopes=["gateway"])[0])
            if name == "limited":
                create_budget(session, owner, NewBudget(name="Roomy", limit=_ROOMY, kind=BudgetKind.HARD))
        session.commit()
    return tokens[0], tokens[1]


def _summed() -> int:
    with db.session() as session:
        found = session.connection().execute(text("SELECT coalesce(sum(rows), 0)::bigint FROM usage_rollups"))
        return int(found.scalar_one())


def children(pid: int) -> list[int]:
    """Of all threads of a process."""
    return [
        child
        for path in Path(f"/proc/{pid}/task").glob("*/children")
        for child in _numbers(path.read_text(encoding="utf-8").split())
    ]


def _numbers(names: Iterable[str]) -> list[int]:
    return [int(name) for name in names]
