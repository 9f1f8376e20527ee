"""Jobs that keep the ledger: pull a key's reports, pull all keys' every night, bring back what was cut off, sum up."""

import structlog

from guardian import db
from guardian.errors import GuardianError
from guardian.jobs.pulling import pull
from guardian.models.enums import SyncTrigger
from guardian.periods import DAY, utcnow
from guardian.services.actor import Actor
from guardian.services.ledger import daily
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.services.ledger.sync import due_keys, request_sync, resume_runs

_AHEAD = 62 * DAY  # at least two months: a scheduler that was away for weeks is no harm

_BATCHES = 10  # of days of an organization in one run of the job: half a minute for the largest ones

log = structlog.get_logger(__name__)


def sync_usage(run_id: str) -> None:
    """Pull what a SyncRun says, unless another worker does so already."""
    pull(run_id)


def sync_all() -> None:
    """Ask for the pull of every key whose organization's day has begun; one that cannot be pulled does not keep the
    others from it.
    """
    with db.session() as session:
        keys = due_keys(session, utcnow())
    for key in keys:
        actor = Actor.for_job(key.user_id, key.organization_id)
        try:
            with db.session() as session:
                request_sync(session, actor, key.key_id, trigger=SyncTrigger.SCHEDULE)
        except GuardianError as error:
            log.warning("sync.not_requested", key=key.key_id, error=error.message)
    if keys:
        log.info("sync.requested", keys=len(keys))


def resume_syncs() -> None:
    """Call workers for pulls that were cut off, put off until now, or lost with the queue."""
    with db.session() as session:
        resumed = resume_runs(session)
    if resumed:
        log.info("sync.resumed", runs=resumed)


def make_days() -> None:
    """Sum up the days that are over, or were changed since; what is left after ten batches is the next run's."""
    with db.session() as session:
        organizations = daily.organizations(session, utcnow())
    for organization_id in organizations:
        for _ in range(_BATCHES):
            with db.session() as session:
                left = daily.make_days(session, organization_id, utcnow())
            if not left:
                break
        else:
            log.info("days.left", organization=organization_id)


def make_partitions() -> None:
    """Have the ledger's partitions ready before their month begins."""
    with db.session() as session:
        made = ensure_partitions(session, utcnow(), utcnow() + _AHEAD)
    if made:
        log.info("partitions.made", names=made)
