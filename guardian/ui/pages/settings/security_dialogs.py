"""The dialogs of signing in: linking and unlinking a provider, and the steps of the second factor."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import button, button_link
from guardian.ui.components.dialog import Asking, confirm_dialog, dialog, dialog_form
from guardian.ui.components.forms import field
from guardian.ui.components.secret import copy_from, secret_field
from guardian.ui.components.states import notice
from guardian.ui.pages.settings.security import CODES_FIELD, SECRET_FIELD

_QR = "/api/v1/auth/second-factor/qr"


def security_dialogs(state: Any) -> rx.Component:
    """All of them; the State says which one is open."""
    asking = Asking(state.way_dialog, state.security_refusal, state.close_security)
    return rx.fragment(_link(state), _unlink(asking, state), _factor(asking, state), _off(asking, state))


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


def _unlink(asking: Asking, state: Any) -> rx.Component:
    return confirm_dialog(
        asking,
        "unlink",
        rx.fragment("Unlink ", state.way.label, "?"),
        rx.el.p("It signs you in no more. Your other ways to sign in stay as they are."),
        on_confirm=state.unlink_way,
        verb="Unlink",
        kept="It stays linked.",
        name="unlink-way",
    )


def _factor(asking: Asking, state: Any) -> rx.Component:
    step = state.factor_step
    return dialog(
        (step == "begin") | (step == "scan") | (step == "codes") | (step == "renew"),
        rx.match(
            step, ("codes", "Your recovery codes"), ("renew", "Make new recovery codes?"), "Turn on the second factor"
        ),
        rx.cond(step == "begin", _begin(asking, state)),
        rx.cond(step == "renew", _proof(asking, "The old ones work no more.", state.renew_codes, "Make them")),
        # Always there while the dialog is open: what is secret is put into the fields themselves, and into no var.
        _scan(asking, state, step),
        _codes(state, step),
        on_dismiss=state.close_security,
        name="second-factor",
    )


def _begin(asking: Asking, state: Any) -> rx.Component:
    return dialog_form(
        asking,
        rx.el.p(
            "Besides your password, each sign-in then asks for a code that an app on your phone makes: Google "
            "Authenticator, Microsoft Authenticator, 1Password, Aegis, or any other for time-based codes."
        ),
        on_submit=state.begin_factor,
        verb="Go on",
        kept="Nothing was changed.",
    )


def _scan(asking: Asking, state: Any, step: Any) -> rx.Component:
    return dialog_form(
        asking,
        rx.el.p("Scan this with the app, then give the code that it shows."),
        rx.cond(step == "scan", rx.el.div(rx.el.img(src=_QR, alt="The secret as a QR code"), class_name="qr")),
        secret_field(SECRET_FIELD, "Or type it off"),
        field(
            "Code",
            "code",
            ident="factor-code",
            required=True,
            max_length=10,
            custom_attrs={"autoComplete": "one-time-code", "inputMode": "numeric"},
        ),
        on_submit=state.confirm_factor,
        verb="Turn on",
        kept="It is not on yet.",
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
            copy_from(CODES_FIELD),
            class_name="field",
        ),
        rx.el.div(
            button("I have kept them", kind="primary", on_click=state.close_security), class_name="dialog-actions"
        ),
        class_name="form",
        hidden=step != "codes",
    )


def _off(asking: Asking, state: Any) -> rx.Component:
    return dialog(
        state.factor_step == "off",
        "Turn off the second factor?",
        _proof(asking, "Your password or your provider alone signs you in then.", state.turn_factor_off, "Turn off"),
        on_dismiss=state.close_security,
        name="factor-off",
    )


def _proof(asking: Asking, about: str, on_submit: Any, verb: str) -> rx.Component:
    return dialog_form(
        asking,
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
        on_submit=on_submit,
        verb=verb,
        kept="Nothing was changed.",
        kind="danger",
    )
