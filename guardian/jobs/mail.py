"""Jobs that send mail: each one once if all goes well, and again when it could not be delivered."""

import structlog
from rq.timeouts import BaseTimeoutException
from sqlmodel import Session

from guardian import db
from guardian.channels.base import ChannelError
from guardian.channels.email import Letter, deliver
from guardian.config import settings
from guardian.jobs.patience import patiently
from guardian.services.guard import notices
from guardian.services.people import mail

_OURS = "An error of ours stopped this mail ({}). The worker's log tells more of {}."

log = structlog.get_logger(__name__)


def send_email(email_id: str) -> None:
    """Send a mail that waits, unless another worker does so already. However it fails, it is tried a few times only."""
    letter = patiently(lambda session: _claim(session, email_id))
    if letter is None:
        return
    try:
        message_id = deliver(letter, settings())
    except ChannelError as error:
        failure = error
        log.warning("mail.not_sent", id=email_id, error=error.message, permanent=error.permanent)
        patiently(lambda session: _note_failure(session, email_id, failure))
    except BaseTimeoutException:
        raise  # its lease ends by itself
    except Exception as error:  # whatever it is: a mail that nobody gives up would be tried each minute for ever
        ours = ChannelError(_OURS.format(type(error).__name__, email_id), permanent=False)
        patiently(lambda session: _note_failure(session, email_id, ours))
        raise
    else:
        patiently(lambda session: _note_sent(session, email_id, message_id))


def _claim(session: Session, email_id: str) -> Letter | None:
    letter = mail.claim_mail(session, email_id)
    if letter is None:
        notices.follow_mail(session, email_id)  # it may have been given up
    return letter


def _note_sent(session: Session, email_id: str, message_id: str) -> None:
    mail.note_sent(session, email_id, message_id)
    notices.follow_mail(session, email_id)


def _note_failure(session: Session, email_id: str, failure: ChannelError) -> None:
    mail.note_failure(session, email_id, failure.message, permanent=failure.permanent)
    notices.follow_mail(session, email_id)


def resume_mails() -> None:
    """Have mails sent whose sender is gone, that were put off until now, or lost with the queue."""
    with db.session() as session:
        mail.resume_mails(session)
