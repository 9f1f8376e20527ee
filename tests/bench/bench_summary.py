"""The dashboard's summary over a million usage rows, for the organization that has 40 % of them."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Any

import httpx
import psycopg
from sqlmodel import Session

from guardian import db
from guardian.periods import DAY, floor_day, utcnow
from guardian.services.actor import Actor
from guardian.services.ledger import queries
from guardian.services.people.access.tokens import create_token
from tests.bench import generate
from tests.bench.figures import Figure, figure, interleave
from tests.bench.place import FULL, Place, place
from tests.bench.serving import serving

TARGET = 50.0  # ms, p95, for a month of the largest organization through the API
ROWS = generate.ROWS if FULL else min(generate.ROWS, 50_000)
ROUNDS = 200 if FULL else 10
_SLOW_ROUNDS = 20 if FULL else 3  # of what takes long and has no target
_WARM_UP = 3  # rounds that are not counted: connections, imports, plans, pages that the database has not read yet
_SHIFTS = 7  # days by which ranges move from call to call

_RAW = """
    SELECT date_trunc('day', timestamp, 'UTC'), provider, model,
        sum(cost), sum(requests), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens)
    FROM usage_logs
    WHERE organization_id = %s AND timestamp >= %s AND timestamp < %s AND origin = 'sync'
    GROUP BY 1, 2, 3
"""


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
        end = floor_day(now) + DAY
        with ExitStack() as stack:
            client = _api(stack, at, secret)
            calls = _calls(stack, at, client, actor, end)
            slow_calls = _slow_calls(stack, at, client, actor, end)
            again = _calls_again(client, actor, end)
            interleave(_WARM_UP, **calls, **slow_calls)
            taken = interleave(ROUNDS, **calls)
            interleave(_SHIFTS, **again)
            taken |= interleave(ROUNDS, **again)
            slow = interleave(_SLOW_ROUNDS, **slow_calls)
    return _figures(taken, slow)


def _calls(
    stack: ExitStack, at: Place, client: httpx.Client, actor: Actor, end: datetime
) -> dict[str, Callable[[int], object]]:
    hello = stack.enter_context(serving(at, "tests.bench.hello:app", ready="/"))
    connection = stack.enter_context(psycopg.connect(at.database_url, autocommit=True))

    def bare(_: int) -> None:
        connection.execute("SELECT 1").fetchone()

    def bare_http(_: int) -> None:
        hello.get("/").raise_for_status()

    def month(number: int) -> None:
        queries.invalidate_organization(actor.organization_id)
        _summary(client, end, 30, number)

    def month_by_day(number: int) -> None:
        queries.invalidate_organization(actor.organization_id)
        _summary(client, end, 30, number, bucket="day", groupBy="provider,model")

    return {
        "select_1": bare,
        "hello": bare_http,
        "month": month,
        "month_by_day": month_by_day,
    }


def _calls_again(client: httpx.Client, actor: Actor, end: datetime) -> dict[str, Callable[[int], object]]:
    """What is answered from the cache, once each of the ranges was asked for."""

    def board(_: int) -> None:
        with db.session() as session:
            queries.dashboard(session, actor)

    return {
        "month_again": partial(_summary, client, end, 30, bucket="day", groupBy="provider,model"),
        "board_again": board,
    }


def _slow_calls(
    stack: ExitStack, at: Place, client: httpx.Client, actor: Actor, end: datetime
) -> dict[str, Callable[[int], object]]:
    connection = stack.enter_context(psycopg.connect(at.database_url, autocommit=True))

    def raw(number: int) -> None:
        last = end - (number % _SHIFTS) * DAY
        connection.execute(_RAW, (actor.organization_id, last - 30 * DAY, last)).fetchall()

    def board(_: int) -> None:
        queries.invalidate_organization(actor.organization_id)
        with db.session() as session:
            queries.dashboard(session, actor)

    return {
        "raw": raw,
        "quarter": partial(_summary, client, end, 90, bucket="day", groupBy="provider,model"),
        "history": partial(_summary, client, end, 330, bucket="day", groupBy="provider,model"),
        "board": board,
    }


def _api(stack: ExitStack, at: Place, secret: str) -> httpx.Client:
    client = stack.enter_context(serving(at, "guardian.api.main:create_api", "--factory", ready="/health/live"))
    client.headers["Authorization"] = f"Bearer {secret}"
    return client


def _summary(client: httpx.Client, end: datetime, days: int, number: int, **parameters: Any) -> None:
    last = end - (number % _SHIFTS) * DAY
    asked = {"from": (last - days * DAY).isoformat(), "to": last.isoformat(), "tz": "Europe/Berlin", **parameters}
    answer = client.get("/api/v1/usage/summary", params=asked).raise_for_status().json()
    if not answer["data"]["totals"]["requests"]:
        raise RuntimeError("The summary is empty, so its time says nothing.")


def _figures(taken: dict[str, list[float]], slow: dict[str, list[float]]) -> list[Figure]:
    raw = f"the same month from {ROWS:,} rows of usage_logs"
    hello = "FastAPI hello over HTTP"
    by_day = "by day, provider, model"
    return [
        figure("SELECT 1", taken["select_1"]),
        figure(hello, taken["hello"]),
        figure("API summary, 30 days, nothing cached", taken["month"], target=TARGET, beside=hello),
        figure(f"API summary, 30 days {by_day}, nothing cached", taken["month_by_day"], target=TARGET, beside=hello),
        figure(f"API summary, 30 days {by_day}, asked again", taken["month_again"], target=TARGET, beside=hello),
        figure("dashboard, asked again", taken["board_again"], target=TARGET, beside="SELECT 1"),
        figure(raw, slow["raw"]),
        figure(f"API summary, 90 days {by_day}", slow["quarter"], beside=raw),
        figure(f"API summary, 330 days {by_day}", slow["history"], beside=raw),
        figure("dashboard, nothing cached", slow["board"], beside=raw),
    ]
