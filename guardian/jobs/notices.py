"""Jobs that deliver notices: each one once if all goes well, and again when it could not be delivered."""

import structlog

from guardian import db
from guardian.jobs.patience import patiently
from guardian.services.guard import notices

log = structlog.get_logger(__name__)


def deliver_notice(notification_id: str) -> None:
    """Send a message that waits, unless another worker does so already."""
    claimed = patiently(lambda session: notices.claim_notice(session, notification_id))
    if claimed is None:
        return
    outcome = notices.attempt(claimed.place, claimed.notice, claimed.message_id)
    if not outcome.taken:
        log.warning("notice.not_sent", id=notification_id, error=outcome.error, permanent=outcome.permanent)
    patiently(lambda session: notices.note_outcome(session, claimed, outcome))


def resume_notices() -> None:
    """Have messages sent whose sender is gone, that were put off until now, or lost with the queue."""
    with db.session() as session:
        notices.resume_notices(session)
