"""/sign-in-code: the second step of a sign-in, a code of the app or a recovery code."""

import reflex as rx

from guardian.ui.components.basics import link
from guardian.ui.components.forms import field
from guardian.ui.pages.doors.door import CODE, SIGN_IN, Door, carried, door, door_form

ROUTE = CODE


class CodeState(Door, rx.State):
    """What the address says went wrong; the first step is in a cookie that no script reads."""


def page() -> rx.Component:
    return door(
        "One more step",
        "Open the app that you added this account to, and give the code that it shows now.",
        CodeState.problem,
        door_form(
            "/auth/login/code",
            field(
                "Code",
                "code",
                help="Six digits; or one of your recovery codes, if the app is gone.",
                required=True,
                custom_attrs={
                    "autoComplete": "one-time-code",
                    "autoFocus": True,
                    "maxLength": 40,
                    "autoCapitalize": "none",
                    "spellCheck": "false",
                },
            ),
            carried("next"),
            verb="Go on",
        ),
        foot=rx.el.p("Taken too long? ", link("Sign in again", to=SIGN_IN)),
    )
