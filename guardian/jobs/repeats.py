"""Requests that named an Idempotency-Key a day ago are forgotten."""

import structlog

from guardian import db
from guardian.services.people.repeats import forget_old

log = structlog.get_logger(__name__)


def forget_requests() -> None:
    """In batches, each a transaction of its own, so that requests never wait for it."""
    total = 0
    while True:
        with db.session() as session:
            found = forget_old(session)
        total += found
        if not found:
            break
    if total:
        log.info("requests.forgotten", count=total)
