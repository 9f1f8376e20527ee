"""The explorer over ten million rows of one company: every grouping with every filter that its page offers."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import psycopg
from sqlmodel import Session

from guardian import db
from guardian.models.enums import TeamRole, UserRole
from guardian.periods import DAY, floor_day, utcnow
from guardian.services.actor import Actor
from guardian.services.ledger import queries
from guardian.services.ledger.views import DIMENSIONS
from guardian.services.people.access.accounts import register
from guardian.services.people.access.tokens import create_token
from tests.bench import company
from tests.bench.figures import Figure, figure
from tests.bench.place import FULL, Place, place
from tests.bench.serving import serving

ROWS = company.ROWS if FULL else min(company.ROWS, 50_000)
TARGET, DRILL_TARGET = 100.0, 500.0  # ms, p95, through the API
_ROUNDS = 3 if FULL else 1  # of every grouping with every filter
_RAW_ROUNDS = 5 if FULL else 1
_RANGES = (7, 30, 90, 180, 365, company.DAYS)
_BARS = {"hour": 4, "day": 100, "week": company.DAYS, "month": company.DAYS}
"""The page's buckets, and the longest range in days for which it offers each: at most 200 points."""
_TOP = 50

# What the first family asks, asked of the single rows: by the rule's shortest form, without a look at coverage.
_RAW = """
    SELECT user_id, sum(cost), sum(requests), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens)
    FROM usage_logs WHERE organization_id = %s AND timestamp >= %s AND timestamp < %s AND provider = 'OPENAI'
    GROUP BY 1 ORDER BY 2 DESC LIMIT 50
"""


@dataclass(frozen=True, slots=True)
class Asking:
    """The API as the company's owner asks it."""

    client: httpx.Client
    organization_id: str
    chance: random.Random
    end: datetime
    values: dict[str, list[str]]
    """Values of each dimension, of which all but the rarest occur."""

    def ask(self, path: str, **parameters: Any) -> tuple[float, Any]:
        """How many milliseconds it took, with nothing cached, and the answer."""
        queries.invalidate_organization(self.organization_id)
        started = time.perf_counter()
        answer = self.client.get(f"/api/v1/{path}", params=parameters)
        taken = (time.perf_counter() - started) * 1000
        return taken, answer.raise_for_status().json()["data"]

    def span(self, days: int) -> dict[str, str]:
        """A range of so many days that ends in the history, most often with today."""
        last = self.end - self.chance.choice((0, 0, 1, self.chance.randrange(company.DAYS - days + 1))) * DAY
        return {"from": (last - days * DAY).isoformat(), "to": last.isoformat()}

    def any_filter(self, dimension: str) -> dict[str, str]:
        return {dimension: self.chance.choice(values)} if (values := self.values.get(dimension)) else {}


def run() -> list[Figure]:
    """Every figure of this bench, from servers of its own that are gone afterwards."""
    with place() as at, Session(db.engine()) as session:
        user = register(session, email="owner@example.com", password="correct horse 7 battery", company="Company")
        assert user.organization_id is not None
        owner = Actor(user.id, user.organization_id, UserRole.USER, TeamRole.OWNER, email="owner@example.com")
        session.commit()
        started, now = time.monotonic(), utcnow()
        company.fill(session, owner, now, ROWS)
        print(f"{ROWS:,} rows and all that is summed up of them in {time.monotonic() - started:.0f} s", flush=True)
        return measure(at, session, owner, now)


def measure(at: Place, session: Session, owner: Actor, now: datetime) -> list[Figure]:
    """The figures of a company that is there."""
    secret, _ = create_token(session, owner, name="bench", scopes=["api"])
    session.commit()
    with ExitStack() as stack:
        client = stack.enter_context(serving(at, "guardian.api.main:create_api", "--factory", ready="/health/live"))
        client.headers["Authorization"] = f"Bearer {secret}"
        asking = Asking(client, owner.organization_id, random.Random(7), floor_day(now) + DAY, {})
        _read_values(asking)
        raw = _raw(stack, at, asking)
        families: dict[str, tuple[float | None, list[float]]] = {
            "table: one grouping, any filter": (TARGET, _tables(asking)),
            **{f"bars by {bucket}: one grouping, any filter": (TARGET, _bars(asking, bucket)) for bucket in _BARS},
            "sessions of a user, a team or a feature": (DRILL_TARGET, _sessions(asking)),
            "one session, one tag": (DRILL_TARGET, _drills(asking)),
            "a page of rows, any filter": (DRILL_TARGET, _pages(asking)),
            f"{company.DAYS} days by day, the top 10, any filter": (None, _long_bars(asking)),
            "30 days, any two filters": (None, _two_filters(asking)),
        }
    name = f"30 days of one provider by user, from {ROWS:,} rows of usage_logs"
    return [
        figure(name, raw),
        *(figure(what, taken, target=target, beside=name) for what, (target, taken) in families.items()),
    ]


