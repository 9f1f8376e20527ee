"""The API under a steady load: 50 requests a second over a million usage rows, and how long it takes to sign in.

Requests begin when they are due, whether the one before is answered or not, and are timed from when they were due: a
server that falls behind cannot hide it. https://github.com/giltene/wrk2 says why.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
from sqlmodel import Session

from guardian import db
from guardian.models.base import new_id
from guardian.periods import DAY, floor_day, utcnow
from guardian.services.people.access.tokens import create_token
from tests.bench import generate
from tests.bench.figures import Figure, figure
from tests.bench.place import FULL, place
from tests.bench.serving import serving

READ, WRITE, SIGN_IN = 100.0, 150.0, 400.0  # ms, p95
PER_SECOND = 50
SECONDS = 60 if FULL else 3
ROWS = generate.ROWS if FULL else min(generate.ROWS, 20_000)
SIGN_INS = 30 if FULL else 3
_READS = 4  # of five requests; the fifth writes
_WARM_UP = 20
_PASSWORD = "correct horse battery"

Request = tuple[str, str, dict[str, Any]]


def run() -> list[Figure]:
    """Every figure of this bench, from servers of its own that are gone afterwards."""
    with place() as at, Session(db.engine()) as session:
        tenants = generate.tenants(session)
        now = utcnow()
        generate.fill(session, tenants, now, ROWS)
        actor = tenants[0].actor
        generate.sum_up(session, actor, now)
        secret, _ = create_token(session, actor, name="bench", scopes=["api"])
        session.commit()
        with ExitStack() as stack:
            client = stack.enter_context(serving(at, "guardian.api.main:create_api", "--factory", ready="/health/live"))
            url = str(client.base_url)
            signed = _sign_ins(client)
            headers = {"authorization": f"Bearer {secret}"}
            taken = asyncio.run(_steady(url, headers, _mixed(now)))
    return [
        figure(f"API read, {PER_SECOND} requests/s, {ROWS:,} rows", taken["read"], target=READ),
        figure(f"API write, {PER_SECOND} requests/s, {ROWS:,} rows", taken["write"], target=WRITE),
        figure("sign-in, password", signed, target=SIGN_IN),
    ]


def _sign_ins(client: httpx.Client) -> list[float]:
    who = {"email": "bench@acme.test", "password": _PASSWORD}
    client.post("/api/v1/auth/register", json=who).raise_for_status()
    taken: list[float] = []
    for _ in range(SIGN_INS + 2):
        client.cookies.clear()
        began = time.perf_counter()
        client.post("/api/v1/auth/login", json=who).raise_for_status()
        taken.append((time.perf_counter() - began) * 1000)
    return taken[2:]


def _mixed(now: Any) -> Iterator[Request]:
    """What programs ask for: lists, one thing, sums of ranges that move; and what they change."""
    end = floor_day(now) + DAY

    def span(number: int) -> dict[str, str]:
        last = end - (number % 7) * DAY
        return {"from": (last - 30 * DAY).isoformat(), "to": last.isoformat(), "tz": "Europe/Berlin"}

    reads: list[Callable[[int], Request]] = [
        lambda n: ("GET", "/usage/summary", {"params": {**span(n), "bucket": "day", "groupBy": "provider,model"}}),
        lambda n: ("GET", "/usage", {"params": {"limit": 50, **span(n)}}),
        lambda _: ("GET", "/budgets", {"params": {"sort": "-spent"}}),
        lambda _: ("GET", "/organization", {}),
        lambda _: ("GET", "/activity", {"params": {"limit": 50}}),
        lambda _: ("GET", "/tokens", {"params": {"sort": "name", "limit": 20}}),
        lambda n: ("GET", "/usage/summary", {"params": span(n)}),
        lambda _: ("GET", "/alerts", {}),
    ]
    writes: list[Callable[[int], Request]] = [
        # Of which there may be more than are asked for here, and no list that is read here grows.
        lambda _: ("POST", "/team/teams", {"json": {"name": new_id()}, "headers": {"idempotency-key": new_id()}}),
        lambda n: ("PATCH", "/organization", {"json": {"name": f"Bench {n}"}}),
        lambda _: ("POST", "/usage", {"json": _event()}),
    ]
    for number in itertools.count():
        kinds = reads if number % (_READS + 1) else writes
        yield (
            kinds[number // (_READS + 1) % len(kinds)](number)
            if kinds is writes
            else kinds[number % len(kinds)](number)
        )


def _event() -> dict[str, Any]:
    tokens = {"inputTokens": 1_200, "outputTokens": 340}
    moment = utcnow().isoformat()
    return {
        "eventId": new_id(),
        "timestamp": moment,
        "provider": "OPENAI",
        "model": "gpt-5-mini",
        "operation": "chat",
    } | tokens


async def _steady(url: str, headers: dict[str, str], requests: Iterator[Request]) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {"read": [], "write": []}
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", headers=headers, timeout=60) as client:

        async def ask(due: float, request: Request) -> None:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            method, path, options = request
            (await client.request(method, path, **options)).raise_for_status()
            taken["read" if method == "GET" else "write"].append((time.perf_counter() - due) * 1000)

        for request in itertools.islice(requests, _WARM_UP):
            await ask(time.perf_counter(), request)
        taken["read"].clear()
        taken["write"].clear()
        began = time.perf_counter() + 0.1
        due = (began + number / PER_SECOND for number in range(PER_SECOND * SECONDS))
        await asyncio.gather(*(ask(at, request) for at, request in zip(due, requests, strict=False)))
    return taken
