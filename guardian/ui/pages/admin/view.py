"""How the admin page looks: the mailbox beside the mail that is open, the organizations, and the queues."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import button, icon, link, moment
from guardian.ui.components.cards import card
from guardian.ui.components.frame import frame
from guardian.ui.components.states import skeleton_card
from guardian.ui.components.table import Column, cell
from guardian.ui.pages.admin.queues import queues_view
from guardian.ui.pages.admin.rows import MailRow, OrganizationRow
from guardian.ui.pages.doors.missing import missing

_NAME = Column("Organization", narrow="first")
_PLAN = Column("Plan", narrow="second")
_USERS = Column("People", numeric=True, narrow="amount")
_KEYS = Column("Keys", numeric=True)
_SINCE = Column("Since", narrow="aside")
# No scripts, no forms, an origin of its own; links open outside. Remote images are stopped by the page's own policy.
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
_COLUMNS = [_NAME, _PLAN, _USERS, _KEYS, _SINCE]


def admin_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the AdminState class."""
    page = frame(
        state,
        here,
        rx.cond(
            state.mails.length() > 0,
            rx.el.div(_mails(state), _mail(state), class_name="mailbox"),
            _mails(state),
        ),
        _organizations(state),
        queues_view(state),
        skeleton=rx.fragment(skeleton_card(5, "36px"), skeleton_card(3, "28px")),
        about=rx.cond(state.loaded, rx.fragment(state.facts, ", times in ", state.viewer.zone), "\u00a0"),
        actions=button(icon("refresh-cw", 14), "Look again", on_click=state.load),
    )
    return rx.cond(state.loaded & ~state.allowed, rx.el.main(missing(), class_name="door"), page)


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
                        custom_attrs={
                            "sandbox": "allow-popups allow-popups-to-escape-sandbox",
                            "referrerPolicy": "no-referrer",
                        },
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


def _organizations(state: Any) -> rx.Component:
    caption = "Organizations of this installation"
    return rx.el.section(
        rx.el.div(rx.el.h2("Organizations"), class_name="card-head"),
        rx.el.div(
            rx.el.table(
                rx.el.caption(caption, class_name="sr-only"),
                rx.el.thead(rx.el.tr(*(head(each) for each in _COLUMNS))),
                rx.el.tbody(rx.foreach(state.organizations, _organization)),
                class_name="table",
            ),
            class_name="table-wrap",
            custom_attrs={"tabIndex": "0", "role": "region", "aria-label": caption},
        ),
        class_name="card",
    )


def head(column: Column) -> rx.Component:
    return rx.el.th(column.title, scope="col", class_name="num" if column.numeric else "")


def _organization(row: OrganizationRow) -> rx.Component:
    return rx.el.tr(
        cell(_NAME, row.name),
        cell(_PLAN, row.plan),
        cell(
            _USERS, row.people, rx.el.span(rx.cond(row.people == "1", " person", " people"), class_name="narrow-only")
        ),
        cell(_KEYS, row.stored),
        cell(_SINCE, moment(row.since)),
        key=row.id,
    )