def _read_values(asking: Asking) -> None:
    for dimension in DIMENSIONS:
        whole = {"from": (asking.end - company.DAYS * DAY).isoformat(), "to": asking.end.isoformat()}
        _, found = asking.ask("usage/summary", groupBy=dimension, top=40, **whole)
        groups = [group[dimension] for group in found["groups"] if "others" not in group]
        asking.values[dimension] = [value for value in groups if value]


def _each(asking: Asking, ask: Callable[[str, dict[str, str]], float], rounds: int = _ROUNDS) -> list[float]:
    """Every grouping without a filter and with one of each dimension, in an order that repeats nothing."""
    pairs = [(group, name) for group in DIMENSIONS for name in (None, *DIMENSIONS)] * rounds
    asking.chance.shuffle(pairs)
    return [ask(group, asking.any_filter(name) if name else {}) for group, name in pairs]


def _tables(asking: Asking) -> list[float]:
    def ask(group: str, filters: dict[str, str]) -> float:
        span = asking.span(asking.chance.choice(_RANGES))
        return asking.ask("usage/summary", groupBy=group, top=_TOP, **span, **filters)[0]

    return _each(asking, ask)


def _bars(asking: Asking, bucket: str) -> list[float]:
    def ask(group: str, filters: dict[str, str]) -> float:
        days = asking.chance.choice([days for days in (2, 4, *_RANGES, 100) if days <= _BARS[bucket]])
        bars = days * 24 if bucket == "hour" else days // {"day": 1, "week": 7, "month": 30}[bucket] + 1
        top = max(1, min(200 // bars, 8) - 1)
        return asking.ask("usage/summary", groupBy=group, top=top, bucket=bucket, **asking.span(days), **filters)[0]

    return _each(asking, ask, 1)


def _long_bars(asking: Asking) -> list[float]:
    def ask(group: str, filters: dict[str, str]) -> float:
        return asking.ask("usage/summary", groupBy=group, top=10, bucket="day", **asking.span(company.DAYS), **filters)[
            0
        ]

    pairs = asking.chance.choices(DIMENSIONS, k=10 * _ROUNDS)
    return [ask(group, asking.any_filter(asking.chance.choice(DIMENSIONS))) for group in pairs]


def _two_filters(asking: Asking) -> list[float]:
    taken: list[float] = []
    for _ in range(10 * _ROUNDS):
        group, one, other = asking.chance.sample(DIMENSIONS, 3)
        filters = {**asking.any_filter(one), **asking.any_filter(other)}
        taken.append(asking.ask("usage/summary", groupBy=group, top=_TOP, **asking.span(30), **filters)[0])
    return taken


def _sessions(asking: Asking) -> list[float]:
    taken: list[float] = []
    for _ in range(10 * _ROUNDS):
        filters = asking.any_filter(asking.chance.choice(("user", "user", "team", "feature")))
        days = 30 if "user" in filters else 7
        taken.append(asking.ask("usage/summary", groupBy="session", top=_TOP, **asking.span(days), **filters)[0])
    return taken


def _drills(asking: Asking) -> list[float]:
    taken: list[float] = []
    _, found = asking.ask("usage", user=asking.values["user"], limit=200)
    sessions = sorted({row["session"] for row in found})
    for _ in range(10 * _ROUNDS):
        what = {"session": asking.chance.choice(sessions)}
        if asking.chance.random() < 0.5:
            what = {"tag": f"customer:customer-{asking.chance.randrange(2_000)}"}
        days, bucket = asking.chance.choice(((30, "day"), (90, "week"), (company.DAYS, "month")))
        taken.append(asking.ask("usage/summary", bucket=bucket, groupBy="model", top=7, **asking.span(days), **what)[0])
    return taken


def _pages(asking: Asking) -> list[float]:
    """The first page and a later one, for each filter and for none."""
    taken: list[float] = []
    for dimension in (None, *DIMENSIONS, "tag") * _ROUNDS:
        filters = (
            {"tag": "environment:test"} if dimension == "tag" else asking.any_filter(dimension) if dimension else {}
        )
        milliseconds, rows = asking.ask("usage", limit=50, **filters)
        taken.append(milliseconds)
        middle = asking.end - asking.chance.randrange(30, company.DAYS) * DAY
        taken.append(asking.ask("usage", limit=50, to=middle.isoformat(), **filters)[0])
        if not rows and not dimension:
            raise RuntimeError("There are no rows, so the time says nothing.")
    return taken


def _raw(stack: ExitStack, at: Place, asking: Asking) -> Sequence[float]:
    connection = stack.enter_context(psycopg.connect(at.database_url, autocommit=True))
    taken: list[float] = []
    for number in range(_RAW_ROUNDS):
        last = asking.end - number * DAY
        started = time.perf_counter()
        connection.execute(_RAW, (asking.organization_id, last - 30 * DAY, last)).fetchall()
        taken.append((time.perf_counter() - started) * 1000)
    return taken
