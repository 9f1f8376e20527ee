"""Text to paste: a block of code with a button that copies it."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import copy_button


def code_block(text: Any, label: Any) -> rx.Component:
    """`label` says what the button copies. A long line is scrolled to, by keyboard too."""
    return rx.el.div(
        rx.el.pre(
            rx.el.code(text),
            custom_attrs={"tabIndex": "0", "role": "region", "aria-label": "Text to paste"},
        ),
        copy_button(text, label),
        class_name="code-block",
    )
