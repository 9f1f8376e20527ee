"""The log of all mail: what was sent, what was not and why, and another try."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from guardian.errors import ConflictError, NotFoundError
from guardian.models import EmailLog, Organization
from guardian.models.enums import DeliveryStatus
from guardian.services.actor import Actor
from guardian.services.guard.installation.paging import checked, paged, size
from guardian.services.people import mail
from guardian.services.people.views import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLine:
    """`error` is the last server's word; `can_retry` while its text is still kept: a mail that was given up, and that
    may hold a link that signs in, is asked for anew where it came from.
    """

    id: str
    kind: str
    to: str
    subject: str
    organization: str | None
    status: DeliveryStatus
    error: str | None
    attempts: int
    not_before: datetime | None
    created_at: datetime
    sent_at: datetime | None
    can_retry: bool


def list_mail(
    session: Session,
    actor: Actor,
    *,
    status: DeliveryStatus | None = None,
    search: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[MailLine]:
    """Newest first; `search` is a part of the address, the subject or the cause. Never the text of a mail."""
    actor.require("admin:read")
    count, after = size(limit), checked(cursor)
    query = (
        select(EmailLog, Organization.name)
        .join(Organization, col(Organization.id) == col(EmailLog.organization_id), isouter=True)
        .order_by(col(EmailLog.id).desc())
        .limit(count + 1)
    )
    if status is not None:
        query = query.where(EmailLog.status == status)
    if search:
        places = (col(EmailLog.to), col(EmailLog.subject), col(EmailLog.error), col(EmailLog.kind))
        query = query.where(or_(*(place.icontains(search, autoescape=True) for place in places)))
    if after is not None:
        query = query.where(col(EmailLog.id) < after)
    rows = session.exec(query).all()
    return paged(rows, count, lambda row: row[0].id, lambda row: _line(*row))


def counts(session: Session, actor: Actor) -> dict[DeliveryStatus, int]:
    """How many mails there are in each state. Raises AuthorizationError."""
    actor.require("admin:read")
    found = session.exec(select(EmailLog.status, func.count()).group_by(col(EmailLog.status)))
    known = dict(found.all())
    return {status: known.get(status, 0) for status in DeliveryStatus}


def retry_mail(session: Session, actor: Actor, email_id: str) -> MailLine:
    """Have a mail sent now that waits for its next try, or was given up.

    Raises AuthorizationError, NotFoundError, and ConflictError where it was sent, is being sent, or has no text left.
    """
    actor.require("admin:update")
    row = session.get(EmailLog, email_id, with_for_update=True)
    if row is None:
        raise NotFoundError("Mail")
    if row.status is DeliveryStatus.SENT:
        raise ConflictError("This mail was sent.")
    if row.status is DeliveryStatus.SENDING:
        raise ConflictError("This mail is being sent just now.")
    if not row.payload:
        raise ConflictError("The text of this mail is gone. Have it sent anew where it came from.")
    mail.send_again(session, row)
    organization = session.get(Organization, row.organization_id) if row.organization_id else None
    return _line(row, organization.name if organization else None)


def _line(row: EmailLog, organization: str | None) -> MailLine:
    return MailLine(
        id=row.id,
        kind=row.kind,
        to=row.to,
        subject=row.subject,
        organization=organization,
        status=row.status,
        error=row.error,
        attempts=row.attempts,
        not_before=row.not_before,
        created_at=row.created_at,
        sent_at=row.sent_at,
        can_retry=bool(row.payload) and row.status in (DeliveryStatus.PENDING, DeliveryStatus.FAILED),
    )
