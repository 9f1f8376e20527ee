"""How the settings show signing in: ways in, second factor, browsers, and what the organization asks for."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button, icon, moment
from guardian.ui.components.cards import card
from guardian.ui.components.forms import plain_form, refusal
from guardian.ui.components.states import notice
from guardian.ui.pages.settings.rows import SessionRow
from guardian.ui.pages.settings.security_rows import WayRow


def security_cards(state: Any) -> rx.Component:
    """All of them, the person's own first."""
    return rx.fragment(_own(state), sessions_card(state), _rule(state))


def _own(state: Any) -> rx.Component:
    return rx.el.section(
        rx.el.div(rx.el.h2("Sign-in and security"), class_name="card-head"),
        rx.el.div(
            rx.cond(
                state.security_problem != "",
                rx.el.div(notice(state.security_problem, tone="bad", icon_name="circle-alert"), role="alert"),
            ),
            rx.cond(state.loaded & ~state.email_verified, _unconfirmed(state)),
            rx.el.ul(
                _password(state), rx.foreach(state.ways, partial(_way, state)), _factor(state), class_name="list people"
            ),
            class_name="card-body stack",
        ),
        class_name="card",
        id="security",
    )


def _unconfirmed(state: Any) -> rx.Component:
    return notice(
        rx.el.p("Your address is not confirmed yet. Alerts and reports go to it, and sign-in providers need it."),
        button("Send the link again", on_click=state.confirm_address),
        tone="warn",
        icon_name="mail-warning",
    )


def _password(state: Any) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.strong("Password"),
            rx.el.p(
                rx.cond(state.has_password, "You have one.", "You have none, and sign in with a provider."),
                class_name="muted small",
            ),
            class_name="stack tight",
        ),
        button(
            rx.cond(state.has_password, "Mail me a link to change it", "Mail me a link to choose one"),
            on_click=state.mail_password_link,
        ),
    )


def _way(state: Any, row: WayRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.strong(row.label),
                rx.cond(row.linked, badge("Linked", "good")),
                class_name="row",
            ),
            rx.el.p(
                rx.cond(
                    row.linked,
                    rx.fragment(
                        rx.cond(row.email != "", rx.fragment(row.email, ", ")),
                        "last used ",
                        moment(row.used),
                    ),
                    "Not linked.",
                ),
                class_name="muted small",
            ),
            class_name="stack tight",
        ),
        button(
            rx.cond(row.linked, "Unlink", "Link"),
            on_click=state.open_way(row.provider),
            custom_attrs={"aria-label": rx.cond(row.linked, f"Unlink {row.label}", f"Link {row.label}")},
        ),
        key=row.provider,
    )


def _factor(state: Any) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.strong("Second factor"),
                rx.cond(state.factor_on, badge("On", "good")),
                class_name="row",
            ),
            rx.el.p(state.factor_text, class_name="muted small"),
            class_name="stack tight",
        ),
        rx.cond(
            state.factor_on,
            rx.el.div(
                button("New recovery codes", on_click=state.open_factor("renew")),
                button("Turn off", on_click=state.open_factor("off")),
                class_name="row",
            ),
            button("Turn on", on_click=state.open_factor("begin")),
        ),
    )


def sessions_card(state: Any) -> rx.Component:
    return card(
        "Where you are signed in",
        rx.el.ul(rx.foreach(state.sessions, partial(_session, state)), class_name="list"),
        aside=rx.el.div(
            rx.cond(state.sessions.length() > 1, button("Sign out everywhere else", on_click=state.revoke_others)),
            # A document load: this browser is signed out with the others.
            plain_form("/auth/logout/everywhere", button("Sign out everywhere", type="submit")),
            class_name="row",
        ),
    )


def _session(state: Any, row: SessionRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.strong(row.device),
                rx.cond(row.current, badge("This device", "accent")),
                class_name="row",
            ),
            rx.el.p(
                row.address,
                ", last seen ",
                moment(row.used),
                ", signed in ",
                moment(row.since),
                " with ",
                row.method,
                class_name="muted small",
            ),
            class_name="stack tight",
        ),
        rx.cond(
            row.current,
            rx.fragment(),
            button(
                "Sign out", on_click=state.revoke_session(row.id), custom_attrs={"aria-label": f"Sign out {row.device}"}
            ),
        ),
        key=row.id,
    )


def _rule(state: Any) -> rx.Component:
    return rx.cond(
        state.may_change_rule & (state.rule_choices.length() > 0),
        card(
            "How members sign in",
            rx.cond(
                state.rule_domain != "",
                _rule_form(state),
                rx.el.p(
                    "Once your organization has verified its domain, you can ask everybody with an address of it to "
                    "sign in with one provider.",
                    class_name="muted",
                ),
            ),
        ),
    )


def _rule_form(state: Any) -> rx.Component:
    return rx.el.form(
        rx.el.div(
            rx.el.label("Members with an address of ", rx.el.strong(state.rule_domain), " sign in", html_for="rule"),
            rx.el.select(
                rx.el.option("As they like", value=""),
                rx.foreach(state.rule_choices, _choice),
                name="provider",
                id="rule",
                default_value=state.rule_provider,
                key=state.rule_provider,
                class_name="input",
            ),
            rx.el.p(
                icon("info", 14),
                "Passwords are refused then. Who runs this installation can lift the rule if the provider is gone.",
                class_name="help row",
            ),
            class_name="field",
        ),
        refusal(state.rule_refusal, "Nothing was changed."),
        rx.el.div(button("Save", type="submit", kind="primary")),
        on_submit=state.save_rule,
        class_name="form",
    )


def _choice(each: Any) -> rx.Component:
    return rx.el.option(each[1], value=each[0])
