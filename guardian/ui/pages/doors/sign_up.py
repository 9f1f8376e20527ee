"""/register: a new person and their organization."""

import reflex as rx

from guardian.ui.components.basics import link
from guardian.ui.components.forms import field
from guardian.ui.pages.doors.door import SIGN_IN, SIGN_UP, Door, carried, door, door_form
from guardian.ui.pages.doors.fields import new_password, own_name
from guardian.ui.pages.doors.providers import Button, buttons, provider_buttons

ROUTE = SIGN_UP


class SignUpState(Door, rx.State):
    """What to fill in again after a refusal."""

    name_again: str = ""
    company: str = ""
    providers: list[Button] = []

    def _read_address(self, query: dict[str, str]) -> None:
        super()._read_address(query)
        self.providers = buttons(query)
        self.name_again, self.company = query.get("name", ""), query.get("company", "")


def page() -> rx.Component:
    return door(
        "Create your account",
        "With it comes an organization, which you own.",
        SignUpState.problem,
        provider_buttons(SignUpState.providers),
        door_form(
            "/auth/register",
            own_name(SignUpState.name_again),
            field(
                "Company",
                "company",
                value=SignUpState.company,
                help="Names the organization. You can change it later.",
                custom_attrs={"autoComplete": "organization", "maxLength": 200},
            ),
            field(
                "E-mail",
                "email",
                kind="email",
                value=SignUpState.email,
                required=True,
                custom_attrs={"autoComplete": "username", "maxLength": 320},
            ),
            new_password(),
            carried("next"),
            verb="Create account",
        ),
        foot=rx.el.p("Already have an account? ", link("Sign in", to=SIGN_IN)),
    )
