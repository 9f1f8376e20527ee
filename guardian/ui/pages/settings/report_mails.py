"""Which reports a person gets by mail: the section's part of the settings, and how it looks."""

from typing import Any

import reflex as rx
from sqlmodel import Session

from guardian.services.actor import Actor
from guardian.services.people.access import report_mails
from guardian.ui.audited import audited
from guardian.ui.components.basics import button, link
from guardian.ui.components.cards import card
from guardian.ui.components.forms import choice, choices
from guardian.ui.session import Page
from guardian.ui.toasts import toast

_NAMES = {
    "weekly": ("Every week", "On Monday, of the week before: of the organization, and of your team."),
    "monthly": ("Every month", "On the first, of the month before."),
}


class ReportMails(Page, mixin=True):
    """What is chosen is this person's own; it never comes with a live message."""

    weekly_mail: bool = False
    monthly_mail: bool = False

    @classmethod
    def _read_own(cls, session: Session, actor: Actor) -> Any:
        return super()._read_own(session, actor), report_mails.my_wishes(session, actor)

    def _show_own(self, own: Any) -> None:
        others, kinds = own
        super()._show_own(others)
        self._show_wishes(kinds)

    def _show_wishes(self, kinds: tuple[str, ...]) -> None:
        self.weekly_mail, self.monthly_mail = "weekly" in kinds, "monthly" in kinds

    @rx.event
    async def save_report_mails(self, form: dict[str, Any]) -> rx.event.EventSpec:
        """Get the reports that are ticked by mail, and no others."""
        kinds = [kind for kind in report_mails.KINDS if form.get(f"report-{kind}")]
        work = audited(
            "REPORT_MAILS_UPDATE",
            "user",
            lambda session, actor: report_mails.choose(session, actor, kinds),
            lambda chosen: (self.viewer.id, {"reports": list(chosen)}),
        )
        chosen = await self._call(work)
        self._show_wishes(chosen)
        said = " and ".join(chosen)
        if chosen and not await self._call(report_mails.reaches):
            return toast(f"You have chosen {said} reports. They come by mail once you have confirmed your address.")
        return toast(f"You get {said} reports by mail." if chosen else "You get no reports by mail.")


def report_mails_card(state: Any) -> rx.Component:
    """The card; mails lead to it."""
    checked = {"weekly": state.weekly_mail, "monthly": state.monthly_mail}
    options = [
        choice(
            "checkbox",
            f"report-{kind}",
            name,
            about,
            ident=f"report-{kind}",
            default_checked=checked[kind],
            # React takes a default only when the element is made: another key makes it anew.
            key=rx.cond(checked[kind], f"{kind}-on", f"{kind}-off"),
        )
        for kind, (name, about) in _NAMES.items()
    ]
    return rx.el.div(
        card(
            "Reports by mail",
            rx.el.form(
                choices("Which reports you get", *options),
                rx.el.p(
                    "They come to your confirmed address, with a PDF, and stay on the page ",
                    link("Reports", to="/reports"),
                    ".",
                    class_name="muted small",
                ),
                rx.el.div(button("Save", type="submit", kind="primary")),
                on_submit=state.save_report_mails,
                class_name="form",
            ),
        ),
        id="report-mails",
    )
