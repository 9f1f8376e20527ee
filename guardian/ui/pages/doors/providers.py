"""The buttons of the sign-in providers that this installation is set up for."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import reflex as rx

from guardian.identity import configured
from guardian.ui.components.basics import button_link, icon


@dataclass(frozen=True)
class Button:
    """What it says, and where it leads: out of the pages, as a load of a document."""

    label: str
    href: str


def buttons(query: dict[str, str]) -> list[Button]:
    """Those of the settings; the page that was wanted goes along."""
    wanted = query.get("next", "")
    carried = f"?{urlencode({'next': wanted})}" if wanted else ""
    return [
        Button(f"Continue with {each.label}", f"/api/v1/auth/oauth/{each.name}/login{carried}") for each in configured()
    ]


def provider_buttons(found: Any) -> rx.Component:
    """The buttons above a form, and the word between the two; nothing where no provider is set up."""
    return rx.cond(
        found.length() > 0,
        rx.el.div(
            rx.el.div(rx.foreach(found, _button), class_name="stack"),
            rx.el.p("or", class_name="door-or muted small"),
            class_name="stack",
        ),
    )


def _button(each: Button) -> rx.Component:
    return button_link(icon("log-in", 16), each.label, to=each.href, kind="wide", reload_document=True)
