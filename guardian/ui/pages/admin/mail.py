"""/admin/mail: what was sent, what was not and why, and another try."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import reflex as rx
from sqlmodel import Session

from guardian.models.enums import DeliveryStatus
from guardian.services.actor import Actor
from guardian.services.guard.installation import mails
from guardian.services.guard.installation.mails import MailLine
from guardian.services.people.views import Page as Listed
from guardian.ui import format
from guardian.ui.audited import audited
from guardian.ui.components.basics import badge, button, moment
from guardian.ui.components.table import Column, cell, data_table
from guardian.ui.pages.admin.area import Listing, listing, under
from guardian.ui.rows import Moment
from guardian.ui.toasts import toast

ROUTE = "/admin/mail"
_WORDS = {"PENDING": "waits", "SENDING": "on its way", "SENT": "sent", "FAILED": "given up"}
_TONES = {"SENT": "good", "FAILED": "bad"}
_SUBJECT = Column("Mail", narrow="first")
_STATE = Column("State", narrow="amount")
_CAUSE = Column("Cause", narrow="second")
_TRIES = Column("Tries", numeric=True)
_WHEN = Column("Written", narrow="aside")
_DO = Column("To do", narrow="always")


@dataclass(frozen=True)
class MailRow:
    id: str
    subject: str
    about: str
    state: str
    tone: str
    cause: str
    tries: str
    when: Moment
    can_retry: bool


class MailState(Listing, rx.State):
    """The mail log as text."""

    _route: ClassVar[str] = ROUTE
    _names: ClassVar[tuple[str, ...]] = ("q", "status", "cursor")

    rows: list[MailRow] = []

    @classmethod
    def _find(cls, session: Session, actor: Actor, asked: dict[str, str]) -> Any:
        status = asked.get("status", "")
        found = mails.list_mail(
            session,
            actor,
            status=DeliveryStatus(status) if status in _WORDS else None,
            search=asked.get("q", ""),
            cursor=asked.get("cursor"),
        )
        return found, mails.counts(session, actor)

    def _put(self, found: tuple[Listed[MailLine], dict[DeliveryStatus, int]], asked: dict[str, str]) -> None:
        page, counts = found
        offered = tuple((f"{_WORDS[each].capitalize()} {format.number(counts[each])}", each.value) for each in counts)
        self._list(page, asked, "status", offered)
        now, tz = self._clock()
        self.rows = [
            MailRow(
                id=each.id,
                subject=each.subject,
                about=", ".join(part for part in (each.to, each.organization or "", each.kind) if part),
                state=_WORDS[each.status],
                tone=_TONES.get(each.status, ""),
                cause=each.error or "",
                tries=format.number(each.attempts),
                when=Moment.of(each.created_at, now, tz),
                can_retry=each.can_retry,
            )
            for each in page.items
        ]

    @rx.event
    async def retry(self, email_id: str) -> rx.event.EventSpec:
        """Have a mail sent now."""

        def work(session: Session, actor: Actor) -> MailLine:
            return mails.retry_mail(session, actor, email_id)

        await self._do(audited("MAIL_RETRY", "mail", work, lambda line: (line.id, {"kind": line.kind})))
        return toast("The mail is tried again.")


def page() -> rx.Component:
    state: Any = MailState
    table = data_table(
        "mail-log",
        [_SUBJECT, _STATE, _CAUSE, _TRIES, _WHEN, _DO],
        rx.foreach(state.rows, partial(_line, state)),
        caption="Mail of this installation",
    )
    return listing(
        state,
        "Every mail that was written, and what became of it",
        "Mail log",
        table,
        placeholder="Address, subject or cause",
        narrowed_by="State",
        nothing="No mail is found by this.",
    )


def _line(state: Any, row: MailRow) -> rx.Component:
    return rx.el.tr(
        cell(_SUBJECT, row.subject, under(row.about)),
        cell(_STATE, badge(row.state, row.tone)),
        cell(_CAUSE, row.cause),
        cell(_TRIES, row.tries),
        cell(_WHEN, moment(row.when)),
        cell(_DO, rx.cond(row.can_retry, button("Try again", on_click=state.retry(row.id)), rx.fragment())),
        key=row.id,
    )
