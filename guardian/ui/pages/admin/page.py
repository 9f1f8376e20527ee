"""/admin: the installation, for those who run it: its queues, its failed jobs, and the mail it would have sent."""

from dataclasses import dataclass
from typing import TypeAlias

import reflex as rx
from sqlmodel import Session

from guardian.config import settings
from guardian.periods import utcnow, zone
from guardian.services.actor import Actor
from guardian.services.people import mailbox, queues
from guardian.services.people.mailbox import Mail, MailSummary
from guardian.services.people.queues import FailedJob, QueueView
from guardian.ui.audited import audited
from guardian.ui.live_hub import Query
from guardian.ui.pages.admin import rows
from guardian.ui.pages.admin.rows import FailedRow, MailRow, OpenMail, QueueRow
from guardian.ui.pages.admin.view import admin_view
from guardian.ui.session import Page
from guardian.ui.toasts import toast

ROUTE = "/admin"


@dataclass(frozen=True)
class _Found:
    mails: list[MailSummary]
    open: Mail | None
    queues: list[QueueView]
    failed: list[FailedJob]


# None for everybody else: the page then says what it says where there is no page.
_View: TypeAlias = _Found | None


class AdminState(Page, rx.State):
    """Mails and organizations as text. `allowed` comes from the check on the server; without it, nothing is here."""

    allowed: bool = False
    mails: list[MailRow] = []
    mail: OpenMail = rows.NO_MAIL
    queues: list[QueueRow] = []
    failed: list[FailedRow] = []

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _View:
        if not actor.can("mailbox:read"):
            return None
        folder = mailbox.mailbox_folder(settings().guardian_data_dir)
        wanted = dict(query).get("mail")
        return _Found(
            mails=mailbox.list_mails(actor, folder),
            open=mailbox.read_mail(actor, folder, wanted) if wanted else None,
            queues=queues.list_queues(actor),
            failed=queues.list_failed(actor),
        )

    def _query(self) -> Query:
        return tuple(item for item in super()._query() if item[0] == "mail")

    def _show(self, view: _View) -> None:
        self.allowed = view is not None
        if view is None:
            self.mails, self.mail, self.queues, self.failed = [], rows.NO_MAIL, [], []
            return
        now, tz = utcnow(), zone(self.viewer.zone or "UTC")
        current = view.open.summary.id if view.open else ""
        self.mails = [rows.mail_row(each, ROUTE, current, now, tz) for each in view.mails]
        self.mail = rows.open_mail(view.open, tz) if view.open else rows.NO_MAIL
        self.queues = [rows.queue_row(each) for each in view.queues]
        self.failed = [rows.failed_row(each, now, tz) for each in view.failed]

    @rx.event
    async def retry(self, job_id: str) -> rx.event.EventSpec:
        """Put a failed job back on its queue."""
        work = audited("JOB_RETRY", "job", lambda _, actor: queues.retry_job(actor, job_id), _about)
        await self._call(work)
        await self._refresh()
        return toast("The job is tried again.")

    @rx.event
    async def drop(self, job_id: str) -> rx.event.EventSpec:
        """Forget a failed job."""
        await self._call(audited("JOB_DROP", "job", lambda _, actor: queues.drop_job(actor, job_id), _about))
        await self._refresh()
        return toast("The job is forgotten.")


def _about(job: FailedJob) -> tuple[str, dict[str, str]]:
    return job.id, {"function": job.function, "queue": job.queue}


def page() -> rx.Component:
    return admin_view(AdminState, ROUTE)
