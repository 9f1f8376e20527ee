"""The dialogs of signing in: linking and unlinking a provider, and the steps of the second factor."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import button, button_link, icon
from guardian.ui.components.dialog import actions, dialog
from guardian.ui.components.forms import field, refusal
from guardian.ui.components.states import notice
from guardian.ui.pages.settings.security import CODES_FIELD, SECRET_FIELD

_QR = "/api/v1/auth/second-factor/qr"


def security_dialogs(state: Any) -> rx.Component:
    """All of them; the State says which one is open."""
    return rx.fragment(_link(state), _unlink(state), _factor(state), _off(state))


def _link(state: Any) -> rx.Component:
    return dialog(
        state.way_dialog == "link",
        rx.fragment("Link ", state.way.label, "?"),
        rx.el.p("You go there, prove who you are, and come back here. From then on it can sign you in, too."),
        rx.el.div(
            button("Cancel", on_click=state.close_security),
            # Out of the pages: the way to the provider is a load of a document.
            button_link("Go on", to=state.way_address, kind="primary", reload_document=True),
            class_name="dialog-actions",
        ),
        on_dismiss=state.close_security,
        name="link-way",
    )


def _unlink(state: Any) -> rx.Component:
    return dialog(
        state.way_dialog == "unlink",
        rx.fragment("Unlink ", state.way.label, "?"),
        rx.el.p("It signs you in no more. Your other ways to sign in stay as they are."),
        refusal(state.security_refusal, "It stays linked."),
        actions(state.close_security, "Unlink", kind="danger", on_click=state.unlink_way),
        on_dismiss=state.close_security,
        name="unlink-way",
    )


def _factor(state: Any) -> rx.Component:
    step = state.factor_step
    return dialog(
        (step == "begin") | (step == "scan") | (step == "codes") | (step == "renew"),
        rx.match(
            step, ("codes", "Your recovery codes"), ("renew", "Make new recovery codes?"), "Turn on the second factor"
        ),
        rx.cond(step == "begin", _begin(state), rx.fragment()),
        rx.cond(
            step == "renew", _proof(state, "The old ones work no more.", state.renew_codes, "Make them"), rx.fragment()
        ),
        # Always there while the dialog is open: what is secret is put into the fields themselves, and into no var.
        _scan(state, step),
        _codes(state, step),
        on_dismiss=state.close_security,
        name="second-factor",
    )


def _begin(state: Any) -> rx.Component:
    return rx.el.div(
        rx.el.p(
            "Besides your password, each sign-in then asks for a code that an app on your phone makes: Google "
            "Authenticator, Microsoft Authenticator, 1Password, Aegis, or any other for time-based codes."
        ),
        refusal(state.security_refusal, "Nothing was changed."),
        actions(state.close_security, "Go on", on_click=state.begin_factor),
        class_name="form",
    )


def _scan(state: Any, step: Any) -> rx.Component:
    return rx.el.form(
        rx.el.p("Scan this with the app, then give the code that it shows."),
        rx.cond(
            step == "scan",
            rx.el.div(rx.el.img(src=_QR, alt="The secret as a QR code"), class_name="qr"),
            rx.fragment(),
        ),
        _once(SECRET_FIELD, "Or type it off"),
        field(
            "Code",
            "code",
            ident="factor-code",
            required=True,
            max_length=10,
            custom_attrs={"autoComplete": "one-time-code", "inputMode": "numeric"},
        ),
        refusal(state.security_refusal, "It is not on yet."),
        actions(state.close_security, "Turn on", type="submit"),
        on_submit=state.confirm_factor,
        class_name="form",
        hidden=step != "scan",
    )


def _codes(state: Any, step: Any) -> rx.Component:
    return rx.el.div(
        notice(
            "Keep these where you find them without your phone. Each signs you in once. They are shown this once.",
            tone="warn",
            icon_name="triangle-alert",
        ),
        rx.el.div(
            rx.el.label("Recovery codes", html_for=CODES_FIELD, class_name="sr-only"),
            rx.el.textarea(id=CODES_FIELD, read_only=True, rows="10", class_name="input mono codes"),
            _copy(CODES_FIELD),
            class_name="field",
        ),
        rx.el.div(
            button("I have kept them", kind="primary", on_click=state.close_security), class_name="dialog-actions"
        ),
        class_name="form",
        hidden=step != "codes",
    )


def _off(state: Any) -> rx.Component:
    return dialog(
        state.factor_step == "off",
        "Turn off the second factor?",
        _proof(state, "Your password or your provider alone signs you in then.", state.turn_factor_off, "Turn off"),
        on_dismiss=state.close_security,
        name="factor-off",
    )


def _proof(state: Any, about: str, on_submit: Any, verb: str) -> rx.Component:
    return rx.el.form(
        rx.el.p(about),
        field(
            "Your password, or a code",
            "proof",
            kind="password",
            ident="factor-proof",
            required=True,
            max_length=1_000,
            custom_attrs={"autoComplete": "current-password"},
        ),
        refusal(state.security_refusal, "Nothing was changed."),
        actions(state.close_security, verb, type="submit", kind="danger"),
        on_submit=on_submit,
        class_name="form",
    )


def _once(ident: str, label: str) -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=ident),
        rx.el.div(
            rx.el.input(id=ident, read_only=True, class_name="input mono", custom_attrs={"autoComplete": "off"}),
            _copy(ident),
            class_name="joined",
        ),
        class_name="field",
    )


def _copy(ident: str) -> rx.Component:
    return rx.el.button(
        icon("copy", 14),
        rx.el.span("Copy", custom_attrs={"data-copy-label": "true"}),
        type="button",
        class_name="button",
        custom_attrs={"data-copy-from": ident},
    )
