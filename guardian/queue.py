"""Queue names, what a job may carry, and enqueue(): ids only, never a secret, never an object."""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from threading import Lock
from typing import Any, cast

import structlog
from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from rq import Queue
from rq.job import Job

from guardian.config import settings

USAGE_QUEUE = "usage-processing"
ALERT_QUEUE = "alert-checking"
EMAIL_QUEUE = "email-sending"
REPORT_QUEUE = "report-generation"
QUEUE_NAMES: tuple[str, ...] = (USAGE_QUEUE, ALERT_QUEUE, EMAIL_QUEUE, REPORT_QUEUE)

CHECK_ALERTS = "guardian.jobs.alerts.check_alerts"
# A job that is lost with its mark is not waited for any longer than this.
_MARK_SECONDS = 60

RESULT_TTL = timedelta(hours=1)
FAILURE_TTL = timedelta(days=7)

log = structlog.get_logger(__name__)
_making = Lock()


def connection() -> Redis:
    """This process's Redis. A lost connection is tried again for some 3 s before the call fails."""
    with _making:  # as db.engine
        return _connection()


def forget_connection() -> None:
    """Close it; whoever asks next gets a new one, by the settings of then."""
    with _making:
        if _connection.cache_info().currsize:
            _connection().close()
        _connection.cache_clear()


@lru_cache(maxsize=1)
def _connection() -> Redis:
    return Redis.from_url(
        settings().require_redis_url(),
        socket_connect_timeout=5,
        socket_keepalive=True,
        health_check_interval=15,
        retry=Retry(ExponentialWithJitterBackoff(base=0.1, cap=1), retries=5),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )


def enqueue(
    queue: str,
    function: Callable[..., Any] | str,
    *ids: str,
    job_id: str,
    timeout: int = 600,
    delay: timedelta | None = None,
    keep: timedelta = RESULT_TTL,
) -> Job:
    """Put one job on a queue. `job_id` uses "-" and names what the job does, so that the same job is there only once.

    Services name `function` by its dotted path, because they do not know the jobs. A job with that id that still
    waits is left where it is. `timeout` is in seconds, `keep` is how long a finished job is known.
    """
    run = cast("Callable[..., Any]", function)  # RQ takes a path too, but types the two apart
    target = Queue(queue, connection=connection())
    waiting = Job.fetch_many([job_id], connection=connection())[0]
    if waiting is not None and waiting.get_status() in ("queued", "scheduled", "deferred"):
        return waiting
    options: dict[str, Any] = {
        "job_id": job_id,
        "job_timeout": timeout,
        "result_ttl": int(keep.total_seconds()),
        "failure_ttl": int(FAILURE_TTL.total_seconds()),
    }
    if delay is not None and delay > timedelta(0):
        return target.enqueue_in(delay, run, *ids, **options)
    return target.enqueue(run, *ids, **options)


def enqueue_if_possible(queue: str, function: str, *ids: str, job_id: str, **options: Any) -> None:
    """`enqueue` for work that a table remembers: without Redis a recurring job brings it back later."""
    try:
        enqueue(queue, function, *ids, job_id=job_id, **options)
    except RedisError as error:
        log.warning("queue.unreachable", queue=queue, job=job_id, error=str(error))


def check_mark(organization_id: str) -> str:
    """The Redis key that says that a check of the organization's alerts waits, and has not begun."""
    return f"check:{organization_id}"


def check_soon(organization_id: str) -> None:
    """Have an organization's alerts looked at: called after each commit that stores usage, however often.

    One check waits at a time. It takes the mark away before it looks, so that what comes later has the next one.
    Without Redis nothing waits: the hourly check looks at everything.
    """
    try:
        if connection().set(check_mark(organization_id), 1, nx=True, ex=_MARK_SECONDS):
            job_id = f"check-alerts-{organization_id}-{time.time_ns() // 1_000_000}"
            # Some each second where much is used: an hour of them would fill Redis.
            enqueue(ALERT_QUEUE, CHECK_ALERTS, organization_id, job_id=job_id, keep=timedelta(minutes=1))
    except RedisError as error:
        log.warning("queue.unreachable", job="check-alerts", organization=organization_id, error=str(error))
