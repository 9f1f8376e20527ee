"""Parts of forms: labelled fields with their help, choices, and what is said when a form is refused."""

from typing import Any, cast

import reflex as rx
from reflex_components_core.el.elements.base import BaseHTML

from guardian.ui.components.states import notice
from guardian.ui.rows import Option


class PlainForm(BaseHTML):
    """A form that the browser sends by itself: Reflex's own stops every submit that has no handler."""

    tag = "form"

    method: rx.Var[str]
    action: rx.Var[str]


def plain_form(action: str, *children: Any, **props: Any) -> rx.Component:
    """Posts to a path of ours, as a document load: the WebSocket sees a cookie, or misses one, only after that."""
    return PlainForm.create(*children, method="post", action=action, **props)


def field(
    label: Any,
    name: str,
    *,
    ident: str = "",
    kind: Any = "text",
    value: Any = None,
    help: Any = None,
    custom_attrs: dict[str, Any] | None = None,
    **props: Any,
) -> rx.Component:
    """A labelled input. `value` fills it in, anew whenever it changes; `help` tells the rule before it is broken.

    `ident` is the element's id where `name` alone is not unique on the page.
    """
    ident = ident or name
    attrs = dict(custom_attrs or {})
    props.setdefault("class_name", "input")
    if help is not None:
        attrs["aria-describedby"] = f"{ident}-help"
    if value is not None:
        # React takes a default only when the element is made: another key makes it anew.
        props |= {"default_value": value, "key": value}
    return labelled(label, ident, rx.el.input(type=kind, name=name, id=ident, custom_attrs=attrs, **props), help=help)


def select_field(
    label: Any,
    name: str,
    *options: rx.Component,
    ident: str = "",
    help: Any = None,
    custom_attrs: dict[str, Any] | None = None,
    **props: Any,
) -> rx.Component:
    """A labelled list to choose from: `options` are of rx.el.option, or `options_of` something."""
    ident = ident or name
    attrs = dict(custom_attrs or {})
    if help is not None:
        attrs["aria-describedby"] = f"{ident}-help"
    chosen = rx.el.select(*options, name=name, id=ident, class_name="input", custom_attrs=attrs, **props)
    return labelled(label, ident, chosen, help=help)


def options_of(many: Any) -> rx.Component:
    """The options of a var of `Option`s, or of those that are always the same."""
    if isinstance(many, rx.Var):
        return rx.foreach(cast("Any", many), option_of)
    return rx.fragment(*(option_of(each) for each in many))


def option_of(each: Option) -> rx.Component:
    return rx.el.option(each.text, value=each.value, key=each.value)


def labelled(label: Any, ident: str, *control: rx.Component, help: Any = None) -> rx.Component:
    """A control of that id under its label, and above the rule that holds for it."""
    return rx.el.div(
        rx.el.label(label, html_for=ident),
        *control,
        rx.el.p(help, id=f"{ident}-help", class_name="help") if help is not None else rx.fragment(),
        class_name="field",
    )


def choice(kind: Any, name: str, label: Any, *help: Any, ident: str, **props: Any) -> rx.Component:
    """A radio or a checkbox with its label, and what choosing it means."""
    return rx.el.div(
        rx.el.input(type=kind, name=name, id=ident, **props),
        rx.el.label(label, html_for=ident),
        rx.el.p(*help, class_name="help") if help else rx.fragment(),
        class_name="choice",
    )


def choices(legend: str, *options: Any) -> rx.Component:
    """A group of `choice`, or of fields that belong together."""
    return rx.el.fieldset(rx.el.legend(legend, class_name="label-text"), *options, class_name="choices")


def refusal(text: Any, kept: str) -> rx.Component:
    """Why a form was refused, and that nothing was lost (`kept`); empty while `text` is, and heard when it comes."""
    return rx.el.div(
        rx.cond(
            text != "",
            notice(rx.el.p(text), rx.el.p(kept, class_name="muted small"), tone="bad", icon_name="circle-alert"),
        ),
        role="alert",
    )
