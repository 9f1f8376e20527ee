"""How the settings look: one card for each concern, the dialogs of access tokens."""

from functools import partial
from typing import Any
from zoneinfo import available_timezones

import reflex as rx

from guardian.snippets import Snippet
from guardian.ui.components.basics import badge, button, icon, link, moment
from guardian.ui.components.cards import card
from guardian.ui.components.code import code_block
from guardian.ui.components.forms import field, refusal
from guardian.ui.components.frame import frame
from guardian.ui.components.states import skeleton_card
from guardian.ui.pages.settings.channel_dialogs import channel_dialogs
from guardian.ui.pages.settings.channel_view import channels_card
from guardian.ui.pages.settings.dialogs import token_dialogs
from guardian.ui.pages.settings.report_mails import report_mails_card
from guardian.ui.pages.settings.rows import ActivityRow, TokenRow
from guardian.ui.pages.settings.security_dialogs import security_dialogs
from guardian.ui.pages.settings.security_view import security_cards


def settings_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the SettingsState class."""
    return frame(
        state,
        here,
        _organization(state),
        channels_card(state),
        report_mails_card(state),
        security_cards(state),
        _tokens(state),
        _connect(state),
        _activity(state),
        token_dialogs(state),
        channel_dialogs(state),
        security_dialogs(state),
        skeleton=rx.fragment(skeleton_card(4, "36px"), skeleton_card(3, "28px"), skeleton_card(2, "28px")),
        about=rx.cond(state.loaded, rx.fragment(state.viewer.email, ", times in ", state.viewer.zone), "\u00a0"),
    )


def _organization(state: Any) -> rx.Component:
    return card(
        "Organization",
        rx.el.form(
            rx.el.div(
                field("Name", "name", value=state.name, disabled=~state.may_change, required=True, max_length=200),
                field(
                    "Time zone",
                    "time_zone",
                    value=state.time_zone,
                    help=state.local_time,
                    disabled=~state.may_change,
                    required=True,
                    list="time-zones",
                    custom_attrs={"autoComplete": "off", "spellCheck": "false"},
                ),
                field(
                    "Billing e-mail",
                    "billing_email",
                    value=state.billing_email,
                    kind="email",
                    help="Whom to ask about the providers' bills. May be empty.",
                    disabled=~state.may_change,
                ),
                class_name="columns",
            ),
            rx.el.datalist(*(rx.el.option(value=name) for name in _zones()), id="time-zones"),
            refusal(state.refusal, "Nothing was changed."),
            rx.cond(
                state.may_change,
                rx.el.div(button("Save", type="submit", kind="primary")),
                rx.el.p("Only an administrator of the organization can change this.", class_name="muted small"),
            ),
            on_submit=state.save_organization,
            class_name="form",
        ),
    )


def _zones() -> list[str]:
    """The zones that people live in: without the old aliases and the ones without a place."""
    return ["UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))]


def _tokens(state: Any) -> rx.Component:
    return card(
        "Access tokens",
        rx.el.p(
            "For programs: the REST API, the gateway, and sending usage. Each one acts for the person who made it.",
            class_name="muted",
        ),
        rx.cond(
            state.tokens.length() > 0,
            rx.el.ul(rx.foreach(state.tokens, partial(_token, state)), class_name="list"),
            rx.el.p("None yet.", class_name="muted none"),
        ),
        aside=button(icon("plus", 14), "Create a token", on_click=state.open_create),
    )


def _token(state: Any, row: TokenRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.strong(row.name),
                rx.el.code(row.hint),
                badge(row.scopes),
                rx.cond(row.mine, rx.fragment(), badge("A colleague's")),
                class_name="row",
            ),
            rx.el.p(
                "made ",
                moment(row.created),
                ", last used ",
                moment(row.used),
                ", ",
                row.expires,
                class_name="muted small",
            ),
            class_name="stack tight",
        ),
        button("Revoke", on_click=state.open_revoke(row.id), custom_attrs={"aria-label": f"Revoke {row.name}"}),
        key=row.id,
    )


def _connect(state: Any) -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.h2("Connect an application"),
            button(icon("plus", 14), "Create a gateway token", on_click=state.open_create_for_gateway),
            class_name="card-head",
        ),
        rx.el.div(
            rx.el.p(
                "Change the address and the key, and from the next call on it is counted, priced and shown under ",
                link("Requests", to="/requests"),
                ". The key is an access token with the scope gateway; the provider's own key is stored under ",
                link("Keys", to="/keys"),
                ", and no application needs to know it.",
                class_name="muted",
            ),
            rx.el.div(rx.foreach(state.setups, _setup), class_name="setups"),
            class_name="card-body stack",
        ),
        class_name="card",
        id="connect",
    )


def _setup(setup: Snippet) -> rx.Component:
    return rx.el.details(
        rx.el.summary(setup.title),
        code_block(setup.text, f"Copy the set-up for {setup.title}"),
        # Opening one closes the others.
        custom_attrs={"name": "setup", "data-setup": setup.name},
        key=setup.name,
    )


def _activity(state: Any) -> rx.Component:
    return rx.el.section(
        rx.el.div(rx.el.h2("Activity"), class_name="card-head"),
        rx.el.div(
            rx.cond(
                state.activity.length() > 0,
                rx.el.ol(rx.foreach(state.activity, _action), class_name="list activity"),
                rx.el.p("Nothing yet. Who changed what, and when, is listed here.", class_name="muted"),
            ),
            rx.el.nav(
                rx.cond(state.newest, rx.fragment(), link("Newest", to="/settings#activity", class_name="button")),
                rx.cond(state.older != "", link("Older", to=state.older, class_name="button")),
                class_name="row",
                custom_attrs={"aria-label": "Pages of the activity"},
            ),
            class_name="card-body stack",
        ),
        class_name="card",
        id="activity",
    )


def _action(row: ActivityRow) -> rx.Component:
    return rx.el.li(
        rx.el.p(
            rx.cond(row.who != "", rx.fragment(rx.el.strong(row.who), " ")),
            row.what,
            rx.cond(row.detail != "", rx.el.span(": ", row.detail, class_name="muted")),
            title=row.raw,
        ),
        rx.el.p(
            moment(row.when),
            rx.cond(row.address != "", rx.fragment(", ", row.address)),
            class_name="muted small",
        ),
        key=row.id,
    )
