"""Jobs that watch: an organization as its usage arrives, all of them every hour, and what waits for its time."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog
from rq.timeouts import BaseTimeoutException

from guardian import db, queue
from guardian.jobs.patience import patiently
from guardian.periods import floor_hour, utcnow
from guardian.services.guard import watching

_PAGE = 200  # organizations
# Of the 600 that a recurring job has: the next job goes on where this one ends.
_SECONDS = 300.0
_ON_TIME = timedelta(minutes=2)

log = structlog.get_logger(__name__)


def check_alerts(organization_id: str) -> None:
    """Look at what is watched as usage arrives. What arrives from now on has a check of its own."""
    queue.connection().delete(queue.check_mark(organization_id))
    messages = patiently(lambda session: watching.check(session, organization_id, utcnow(), arrived=True))
    if messages:
        log.info("alerts.told", organization=organization_id, messages=len(messages))


def hourly_check(after: str = "") -> None:
    """Look at every rule of every organization, from the one behind `after` on, as of the hour that is just over.

    Windows of whole hours are read from sums alone. A check that comes late is as of its own time.
    """
    now = utcnow()
    hour = floor_hour(now)
    _check_each("hourly_check", after, watching.organizations, hour if now - hour < _ON_TIME else now, arrived=False)


def check_waiting(after: str = "") -> None:
    """Look at what is watched as usage arrives and now waits for time alone: no usage may come to bring it on."""
    now = utcnow()
    _check_each("check_waiting", after, partial(watching.waiting, now=now), now, arrived=True)


def _check_each(job: str, after: str, page_of: Callable[..., list[str]], now: datetime, *, arrived: bool) -> None:
    """One organization at a time, each in a transaction of its own: one that fails does not stop the others."""
    until, failed, checked = time.monotonic() + _SECONDS, 0, 0
    while page := patiently(partial(page_of, after=after, limit=_PAGE)):
        for after in page:
            checked += 1
            failed += not _check(after, now, arrived=arrived)
            if time.monotonic() > until:
                name = f"{job.replace('_', '-')}-after-{after}"
                queue.enqueue(queue.ALERT_QUEUE, f"guardian.jobs.alerts.{job}", after, job_id=name)
                log.info("alerts.go_on", job=job, after=after, organizations=checked)
                return
    if checked:
        log.info("alerts.checked", job=job, organizations=checked, failed=failed)


def _check(organization_id: str, now: datetime, *, arrived: bool) -> bool:
    """Whether it could be looked at."""
    try:
        with db.session() as session:
            watching.check(session, organization_id, now, arrived=arrived)
    except BaseTimeoutException:
        raise
    except Exception:  # whatever it is: the alerts of all other organizations are at stake
        log.exception("alerts.not_checked", organization=organization_id)
        return False
    return True
