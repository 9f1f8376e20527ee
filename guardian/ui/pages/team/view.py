"""How the team looks: members, invitations, teams, and the way out."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.ui.components.basics import badge, button, icon, moment
from guardian.ui.components.cards import card
from guardian.ui.components.frame import frame
from guardian.ui.components.menu import menu, menu_item
from guardian.ui.components.states import skeleton_card
from guardian.ui.pages.team.dialogs import team_dialogs
from guardian.ui.pages.team.domain_view import domain_card
from guardian.ui.pages.team.roles_view import roles_card
from guardian.ui.pages.team.rows import InvitationRow, MemberRow, TeamRow


def team_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the TeamState class."""
    return frame(
        state,
        here,
        _members(state),
        rx.cond(state.invitations.length() > 0, _invitations(state)),
        _teams(state),
        domain_card(state),
        roles_card(),
        _end(state),
        team_dialogs(state),
        skeleton=rx.fragment(skeleton_card(4, "36px"), skeleton_card(3, "28px"), skeleton_card(2, "28px")),
        about=rx.cond(state.loaded, f"{state.said}. Times in {state.viewer.zone}.", "\u00a0"),
        actions=rx.cond(
            state.loaded & state.can_change,
            button(icon("user-plus"), "Invite somebody", kind="primary", on_click=state.open_invite),
        ),
    )


def _members(state: Any) -> rx.Component:
    return card(
        "Members",
        rx.el.ul(
            rx.foreach(state.members, partial(_member, state)),
            class_name="list people",
            custom_attrs={"aria-label": "Members"},
        ),
    )


def _member(state: Any, row: MemberRow) -> rx.Component:
    name = f"menu-{row.id}"
    items = [
        menu_item("pencil", "Role and team", name, on_click=state.open_member(row.id, "edit")),
        rx.cond(
            row.can_succeed, menu_item("crown", "Make the owner", name, on_click=state.open_member(row.id, "transfer"))
        ),
        rx.cond(
            row.mine,
            rx.fragment(),
            menu_item("user-minus", "Remove", name, tone="bad", on_click=state.open_member(row.id, "remove")),
        ),
    ]
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.strong(row.name),
                rx.cond(row.mine, badge("You", "accent")),
                badge(row.role_name),
                rx.cond(row.team != "", badge(row.team)),
                class_name="row",
            ),
            rx.el.p(
                rx.el.span(row.email, class_name="breaks"),
                rx.cond(row.seen.iso != "", rx.fragment(", last seen ", moment(row.seen)), f", {row.seen.text}"),
                rx.cond(row.second_factor, ", second factor", ""),
                class_name="muted small",
            ),
            class_name="stack tight",
        ),
        rx.cond(row.can_change, menu(name, f"More for {row.name}", *items)),
        key=row.id,
        custom_attrs={"data-testid": "member", "aria-label": row.name},
    )


def _invitations(state: Any) -> rx.Component:
    return card(
        "Invitations",
        rx.el.ul(
            rx.foreach(state.invitations, partial(_invitation, state)),
            class_name="list people",
            custom_attrs={"aria-label": "Invitations"},
        ),
    )


def _invitation(state: Any, row: InvitationRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.strong(row.email, class_name="breaks"),
                badge(row.role_name),
                rx.cond(row.team != "", badge(row.team)),
                rx.cond(row.expired, badge("Expired", "warn")),
                class_name="row",
            ),
            rx.el.p("sent ", moment(row.sent), " by ", row.inviter, ", ", row.ends, class_name="muted small"),
            class_name="stack tight",
        ),
        rx.cond(
            state.can_change,
            rx.el.div(
                button(
                    "Send again",
                    on_click=state.resend(row.id),
                    custom_attrs={"aria-label": f"Send the invitation of {row.email} again"},
                ),
                button(
                    "Revoke",
                    on_click=state.revoke(row.id),
                    custom_attrs={"aria-label": f"Revoke the invitation of {row.email}"},
                ),
                class_name="row",
            ),
        ),
        key=row.id,
        custom_attrs={"data-testid": "invitation"},
    )


def _teams(state: Any) -> rx.Component:
    return card(
        "Teams",
        rx.cond(
            state.teams.length() > 0,
            rx.el.ul(
                rx.foreach(state.teams, partial(_team, state)),
                class_name="list people",
                custom_attrs={"aria-label": "Teams"},
            ),
            rx.el.p(
                "None yet. A team has budgets and access tokens of its own, and its name is put on the calls of its "
                "members.",
                class_name="muted none",
            ),
        ),
        aside=rx.cond(state.can_change, button(icon("plus", 14), "New team", on_click=state.open_team("", "team"))),
    )


def _team(state: Any, row: TeamRow) -> rx.Component:
    name = f"menu-{row.id}"
    return rx.el.li(
        rx.el.div(
            rx.el.div(rx.el.strong(row.name), class_name="row"),
            rx.el.p(
                row.about,
                rx.cond(row.tags != "", rx.fragment("; its calls get ", rx.el.code(row.tags, class_name="breaks")), ""),
                class_name="muted small",
            ),
            class_name="stack tight",
        ),
        rx.cond(
            state.can_change,
            menu(
                name,
                f"More for {row.name}",
                menu_item("pencil", "Edit", name, on_click=state.open_team(row.id, "team")),
                menu_item("trash-2", "Delete", name, tone="bad", on_click=state.open_team(row.id, "delete-team")),
            ),
        ),
        key=row.id,
        custom_attrs={"data-testid": "team"},
    )


def _end(state: Any) -> rx.Component:
    return card(
        "This organization",
        rx.el.div(
            button("Leave", on_click=state.open_end("leave")),
            rx.cond(
                state.can_delete, button("Delete the organization", kind="danger", on_click=state.open_end("delete"))
            ),
            class_name="row",
        ),
    )
