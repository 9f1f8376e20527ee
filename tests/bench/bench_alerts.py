"""Alerts: an hourly check of ten thousand rules, and how long it takes from an event to the message about it."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

import httpx
from sqlalchemy import text
from sqlmodel import Session, col, func, select

from guardian import db
from guardian.config import settings
from guardian.embedded.processes import wait_until
from guardian.jobs.alerts import hourly_check
from guardian.models import Alert, AlertTransition, Budget, Organization, ProviderAccount, TeamMember, User
from guardian.models.enums import AlertFrequency, AlertType, ComparisonType, Provider, TeamRole
from guardian.periods import DAY, floor_day, floor_hour, rfc3339, utcnow
from guardian.queue import ALERT_QUEUE, EMAIL_QUEUE
from guardian.services.actor import Actor
from guardian.services.guard.alerts.rules import NewAlert, create_alert
from guardian.services.guard.budgets import Scope
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.services.people.access.tokens import create_token
from tests.api.ingest.making import event
from tests.bench import generate
from tests.bench.figures import Figure, figure
from tests.bench.place import FULL, Place, place
from tests.bench.serving import serving
from tests.conftest import ROOT
from tests.fakes.sink import Sink

RULES = 10_000 if FULL else 400
ORGANIZATIONS = 200 if FULL else 8
ROWS = 2_500 if FULL else 500  # of each organization, in 13 months; the first one has forty times as many
CHECKS = 3 if FULL else 1
EVENTS = 40 if FULL else 3
CHECK_SECONDS, MESSAGE_MS = 30.0, 5_000.0
_LARGE = 40
_WORKERS = 2  # as `guardian up` has them

# What each hundred rules of an organization are: type, metric, window, scope, group, how many.
_SHAPES: tuple[tuple[AlertType, str, str, dict[str, str] | None, str | None, int], ...] = (
    (AlertType.COST_THRESHOLD, "cost", "1d", None, None, 10),
    (AlertType.COST_THRESHOLD, "cost", "month", None, "model", 6),
    (AlertType.COST_THRESHOLD, "cost", "1h", {"type": "model", "value": "gpt-*"}, None, 12),
    (AlertType.COST_THRESHOLD, "cost", "7d", {"type": "provider", "value": "OPENAI"}, "project", 8),
    (AlertType.COST_THRESHOLD, "cost", "day", {"type": "team", "value": "web"}, "user", 8),
    (AlertType.COST_THRESHOLD, "cost", "30d", {"type": "tag", "value": "stage=live"}, None, 2),
    (AlertType.COST_THRESHOLD, "unpriced", "1d", None, None, 6),
    (AlertType.COST_THRESHOLD, "drift", "7d", None, None, 1),
    (AlertType.USAGE_SPIKE, "cost", "1h", None, None, 6),
    (AlertType.USAGE_SPIKE, "requests", "1d", None, "model", 5),
    (AlertType.USAGE_SPIKE, "new_models", "1d", None, None, 2),
    (AlertType.USAGE_SPIKE, "new_keys", "1d", None, None, 2),
    (AlertType.RATE_LIMIT, "used", "1d", None, "key", 4),
    (AlertType.RATE_LIMIT, "refusals", "15m", None, None, 6),
    (AlertType.ERROR_RATE, "errors", "1h", None, "model", 10),
    (AlertType.ERROR_RATE, "sync_failures", "1d", None, "key", 4),
    (AlertType.BUDGET_EXCEEDED, "spent", "1d", None, None, 6),
    (AlertType.BUDGET_EXCEEDED, "forecast", "1d", None, None, 2),
)


def run() -> list[Figure]:
    """Every figure of this bench, from servers of its own that are gone afterwards."""
    with place() as at:
        with Session(db.engine()) as session:
            actors = _organizations(session)
            _fill(session, actors, utcnow())
            _rules(session, actors)
        return [*_hourly(), *_messages(at, actors[0])]


def _hourly() -> list[Figure]:
    """The first check moves what is over its threshold; the others find it moved, which is what most hours are like."""
    walls, processors = [], []
    for _ in range(1 + CHECKS):
        started, used = time.perf_counter(), _processor_seconds()
        hourly_check()
        walls.append(time.perf_counter() - started)
        processors.append(_processor_seconds() - used)
    with db.session() as session:
        moved = session.exec(select(func.count()).select_from(AlertTransition)).one()
        count = session.exec(select(func.count()).select_from(Alert).where(col(Alert.is_active).is_(True))).one()
    if count != RULES or not moved:
        raise RuntimeError(f"{count} rules, {moved} moves: the time says nothing.")
    name = f"hourly check, {RULES:,} rules of {ORGANIZATIONS} organizations"
    return [
        figure(f"{name}, the first, {moved:,} moves", walls[:1], target=CHECK_SECONDS, unit="s"),
        figure(name, walls[1:], target=CHECK_SECONDS, unit="s"),
        figure("of which in the worker's process", processors[1:], unit="s"),
    ]


def _messages(at: Place, actor: Actor) -> list[Figure]:
    """From the call of the ingest API to the message at an HTTP server, a rule for each event, among others."""
    with ExitStack() as stack:
        sink = stack.enter_context(Sink())
        at.environment["OUTBOUND_ALLOWLIST"] = f"127.0.0.1:{sink.port}"
        stack.enter_context(_allowing(at.environment["OUTBOUND_ALLOWLIST"]))
        with db.session() as session:
            secret, _ = create_token(session, actor, name="bench", scopes=["ingest"])
            for number in range(EVENTS):
                create_alert(session, actor, _waiting_for(number, sink))
        client = stack.enter_context(serving(at, "guardian.api:create_api", "--factory", ready="/health/live"))
        client.headers["Authorization"] = f"Bearer {secret}"
        for number in range(_WORKERS):
            stack.enter_context(_worker(at, number))
        _tell(client, EVENTS)  # so that workers have begun
        taken = [_told(client, sink, number) for number in range(EVENTS)]
    return [figure("from the call to the message at its receiver", taken, target=MESSAGE_MS)]


def _told(client: httpx.Client, sink: Sink, number: int) -> float:
    """Milliseconds."""
    known = len(sink.posted)
    started = time.perf_counter()
    _tell(client, number)
    if not wait_until(lambda: len(sink.posted) > known, 60, 0.002):
        raise RuntimeError("No message came.")
    if _model(number) not in sink.posted[known].body.decode():
        raise RuntimeError("It was another message.")
    return (time.perf_counter() - started) * 1000


def _tell(client: httpx.Client, number: int) -> None:
    told = event(
        eventId=f"bench-{number}-{time.time_ns()}", timestamp=rfc3339(utcnow()), model=_model(number), cost="20"
    )
    client.post("/api/v1/usage", json=told).raise_for_status()


def _model(number: int) -> str:
    return f"bench-model-{number:04d}"


def _waiting_for(number: int, sink: Sink) -> NewAlert:
    return NewAlert(
        name=f"Spend of {_model(number)}",
        type=AlertType.COST_THRESHOLD,
        threshold=Decimal(10),
        comparison_type=ComparisonType.GREATER_THAN,
        frequency=AlertFrequency.IMMEDIATE,
        scope=Scope("model", _model(number)),
        window="1h",
        notify_email=False,
        notify_webhook=True,
        webhook_url=sink.url(f"/{number}"),
    )


def _organizations(session: Session) -> list[Actor]:
    found: list[Actor] = []
    for number in range(ORGANIZATIONS):
        organization = Organization(name=f"Tenant {number}", settings={"timeZone": "Europe/Berlin"})
        session.add(organization)
        session.flush()
        owner = User(email=f"owner{number}@example.com", organization_id=organization.id)
        session.add(owner)
        session.flush()
        session.add(TeamMember(organization_id=organization.id, user_id=owner.id, role=TeamRole.OWNER))
        found.append(Actor(owner.id, organization.id, owner.role, TeamRole.OWNER, owner.email))
    session.commit()
    return found


def _fill(session: Session, actors: list[Actor], now: datetime) -> None:
    """Thirteen months of calls and of reports, which a sync has covered up to a few hours ago."""
    ensure_partitions(session, now - (generate.DAYS + 1) * DAY, now)
    cursor: Any = session.connection().connection.cursor()
    with cursor.copy(f"COPY usage_logs ({', '.join(generate.COLUMNS)}) FROM STDIN") as copy:
        for number, actor in enumerate(actors):
            chance = Random(f"alerts {number}")
            for row in generate.generated(chance, actor, ROWS * (_LARGE if number == 0 else 1), now):
                copy.write_row(row)
    session.connection().execute(text(generate.roll_up()))
    for actor in actors:
        for provider in (Provider.OPENAI, Provider.ANTHROPIC):
            covered = {"covered_from": floor_day(now) - 270 * DAY, "covered_to": floor_hour(now) - DAY / 8}
            account = f"{provider.value.lower()}_account"
            session.add(
                ProviderAccount(organization_id=actor.organization_id, provider=provider, account_id=account, **covered)
            )
    session.commit()
    for table in ("usage_logs", "usage_rollups"):
        session.connection().execute(text(f"ANALYZE {table}"))
    session.commit()
    generate.sum_up(session, actors[0], now)


def _rules(session: Session, actors: list[Actor]) -> None:
    """As many of each organization; one in twenty of those about spend is over its threshold."""
    chance, weights = Random("rules"), [shape[-1] for shape in _SHAPES]
    for actor in actors:
        limit = {"organization_id": actor.organization_id, "thresholds": [50, 80, 100]}
        session.add(Budget(name="All", limit=Decimal(100_000), **limit))
        session.add(Budget(name="Web", limit=Decimal(5_000), scope={"type": "team", "value": "web"}, **limit))
        for number in range(RULES // len(actors)):
            kind, metric, window, scope, group_by, _ = chance.choices(_SHAPES, weights)[0]
            session.add(
                Alert(
                    name=f"Rule {number}",
                    type=kind,
                    metric=metric,
                    threshold=Decimal(0 if chance.random() < 0.05 else 90_000),
                    comparison_type=ComparisonType.GREATER_THAN,
                    frequency=AlertFrequency.HOURLY,
                    scope=scope,
                    group_by=group_by,
                    window=window,
                    notify_email=False,
                    user_id=actor.user_id,
                    organization_id=actor.organization_id,
                )
            )
    session.commit()


@contextmanager
def _worker(at: Place, number: int) -> Iterator[None]:
    """`guardian worker` on the queues that do not wait for pulls, until the block ends."""
    with (at.folder / f"worker-{number}.log").open("wb") as log:
        command = [sys.executable, "-m", "workers.worker", ALERT_QUEUE, EMAIL_QUEUE]
        process = subprocess.Popen(command, cwd=ROOT, env=at.environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=60)


@contextmanager
def _allowing(hosts: str) -> Iterator[None]:
    """This process may give addresses of these private hosts, too."""
    os.environ["OUTBOUND_ALLOWLIST"] = hosts
    settings.cache_clear()
    try:
        yield
    finally:
        del os.environ["OUTBOUND_ALLOWLIST"]
        settings.cache_clear()


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
