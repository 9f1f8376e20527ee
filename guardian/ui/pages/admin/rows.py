"""From the installation's and the mailbox's views to the text that the admin page shows: pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from guardian.services.people.installation import OrganizationSummary
from guardian.services.people.mailbox import Mail, MailSummary
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
class OrganizationRow:
    """A customer of this installation."""

    id: str
    name: str
    plan: str
    people: str
    stored: str
    since: Moment


NO_MAIL = OpenMail()


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


def organization_row(view: OrganizationSummary, now: datetime, tz: ZoneInfo) -> OrganizationRow:
    return OrganizationRow(
        id=view.id,
        name=view.name,
        plan=view.plan.value.capitalize(),
        people=format.number(view.users),
        stored=format.number(view.keys),
        since=Moment.of(view.created_at, now, tz),
    )


def facts(found: Sequence[OrganizationSummary]) -> str:
    """The installation in one line."""
    users, keys = sum(each.users for each in found), sum(each.keys for each in found)
    counts = ((len(found), "organization", "organizations"), (users, "person", "people"), (keys, "key", "keys"))
    return ", ".join(f"{format.number(count)} {one if count == 1 else many}" for count, one, many in counts)
