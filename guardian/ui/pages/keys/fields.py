"""What the forms of the key manager ask for besides the key: each provider's fields, drawn from what it declares."""

from collections.abc import Mapping
from typing import Any

import reflex as rx

from guardian.models.enums import Provider
from guardian.providers.describing import KeyField
from guardian.providers.registry import describe
from guardian.ui.components.basics import icon
from guardian.ui.components.forms import field, labelled, select_field
from guardian.ui.pages.keys.rows import ProviderChoice

# A form's names of the fields of one provider begin with it: the other providers' are in the form too, unseen.
DIVIDER = "."


def metadata_of(form: Mapping[str, Any], provider: Provider) -> dict[str, str]:
    """What a form says of one provider's fields; what was left empty is not said."""
    start = provider + DIVIDER
    return {
        name.removeprefix(start): str(value).strip()
        for name, value in form.items()
        if name.startswith(start) and str(value).strip()
    }


def settings_of(form: Mapping[str, Any], provider: Provider) -> dict[str, str]:
    """As metadata_of, but what was left empty takes a setting away; a secret one that was left empty stays."""
    secret = {each.name for each in describe(provider).fields if each.secret}
    start = provider + DIVIDER
    found = {name.removeprefix(start): str(value).strip() for name, value in form.items() if name.startswith(start)}
    return {name: value for name, value in found.items() if value or name not in secret}


def provider_fields(each: ProviderChoice, where: str, values: Any = None) -> rx.Component:
    """The fields of one provider, few at first. `where` makes their ids unique; `values` fills them in."""
    plain = [one for one in each.fields if not one.advanced]
    more = [one for one in each.fields if one.advanced]
    return rx.fragment(
        *(_field(each, one, where, values) for one in plain),
        rx.el.details(
            rx.el.summary("More settings", icon("chevron-down", 14)),
            rx.el.div(*(_field(each, one, where, values) for one in more), class_name="form more-fields"),
            class_name="more",
        )
        if more
        else rx.fragment(),
    )


def _field(each: ProviderChoice, one: KeyField, where: str, values: Any) -> rx.Component:
    ident = f"{where}-{each.value.lower()}-{one.name.replace('.', '-')}"
    name = f"{each.value}{DIVIDER}{one.name}"
    help = _help(each, one)
    value = None if values is None or one.secret else values[one.name]
    # React takes a default only when the element is made: another key makes it anew.
    filled = {} if value is None else {"default_value": value, "key": value}
    if one.choices:
        options = (rx.el.option(text, value=choice) for choice, text in one.choices)
        return select_field(one.label, name, *options, ident=ident, help=help, **filled)
    if one.lines:
        return labelled(one.label, ident, _lines(one, name, ident, filled), help=help)
    return field(
        one.label,
        name,
        ident=ident,
        value=value,
        help=help,
        auto_complete="off",
        placeholder=one.example,
        max_length=2000,
    )


def _help(each: ProviderChoice, one: KeyField) -> str:
    """The field's own help, and of which kind of key it is where the provider has several."""
    kind = next((kind.name for kind in each.kinds if kind.kind == one.kind), None)
    return f"For a {kind[:1].lower()}{kind[1:]}: {one.help}" if kind and len(each.kinds) > 1 else one.help


def _lines(one: KeyField, name: str, ident: str, filled: dict[str, Any]) -> rx.Component:
    return rx.el.textarea(
        name=name,
        id=ident,
        rows="2",
        placeholder=one.example,
        auto_complete="off",
        class_name="input mono",
        custom_attrs={"aria-describedby": f"{ident}-help", "spellCheck": "false"},
        **filled,
    )
