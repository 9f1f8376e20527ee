"""Jobs that deliver notices: each one once if all goes well, and again when it could not be delivered."""

import structlog
from rq.timeouts import BaseTimeoutException

from guardian import db
from guardian.jobs.patience import patiently
from guardian.services.guard import notices
from guardian.services.guard.notices.views import Outcome

_OURS = "An error of ours stopped this message ({}). The worker's log tells more of {}."

log = structlog.get_logger(__name__)


def deliver_notice(notification_id: str) -> None:
    """Send a message that waits, unless another worker does so already. However it fails, its tries have an end."""
    claimed = patiently(lambda session: notices.claim_notice(session, notification_id))
    if claimed is None:
        return
    try:
        outcome = notices.attempt(claimed.place, claimed.notice, claimed.message_id)
    except BaseTimeoutException:
        raise  # its lease ends by itself
    except Exception as error:  # whatever it is: a message that nobody gives up would be tried at each lease's end
        ours = Outcome(status=0, error=_OURS.format(type(error).__name__, notification_id), seconds=0)
        patiently(lambda session: notices.note_outcome(session, claimed, ours))
        raise
    if not outcome.taken:
        log.warning("notice.not_sent", id=notification_id, error=outcome.error, permanent=outcome.permanent)
    patiently(lambda session: notices.note_outcome(session, claimed, outcome))


def resume_notices() -> None:
    """Have messages sent whose sender is gone, that were put off until now, or lost with the queue."""
    with db.session() as session:
        notices.resume_notices(session)
