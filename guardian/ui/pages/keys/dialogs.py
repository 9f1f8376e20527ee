"""The dialogs of the key manager: add, replace, rename, delete."""

from typing import Any

import reflex as rx

from guardian.providers.describing import KeyKind
from guardian.ui.components.basics import icon, provider_badge
from guardian.ui.components.dialog import confirm_dialog, form_dialog
from guardian.ui.components.forms import choice, choices, field
from guardian.ui.components.states import notice
from guardian.ui.pages.keys.fields import provider_fields
from guardian.ui.pages.keys.rows import ProviderChoice


def key_dialogs(state: Any, providers: list[ProviderChoice]) -> rx.Component:
    """All of them; the State says which one is open."""
    return rx.fragment(
        _add_dialog(state, providers), _replace_dialog(state, providers), _rename_dialog(state), _delete_dialog(state)
    )


def where_it_is_made(kind: KeyKind) -> rx.Component:
    """A link to the provider's page on which such a key is made; nothing where there is none."""
    if not kind.href:
        return rx.fragment()
    return rx.el.a(
        kind.place,
        icon("external-link", 12),
        rx.el.span(" (opens in a new tab)", class_name="sr-only"),
        href=kind.href,
        target="_blank",
        rel="noreferrer",
        class_name="outside small",
    )


def _add_dialog(state: Any, providers: list[ProviderChoice]) -> rx.Component:
    return form_dialog(
        state,
        "add",
        "Add a key",
        choices(
            "Provider",
            rx.el.div(
                *(_choice(each, first=index == 0) for index, each in enumerate(providers)),
                class_name="provider-choices",
            ),
        ),
        *(_of_provider(each) for each in providers),
        _label_field(""),
        _id_field(""),
        _secret_field(),
        on_submit=state.add,
        verb=_tested(state, "Test and save"),
        kept="Nothing was stored.",
        working=state.working,
        tall=True,
        name="add-key",
    )


def _choice(each: ProviderChoice, *, first: bool) -> rx.Component:
    return choice(
        "radio",
        "provider",
        provider_badge(each.name, each.color),
        ident=f"provider-{each.value.lower()}",
        value=each.value,
        default_checked=first,
        required=True,
    )


def _of_provider(each: ProviderChoice) -> rx.Component:
    """What is seen while this provider is chosen: its kinds of keys, what it does not report, and its fields."""
    kinds = rx.el.ul(
        *(
            rx.el.li(
                rx.el.strong(kind.name), " ", rx.el.span(kind.hint, class_name="muted"), " ", where_it_is_made(kind)
            )
            for kind in each.kinds
        ),
        class_name="kinds",
    )
    return rx.el.div(
        kinds,
        notice(each.no_reporting, icon_name="info") if each.no_reporting else rx.fragment(),
        provider_fields(each, "add"),
        class_name="form of-provider",
        custom_attrs={"data-provider": each.value},
    )


def _replace_dialog(state: Any, providers: list[ProviderChoice]) -> rx.Component:
    return form_dialog(
        state,
        "replace",
        rx.fragment("Replace ", state.key.name),
        _secret_field(),
        rx.match(
            state.key.provider_value,
            *(
                (each.value, rx.fragment(provider_fields(each, "replace", state.key.settings)))
                for each in providers
                if each.fields
            ),
            rx.fragment(),
        ),
        before=rx.el.p(
            rx.cond(
                state.key.hint != "",
                rx.fragment("The new key takes the place of the one that ends in ", rx.el.code(state.key.hint), "."),
                "The new key takes the place of the old one.",
            ),
            " Name, history and figures stay.",
            class_name="muted",
        ),
        on_submit=state.replace,
        verb=_tested(state, "Test and replace"),
        kept="The old key is still in its place.",
        working=state.working,
        tall=True,
        name="replace-key",
    )


def _rename_dialog(state: Any) -> rx.Component:
    return form_dialog(
        state,
        "rename",
        rx.fragment("Rename ", state.key.name),
        _label_field(state.key.label),
        _id_field(state.key.external_id),
        on_submit=state.rename,
        verb="Rename",
        kept="Nothing was changed.",
        name="rename-key",
    )


def _delete_dialog(state: Any) -> rx.Component:
    return confirm_dialog(
        state,
        "delete",
        rx.fragment("Delete ", state.key.name, "?"),
        rx.el.ul(rx.foreach(state.losses, rx.el.li), class_name="losses"),
        word=state.key.name,
        on_confirm=state.delete,
        verb="Delete the key",
        kept="Nothing was deleted.",
        name="delete-key",
    )


def _label_field(value: Any) -> rx.Component:
    return field(
        "Label",
        "label",
        ident="key-label",
        value=value,
        help="What people call it, as in Production. It tells two keys of a provider apart.",
        auto_complete="off",
        max_length=100,
    )


def _id_field(value: Any) -> rx.Component:
    return field(
        "Provider's id of the key",
        "external_id",
        ident="key-external-id",
        value=value,
        help="If you know it: what the provider's reports call this key. It tells whose reported usage is.",
        auto_complete="off",
        placeholder="key_… or apikey_…",
        max_length=200,
    )


def _secret_field() -> rx.Component:
    return field(
        "Key",
        "secret",
        ident="key-secret",
        kind="password",
        help="Tested first, then sealed. Nobody can read it again.",
        auto_complete="off",
        class_name="input mono",
        # Password managers would offer to keep it as somebody's password.
        custom_attrs={"spellCheck": "false", "data-1p-ignore": "", "data-lpignore": "true", "data-bwignore": ""},
    )


def _tested(state: Any, verb: str) -> rx.Component:
    """The words of a button whose work asks a provider first."""
    return rx.cond(state.working, rx.fragment(rx.el.span(class_name="spinner"), "Testing…"), verb)
