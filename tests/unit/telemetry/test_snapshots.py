"""Snapshots of processes in Redis: written, read back, gone in time."""

import os
import time

import pytest
from redis.exceptions import RedisError

from guardian import queue, telemetry
from guardian.telemetry import Figures, Reporter
from tests.conftest import Servers, forget_caches


def test_a_process_is_listed_until_it_ends(environment: Servers) -> None:
    figures = Figures()
    reporter = Reporter("gateway", figures, metrics="127.0.0.1:8001", journal=lambda: (5, 100), every=0.05)
    figures.note(0.02)
    figures.note(0.04, failed=True)
    figures.doing = "pull"
    reporter.start()
    deadline = time.monotonic() + 10
    while not (found := telemetry.processes()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(found) == 1
    one = found[0]
    assert (one.kind, one.pid, one.requests, one.errors) == ("gateway", os.getpid(), 2, 1)
    assert (one.journal_bytes, one.journal_limit, one.metrics, one.doing) == (5, 100, "127.0.0.1:8001", "pull")
    assert one.p50_ms == pytest.approx(20, rel=0.2)
    assert one.p99_ms == pytest.approx(40, rel=0.2)
    assert one.memory_bytes > 1_000_000
    assert one.started_at < one.at
    assert 0 <= one.age_seconds < 20
    reporter.close()
    assert telemetry.processes() == []


def test_one_that_was_killed_is_forgotten(environment: Servers) -> None:
    reporter = Reporter("web", Figures())
    reporter.write()
    assert [each.kind for each in telemetry.processes()] == ["web"]
    assert (one := telemetry.processes()[0]).p50_ms is None
    assert one.journal_bytes is None
    redis = queue.connection()
    name = next(iter(redis.zrange("telemetry:processes", 0, -1)))
    assert 0 < redis.ttl(b"telemetry:process:" + name) <= 30
    redis.zadd("telemetry:processes", {name: time.time() - 31})
    assert telemetry.processes() == []
    reporter.close()


def test_processes_are_in_the_order_of_their_kinds(environment: Servers) -> None:
    redis = queue.connection()
    reporters = [Reporter(kind, Figures()) for kind in ("worker", "gateway", "web")]
    for number, reporter in enumerate(reporters):
        reporter._name = f"host:{number}"
        reporter.write()
    assert [each.kind for each in telemetry.processes()] == ["gateway", "web", "worker"]
    assert redis.zcard("telemetry:processes") == 3
    for reporter in reporters:
        reporter.close()


def test_without_redis_it_goes_on(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    forget_caches()
    with telemetry.telling("web", port=1) as figures:
        figures.note(0.1)
    with pytest.raises(RedisError):
        telemetry.processes()
