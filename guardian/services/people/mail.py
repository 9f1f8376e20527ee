"""Mail to be sent: one row each, and a job that sends it once the row is committed."""

from functools import partial

from sqlmodel import Session

from guardian import db, queue
from guardian.models import EmailLog

SEND_EMAIL = "guardian.jobs.mail.send_email"  # by name: services do not know the jobs


def queue_mail(
    session: Session, *, to: str, subject: str, text: str, html: str | None = None, organization_id: str | None = None
) -> EmailLog:
    """Store a mail and have it sent after this transaction's commit; nothing is sent when it is rolled back.

    The body waits in the row's `payload` and is taken away once it is sent: it may hold a link that signs in.
    """
    row = EmailLog(organization_id=organization_id, to=to, subject=subject, payload={"text": text, "html": html})
    session.add(row)
    session.flush()
    db.after_commit(
        session, partial(queue.enqueue, queue.EMAIL_QUEUE, SEND_EMAIL, row.id, job_id=f"send-email-{row.id}")
    )
    return row
