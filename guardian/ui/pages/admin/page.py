"""/admin: the installation, for those who run it: its organizations, and the mail it would have sent."""

from dataclasses import dataclass
from typing import TypeAlias

import reflex as rx
from sqlmodel import Session

from guardian.config import settings
from guardian.periods import utcnow, zone
from guardian.services.actor import Actor
from guardian.services.people import installation, mailbox
from guardian.services.people.installation import OrganizationSummary
from guardian.services.people.mailbox import Mail, MailSummary
from guardian.ui.live_hub import Query
from guardian.ui.pages.admin import rows
from guardian.ui.pages.admin.rows import MailRow, OpenMail, OrganizationRow
from guardian.ui.pages.admin.view import admin_view
from guardian.ui.session import Page

ROUTE = "/admin"


@dataclass(frozen=True)
class _Found:
    organizations: list[OrganizationSummary]
    mails: list[MailSummary]
    open: Mail | None


# None for everybody else: the page then says what it says where there is no page.
_View: TypeAlias = _Found | None


class AdminState(Page, rx.State):
    """Mails and organizations as text. `allowed` comes from the check on the server; without it, nothing is here."""

    allowed: bool = False
    mails: list[MailRow] = []
    mail: OpenMail = rows.NO_MAIL
    organizations: list[OrganizationRow] = []
    facts: str = ""

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _View:
        if not actor.can("mailbox:read"):
            return None
        folder = mailbox.mailbox_folder(settings().guardian_data_dir)
        wanted = dict(query).get("mail")
        return _Found(
            organizations=installation.list_organizations(session, actor),
            mails=mailbox.list_mails(actor, folder),
            open=mailbox.read_mail(actor, folder, wanted) if wanted else None,
        )

    def _query(self) -> Query:
        return tuple(item for item in super()._query() if item[0] == "mail")

    def _show(self, view: _View) -> None:
        self.allowed = view is not None
        if view is None:
            self.mails, self.organizations, self.mail, self.facts = [], [], rows.NO_MAIL, ""
            return
        now, tz = utcnow(), zone(self.viewer.zone or "UTC")
        current = view.open.summary.id if view.open else ""
        self.mails = [rows.mail_row(each, ROUTE, current, now, tz) for each in view.mails]
        self.mail = rows.open_mail(view.open, tz) if view.open else rows.NO_MAIL
        self.organizations = [rows.organization_row(each, now, tz) for each in view.organizations]
        self.facts = rows.facts(view.organizations)


def page() -> rx.Component:
    return admin_view(AdminState, ROUTE)
