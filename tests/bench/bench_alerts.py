"""Alerts: an hourly check of ten thousand rules, and how long it takes from an event to the message about it."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal

import httpx
from rq import Worker
from sqlmodel import Session, col, func, select

from guardian import db
from guardian.config import settings
from guardian.embedded.processes import wait_until
from guardian.jobs.alerts import hourly_check
from guardian.models import Alert, AlertTransition
from guardian.models.enums import AlertFrequency, AlertType, ComparisonType
from guardian.periods import rfc3339, utcnow
from guardian.queue import ALERT_QUEUE, EMAIL_QUEUE, connection
from guardian.services.actor import Actor
from guardian.services.guard.alerts.rules import NewAlert, create_alert
from guardian.services.guard.budgets import Scope
from guardian.services.people.access.tokens import create_token
from tests.api.ingest.making import event
from tests.bench.figures import Figure, figure
from tests.bench.place import FULL, Place, place
from tests.bench.rules import ORGANIZATIONS, RULES, add_rules, fill, organizations
from tests.bench.serving import serving
from tests.conftest import ROOT
from tests.fakes.sink import Sink

CHECKS = 3 if FULL else 1
EVENTS = 40 if FULL else 5
CHECK_SECONDS, MESSAGE_MS = 30.0, 5_000.0
_WORKERS = 2  # as `guardian up` has them


def run() -> list[Figure]:
    """Every figure of this bench, from servers of its own that are gone afterwards."""
    with place() as at:
        with Session(db.engine()) as session:
            actors = organizations(session)
            fill(session, actors, utcnow())
            add_rules(session, actors)
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
            for number in range(1 + EVENTS):
                create_alert(session, actor, _waiting_for(number, sink))
        client = stack.enter_context(serving(at, "guardian.api:create_api", "--factory", ready="/health/live"))
        client.headers["Authorization"] = f"Bearer {secret}"
        for number in range(_WORKERS):
            stack.enter_context(_worker(at, number))
        if not wait_until(lambda: len(Worker.all(connection=connection())) == _WORKERS, 60):
            raise RuntimeError("The workers did not start.")
        taken = [_told(client, sink, number) for number in range(1 + EVENTS)][1:]
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
