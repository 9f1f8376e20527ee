"""How the admin page looks: the queues, and the mailbox beside the mail that is open."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import icon, link, moment
from guardian.ui.components.cards import card
from guardian.ui.pages.admin.area import area
from guardian.ui.pages.admin.queues import queues_view
from guardian.ui.pages.admin.rows import MailRow

# No scripts, no forms, an origin of its own; links open outside. Remote images are stopped by the page's own policy.
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"


def admin_view(state: Any) -> rx.Component:
    """The page; `state` is the AdminState class."""
    return area(
        state,
        rx.cond(state.loaded, rx.fragment("Times in ", state.viewer.zone), "\u00a0"),
        queues_view(state),
        rx.cond(
            state.mails.length() > 0,
            rx.el.div(_mails(state), _mail(state), class_name="mailbox"),
            _mails(state),
        ),
    )


def _mails(state: Any) -> rx.Component:
    return card(
        "Mailbox",
        rx.el.p(
            "Mail that this installation kept instead of sending it: no mail server is set.", class_name="muted small"
        ),
        rx.cond(
            state.mails.length() > 0,
            rx.el.ul(rx.foreach(state.mails, _mail_row), class_name="mails"),
            rx.el.p(
                "No mail yet. What is sent to people, such as a link to a new password, is kept here.",
                class_name="muted none",
            ),
        ),
    )


def _mail_row(row: MailRow) -> rx.Component:
    return rx.el.li(
        link(
            rx.el.span(row.subject, class_name="subject"),
            rx.el.span(row.recipients, ", ", moment(row.when), class_name="muted small"),
            to=row.href,
            custom_attrs={"aria-current": rx.cond(row.current, "true", "false")},
        ),
        key=row.id,
    )


def _mail(state: Any) -> rx.Component:
    mail = state.mail
    return rx.el.section(
        rx.cond(
            mail.id != "",
            rx.el.article(
                rx.el.h2(mail.subject),
                rx.el.p("From ", mail.sender, " to ", mail.recipients, ", ", mail.when, class_name="muted small"),
                rx.cond(
                    mail.attachments != "",
                    rx.el.p(icon("paperclip", 14), mail.attachments, class_name="row muted small"),
                    rx.fragment(),
                ),
                rx.cond(
                    mail.document != "",
                    rx.el.iframe(
                        src_doc=mail.document,
                        title="The mail",
                        key=mail.id,
                        class_name="mail-frame",
                        custom_attrs={"sandbox": _SANDBOX, "referrerPolicy": "no-referrer"},
                    ),
                    rx.el.pre(mail.text, class_name="mail-text"),
                ),
                class_name="stack",
            ),
            rx.el.div(icon("mail-open", 32), rx.el.p("Choose a mail to read it."), class_name="nothing-open muted"),
        ),
        class_name="card mail-pane",
        custom_attrs={"aria-label": "The open mail"},
    )
