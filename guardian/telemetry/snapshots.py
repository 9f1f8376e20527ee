"""Each process's own snapshot in Redis, written every 10 s, for whoever watches all of them."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psutil
import structlog
from redis import Redis
from redis.exceptions import RedisError

from guardian import queue
from guardian.config import settings
from guardian.periods import rfc3339, utcnow
from guardian.telemetry.figures import Figures

EVERY_SECONDS = 10.0
_KEPT_SECONDS = 30  # after its last word
_INDEX = "telemetry:processes"

Journal = Callable[[], tuple[int, int]]
"""How many bytes wait in this process's journal, and how many may."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSnapshot:
    """One process as it last told of itself.

    `kind` is web, gateway, worker or scheduler; `host` the machine's (or container's) name. `requests` since its start:
    requests answered (web, gateway), jobs ended (worker), jobs queued (scheduler); `errors` are those of them that
    failed for a reason of ours (a 5xx of our own, a failed job). `per_second` and the latencies (milliseconds) are of
    the last minute; the latencies are None where nothing was asked in it. `cpu_percent` is of one core, since the
    snapshot before. `journal_bytes` wait to be stored, of at most `journal_limit`; both None without a journal.
    `metrics` is where it answers /metrics ("host:port"), None where nowhere. `doing` is the job that a worker has now.
    `resting` are the provider keys (by id) that a gateway leaves alone after failures, until when (RFC 3339).
    """

    kind: str
    host: str
    pid: int
    started_at: datetime
    at: datetime
    requests: int
    errors: int
    per_second: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    memory_bytes: int
    cpu_percent: float
    threads: int
    journal_bytes: int | None
    journal_limit: int | None
    metrics: str | None
    doing: str | None
    resting: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def age_seconds(self) -> float:
        """How long ago it was written."""
        return (utcnow() - self.at).total_seconds()


def processes() -> list[ProcessSnapshot]:
    """The snapshots of all processes of this installation, by kind, host and pid. Raises RedisError."""
    redis = queue.connection()
    names = cast("list[bytes]", redis.zrangebyscore(_INDEX, time.time() - _KEPT_SECONDS, "+inf"))
    if not names:
        return []
    stored = cast("list[bytes | None]", redis.mget([_key(name.decode()) for name in names]))
    found = [_read(text) for text in stored if text is not None]
    return sorted(found, key=lambda each: (each.kind, each.host, each.pid))


class Reporter:
    """Writes this process's snapshots from a thread of its own; without Redis it goes on trying, and says nothing."""

    def __init__(
        self,
        kind: str,
        figures: Figures,
        *,
        metrics: str | None = None,
        journal: Journal | None = None,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._kind, self._figures, self._metrics, self._journal, self._every = kind, figures, metrics, journal, every
        self._host, self._pid = socket.gethostname(), os.getpid()
        self._process = psutil.Process()
        self._started = datetime.fromtimestamp(self._process.create_time(), UTC)
        self._name = f"{self._host}:{self._pid}"
        self._since = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        # One of its own: a worker forks, and what another thread holds of a shared one would stay held in the child.
        self._redis: Redis = Redis.from_url(settings().require_redis_url(), socket_connect_timeout=2, socket_timeout=2)

    def start(self) -> None:
        self._process.cpu_percent()
        self._thread.start()

    def close(self) -> None:
        """End, and take the snapshot away."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)
        with suppress(RedisError):
            self._redis.delete(_key(self._name))
            self._redis.zrem(_INDEX, self._name)
        self._redis.close()

    def snapshot(self) -> ProcessSnapshot:
        timings = self._figures.timings
        p50, p95, p99 = (None if s is None else round(s * 1000, 2) for s in timings.percentiles((0.5, 0.95, 0.99)))
        waiting, most = self._journal() if self._journal else (None, None)
        now = utcnow()
        return ProcessSnapshot(
            kind=self._kind,
            host=self._host,
            pid=self._pid,
            started_at=self._started,
            at=now,
            requests=timings.count,
            errors=self._figures.errors,
            per_second=round(timings.recent / max(1.0, min(60.0, time.monotonic() - self._since)), 3),
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            memory_bytes=self._process.memory_info().rss,
            cpu_percent=self._process.cpu_percent(),
            threads=self._process.num_threads(),
            journal_bytes=waiting,
            journal_limit=most,
            metrics=self._metrics,
            doing=self._figures.doing,
            resting={key: rfc3339(now + timedelta(seconds=left)) for key, left in self._figures.resting().items()},
        )

    def write(self) -> None:
        """Store one snapshot. Raises RedisError."""
        text = json.dumps(asdict(self.snapshot()), default=_encode)
        now = time.time()
        with self._redis.pipeline() as pipe:
            pipe.set(_key(self._name), text, ex=_KEPT_SECONDS)
            pipe.zadd(_INDEX, {self._name: now})
            pipe.zremrangebyscore(_INDEX, "-inf", now - _KEPT_SECONDS)
            pipe.execute()

    def _run(self) -> None:
        while True:
            try:
                self.write()
            except RedisError as error:
                log.debug("telemetry.not_written", error=str(error))
            self._figures.timings.mark()
            if self._stop.wait(self._every):
                return


def _key(name: str) -> str:
    return f"telemetry:process:{name}"


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not told")


def _read(text: bytes) -> ProcessSnapshot:
    found: dict[str, Any] = json.loads(text)
    for name in ("started_at", "at"):
        found[name] = datetime.fromisoformat(found[name])
    return ProcessSnapshot(**found)
