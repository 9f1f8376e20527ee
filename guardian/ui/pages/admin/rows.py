"""From the queues' and the mailbox's views to the text that the admin page shows: pure functions."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from guardian.services.people.mailbox import Mail, MailSummary
from guardian.services.people.queues import FailedJob, QueueView
from guardian.ui import format
from guardian.ui.rows import Moment


@dataclass(frozen=True)
class MailRow:
    """A mail in the list; `href` opens it."""

    id: str
    subject: str
    recipients: str
    when: Moment
    href: str
    current: bool


@dataclass(frozen=True)
class OpenMail:
    """The mail that is open. `document` is what the sender wrote as HTML, for a frame that runs nothing."""

    id: str = ""
    subject: str = ""
    sender: str = ""
    recipients: str = ""
    when: str = ""
    document: str = ""
    text: str = ""
    attachments: str = ""


@dataclass(frozen=True)
class QueueRow:
    """A queue in numbers; `idle` where nobody takes from it."""

    name: str
    waiting: str
    running: str
    failed: str
    workers: str
    idle: bool


@dataclass(frozen=True)
class FailedRow:
    """A job that failed: what it was to do, and why it did not."""

    id: str
    what: str
    about: str
    cause: str
    when: Moment


NO_MAIL = OpenMail()
_NEVER = "At an unknown time"


def mail_row(view: MailSummary, route: str, current: str, now: datetime, tz: ZoneInfo) -> MailRow:
    return MailRow(
        id=view.id,
        subject=view.subject or "(no subject)",
        recipients=", ".join(view.recipients) or "nobody",
        when=Moment.of(view.date, now, tz),
        href=f"{route}?mail={view.id}",
        current=view.id == current,
    )


def open_mail(view: Mail, tz: ZoneInfo) -> OpenMail:
    return OpenMail(
        id=view.summary.id,
        subject=view.summary.subject or "(no subject)",
        sender=view.summary.sender,
        recipients=", ".join(view.summary.recipients),
        when=format.absolute(view.summary.date, tz),
        # Links of the mail open outside of its frame, where they work.
        document=f'<base target="_blank">{view.html}' if view.html else "",
        text=(view.text or "") if view.html is None else "",
        attachments=", ".join(view.attachments),
    )


def queue_row(view: QueueView) -> QueueRow:
    return QueueRow(
        name=view.name.replace("-", " ").capitalize(),
        waiting=format.number(view.waiting + view.scheduled),
        running=format.number(view.running),
        failed=format.number(view.failed),
        workers=format.number(view.workers),
        idle=view.workers == 0,
    )


def failed_row(view: FailedJob, now: datetime, tz: ZoneInfo) -> FailedRow:
    return FailedRow(
        id=view.id,
        what=view.function.rsplit(".", 1)[-1].replace("_", " ").capitalize(),
        about=", ".join(view.about),
        cause=view.cause,
        when=Moment.of(view.failed_at, now, tz, never=_NEVER),
    )
