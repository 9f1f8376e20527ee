"""The journal at size: what a commit costs a busy event loop, and how fast what is in it gets into the ledger.

Commits come from 64 tasks of one loop, as a gateway's do, each waiting until its record is on disk. The shipping runs
in a process of its own, as `guardian ship` does, and every call has to be in the ledger exactly once.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from sqlalchemy import text

from guardian import db
from guardian.journal.writing import Journal
from guardian.models import Organization, User
from guardian.models.enums import Plan
from guardian.periods import utcnow
from guardian.services.ledger.ingest.entries import CallEntry, encode
from guardian.services.ledger.sums.rollups import disagreements
from tests.bench.figures import Figure, figure
from tests.bench.place import FULL, Place, place
from tests.conftest import ROOT

COMMITS = 300_000 if FULL else 5_000
CALLS = 200_000 if FULL else 10_000
TASKS = 64
MODELS = ("gpt-5", "gpt-5-mini", "claude-sonnet-4-5", "gemini-2.5-pro", "nobody-knows-it")
_CPU = 20.0  # microseconds of a record, so that the journal takes a fifth of a core at 10,000 calls a second

_SHIP = """
import json, sys, time
from pathlib import Path
from guardian.jobs.shipping import Announcer, Shipping, rare_cycles
with Announcer() as announcer, rare_cycles():
    shipping = Shipping(Path(sys.argv[1]), announcer)
    shipping.round()
    started, shipped = time.perf_counter(), 0
    while count := shipping.round():
        shipped += count
    print(json.dumps([shipped, time.perf_counter() - started]))
"""


def run() -> list[Figure]:
    """Every figure of this bench, from servers of its own that are gone afterwards."""
    with place() as at:
        return [*_commits(at.folder / "commits"), *_shipping(at)]


def _commits(folder: Path) -> list[Figure]:
    journal = Journal(folder, 2**34)
    journal.start()
    record = os.urandom(400)
    try:
        name = f"journal, {TASKS} tasks"
        waited, cpu, seconds = asyncio.run(_load(journal, record, TASKS, COMMITS // TASKS))
        alone, _, _ = asyncio.run(_load(journal, record, 1, COMMITS // 50))
    finally:
        journal.close()
    return [
        figure(f"{name}: commit", waited),
        figure(f"{name}: commits", [len(waited) / seconds], unit="/s", more=True),
        figure(f"{name}: CPU of a commit", [cpu / len(waited) * 1e6], target=_CPU, unit="µs"),
        figure("journal, 1 task: commit", alone),
    ]


async def _load(journal: Journal, record: bytes, tasks: int, each: int) -> tuple[list[float], float, float]:
    """Each wait in milliseconds; the seconds of CPU and of the clock that all took."""
    waited: list[float] = []

    async def one() -> None:
        for _ in range(each):
            started = time.perf_counter()
            await journal.commit(record)
            waited.append((time.perf_counter() - started) * 1000)

    clock, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one() for _ in range(tasks)))
    return waited, time.process_time() - cpu, time.perf_counter() - clock


def _shipping(at: Place) -> list[Figure]:
    with db.session() as session:
        owner = Organization(name="Acme", plan=Plan.ENTERPRISE)
        session.add(owner)
        session.flush()
        person = User(email=f"{owner.id}@example.com", organization_id=owner.id)
        session.add(person)
        session.flush()
        ids = owner.id, person.id
    folder = at.folder / "journal"
    journal = Journal(folder, 2**34)
    journal.start()
    for first in range(0, CALLS, 1_000):
        journal.commit_blocking(*(encode(_entry(*ids, number)) for number in range(first, first + 1_000)))
    journal.close()
    size = sum(path.stat().st_size for path in folder.glob("*.segment"))
    done = subprocess.run(
        [sys.executable, "-c", _SHIP, str(folder)], cwd=ROOT, env=at.environment, check=True, stdout=subprocess.PIPE
    )
    shipped, seconds = json.loads(done.stdout.splitlines()[-1])
    with db.session() as session:
        wrong: list[Any] = disagreements(session)
        found = session.connection().execute(text("SELECT count(*), sum(input_tokens)::bigint FROM usage_logs")).one()
    if wrong or tuple(found) != (CALLS, CALLS * 1_000 + sum(range(CALLS))):
        raise RuntimeError(f"The ledger has {found} of {CALLS} calls, so its speed says nothing. {wrong[:1]}")
    return [
        figure(f"shipping of {CALLS:,} calls", [shipped / seconds], unit="/s", more=True),
        figure("a call in the journal", [size / CALLS], unit="bytes"),
    ]


def _entry(organization_id: str, user_id: str, number: int) -> CallEntry:
    model = MODELS[number % len(MODELS)]
    provider = "ANTHROPIC" if model.startswith("claude") else "GOOGLE" if model.startswith("gemini") else "OPENAI"
    return CallEntry(
        organization_id=organization_id,
        identity=("response", provider, f"chatcmpl-{number:020d}", "1"),
        at=int(utcnow().timestamp() * 1_000_000) - number * 1_000,
        origin="gateway",
        provider=provider,
        operation="chat",
        model=model,
        counts={"input_tokens": 1_000 + number, "output_tokens": 200, "cache_read_tokens": 300, "reasoning_tokens": 50},
        requests=1,
        service_tier="default",
        user_id=user_id,
        access_token_id="c" + "t" * 24,
        account_id="acct",
        response_time=812,
        status_code=200,
        session=f"session {number % 50}",
        tags={"team": ("web", "search", "data")[number % 3], "feature": "answers"},
        metadata='{"requestId":"req_0123456789"}',
    )
