"""A job's transactions: tried again for some minutes while the database is away."""

from collections.abc import Callable
from typing import TypeVar

import structlog
from sqlmodel import Session
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential,
    wait_random,
)

from guardian import db
from guardian.errors import UnavailableError

PATIENCE_SECONDS = 300

T = TypeVar("T")
log = structlog.get_logger(__name__)


def in_transaction(work: Callable[[Session], T]) -> T:
    """Do the work in a transaction of its own."""
    with db.session() as session:
        return work(session)


def patiently(work: Callable[[Session], T], unless: Callable[[], bool] = lambda: False) -> T:
    """Do the work in a transaction of its own; `work` may be called again, each time in a new one.

    Raises UnavailableError when the database is away for longer than PATIENCE_SECONDS, or `unless` answers True.
    """
    late = stop_after_delay(PATIENCE_SECONDS)
    retrying = Retrying(
        retry=retry_if_exception_type(UnavailableError),
        wait=wait_exponential(multiplier=0.2, max=5) + wait_random(0, 0.5),
        stop=lambda state: late(state) or unless(),
        before_sleep=_say_so,
        reraise=True,
    )
    return retrying(lambda: in_transaction(work))


def _say_so(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("database.away", attempt=state.attempt_number, cause=str(error.__cause__ if error else None))
