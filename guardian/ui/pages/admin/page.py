"""/admin: the installation, for those who run it: its queues, its failed jobs, and the mail it would have sent."""

from dataclasses import dataclass
from typing import ClassVar

import reflex as rx
from sqlmodel import Session

from guardian.config import settings
from guardian.services.actor import Actor
from guardian.services.people import mailbox, queues
from guardian.services.people.mailbox import Mail, MailSummary
from guardian.services.people.queues import FailedJob, QueueView
from guardian.ui.audited import audited
from guardian.ui.pages.admin import rows
from guardian.ui.pages.admin.area import HOME, Area
from guardian.ui.pages.admin.rows import FailedRow, MailRow, OpenMail, QueueRow
from guardian.ui.pages.admin.view import admin_view
from guardian.ui.toasts import toast

ROUTE = HOME


@dataclass(frozen=True)
class _Found:
    mails: list[MailSummary]
    open: Mail | None
    queues: list[QueueView]
    failed: list[FailedJob]


class AdminState(Area, rx.State):
    """Queues, failed jobs and mails as text."""

    _route: ClassVar[str] = ROUTE
    _names: ClassVar[tuple[str, ...]] = ("mail",)

    mails: list[MailRow] = []
    mail: OpenMail = rows.NO_MAIL
    queues: list[QueueRow] = []
    failed: list[FailedRow] = []

    @classmethod
    def _find(cls, session: Session, actor: Actor, asked: dict[str, str]) -> _Found:
        folder = mailbox.mailbox_folder(settings().guardian_data_dir)
        wanted = asked.get("mail")
        return _Found(
            mails=mailbox.list_mails(actor, folder),
            open=mailbox.read_mail(actor, folder, wanted) if wanted else None,
            queues=queues.list_queues(actor),
            failed=queues.list_failed(actor),
        )

    def _put(self, found: _Found, asked: dict[str, str]) -> None:
        now, tz = self._clock()
        current = found.open.summary.id if found.open else ""
        self.mails = [rows.mail_row(each, ROUTE, current, now, tz) for each in found.mails]
        self.mail = rows.open_mail(found.open, tz) if found.open else rows.NO_MAIL
        self.queues = [rows.queue_row(each) for each in found.queues]
        self.failed = [rows.failed_row(each, now, tz) for each in found.failed]

    @rx.event
    async def retry(self, job_id: str) -> rx.event.EventSpec:
        """Put a failed job back on its queue."""
        await self._do(audited("JOB_RETRY", "job", lambda _, actor: queues.retry_job(actor, job_id), _about))
        return toast("The job is tried again.")

    @rx.event
    async def drop(self, job_id: str) -> rx.event.EventSpec:
        """Forget a failed job."""
        await self._do(audited("JOB_DROP", "job", lambda _, actor: queues.drop_job(actor, job_id), _about))
        return toast("The job is forgotten.")


def _about(job: FailedJob) -> tuple[str, dict[str, str]]:
    return job.id, {"function": job.function, "queue": job.queue}


def page() -> rx.Component:
    return admin_view(AdminState)
