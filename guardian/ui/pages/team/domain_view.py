"""How the domain looks: not claimed, waiting for its DNS, or verified."""

from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button, copy_button
from guardian.ui.components.cards import card
from guardian.ui.components.forms import field, refusal, select_field


def domain_card(state: Any) -> rx.Component:
    """The section."""
    return card(
        "Domain",
        rx.el.div(
            rx.match(
                rx.cond(state.domain.domain != "", "verified", rx.cond(state.domain.pending != "", "pending", "none")),
                ("verified", _verified(state)),
                ("pending", _pending(state)),
                _unclaimed(state),
            ),
            refusal(state.domain_refusal, "Nothing was changed."),
            class_name="form",
        ),
    )


def _verified(state: Any) -> rx.Component:
    return rx.fragment(
        rx.el.div(rx.el.strong(state.domain.domain), badge("Verified", "good"), class_name="row"),
        select_field(
            "Who has a confirmed address there",
            "join-role",
            rx.el.option("has to be invited", value=""),
            rx.el.option("may join as a member", value="MEMBER"),
            rx.el.option("may join as a viewer", value="VIEWER"),
            value=state.domain.join,
            on_change=state.choose_join,
            disabled=~state.can_change_domain,
        ),
        rx.cond(state.can_change_domain, rx.el.div(button("Give the domain up", on_click=state.drop_domain))),
    )


def _pending(state: Any) -> rx.Component:
    return rx.fragment(
        rx.el.p("Put this TXT record into the DNS of ", rx.el.strong(state.domain.pending), ", then verify it."),
        rx.el.div(
            rx.el.code(state.domain.record, class_name="breaks"),
            copy_button(state.domain.record, "Copy the record"),
            class_name="row",
        ),
        rx.cond(
            state.can_change_domain,
            rx.el.div(
                button(
                    rx.cond(state.looking, "Looking…", "Verify"),
                    kind="primary",
                    on_click=state.verify_domain,
                    disabled=state.looking,
                ),
                button("Forget it", on_click=state.drop_domain),
                class_name="row",
            ),
        ),
    )


def _unclaimed(state: Any) -> rx.Component:
    about = rx.el.p(
        "Prove that a domain of mail is yours, and people with an address there can join without being asked.",
        class_name="muted",
    )
    return rx.cond(
        state.can_change_domain,
        rx.el.form(
            about,
            field("Your domain", "domain", required=True, max_length=253, help="As in acme.com."),
            rx.el.div(button("Go on", type="submit")),
            on_submit=state.claim_domain,
            class_name="form",
        ),
        about,
    )
