"""The fields that several doors ask for."""

from typing import Any

import reflex as rx

from guardian.services.people.access.passwords import MIN_CHARACTERS
from guardian.ui.components.forms import field

_RULE = f"At least {MIN_CHARACTERS} characters, and not your e-mail address. A few words in a row do well."


def own_name(value: Any) -> rx.Component:
    """What somebody new is called."""
    attrs = {"autoComplete": "name", "autoFocus": True, "maxLength": 200}
    return field("Your name", "name", value=value, custom_attrs=attrs)


def new_password(label: str = "Password", *, first: bool = False) -> rx.Component:
    """A password to choose, with its rule; `first` of its form."""
    attrs = {"autoComplete": "new-password", "minLength": MIN_CHARACTERS, **({"autoFocus": True} if first else {})}
    return field(label, "password", kind="password", help=_RULE, required=True, custom_attrs=attrs)
