"""How the team looks: members, invitations, teams, what each role may do, the domain, and the way out."""

from functools import partial
from typing import Any

import reflex as rx

from guardian.services.people.members import LADDER
from guardian.services.permissions import TABLE
from guardian.ui.components.basics import badge, button, copy_button, icon, moment
from guardian.ui.components.cards import card
from guardian.ui.components.forms import field, refusal
from guardian.ui.components.frame import frame
from guardian.ui.components.menu import menu, menu_item
from guardian.ui.components.states import skeleton_card
from guardian.ui.pages.team.dialogs import team_dialogs
from guardian.ui.pages.team.rows import ABOUT_ROLES, ROLE_NAMES, InvitationRow, MemberRow, TeamRow


def team_view(state: Any, here: str) -> rx.Component:
    """The page; `state` is the TeamState class."""
    return frame(
        state,
        here,
        _members(state),
        rx.cond(state.invitations.length() > 0, _invitations(state), rx.fragment()),
        _teams(state),
        _domain(state),
        _roles(),
        _end(state),
        team_dialogs(state),
        skeleton=rx.fragment(skeleton_card(4, "36px"), skeleton_card(3, "28px"), skeleton_card(2, "28px")),
        about=rx.cond(state.loaded, f"{state.said}. Times in {state.viewer.zone}.", "\u00a0"),
        actions=rx.cond(
            state.loaded & state.can_change,
            button(icon("user-plus"), "Invite somebody", kind="primary", on_click=state.open_invite),
            rx.fragment(),
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
            row.can_succeed,
            menu_item("crown", "Make the owner", name, on_click=state.open_member(row.id, "transfer")),
            rx.fragment(),
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
                rx.cond(row.mine, badge("You", "accent"), rx.fragment()),
                badge(row.role_name),
                rx.cond(row.team != "", badge(row.team), rx.fragment()),
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
        rx.cond(row.can_change, menu(name, f"More for {row.name}", *items), rx.fragment()),
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
                rx.cond(row.team != "", badge(row.team), rx.fragment()),
                rx.cond(row.expired, badge("Expired", "warn"), rx.fragment()),
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
            rx.fragment(),
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
        aside=rx.cond(
            state.can_change,
            button(icon("plus", 14), "New team", on_click=state.open_team("", "team")),
            rx.fragment(),
        ),
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
            rx.fragment(),
        ),
        key=row.id,
        custom_attrs={"data-testid": "team"},
    )


def _domain(state: Any) -> rx.Component:
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
        rx.el.div(
            rx.el.label("Who has a confirmed address there", html_for="join-role"),
            rx.el.select(
                rx.el.option("has to be invited", value=""),
                rx.el.option("may join as a member", value="MEMBER"),
                rx.el.option("may join as a viewer", value="VIEWER"),
                id="join-role",
                value=state.domain.join,
                on_change=state.choose_join,
                disabled=~state.can_change_domain,
                class_name="input",
            ),
            class_name="field",
        ),
        rx.cond(
            state.can_change_domain,
            rx.el.div(button("Give the domain up", on_click=state.drop_domain)),
            rx.fragment(),
        ),
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
            rx.fragment(),
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


def _roles() -> rx.Component:
    heads = (rx.el.th(ROLE_NAMES[role], scope="col", title=ABOUT_ROLES[role]) for role in LADDER)
    lines = (
        rx.el.tr(
            rx.el.th(line.about[:1].upper() + line.about[1:], scope="row", title=name),
            *(rx.el.td(_mark(role in line.roles)) for role in LADDER),
        )
        for name, line in TABLE.items()
    )
    return card(
        "What each role may do",
        rx.el.details(
            rx.el.summary("Show the table"),
            rx.el.div(
                rx.el.table(
                    rx.el.caption("What each role may do", class_name="sr-only"),
                    rx.el.thead(rx.el.tr(rx.el.th("May", scope="col"), *heads)),
                    rx.el.tbody(*lines),
                    class_name="roles",
                ),
                class_name="roles-wrap",
                custom_attrs={"tabIndex": "0", "role": "region", "aria-label": "What each role may do"},
            ),
        ),
    )


def _mark(may: bool) -> rx.Component:
    if not may:
        return rx.el.span("no", class_name="sr-only")
    return rx.fragment(icon("check", 16), rx.el.span("yes", class_name="sr-only"))


def _end(state: Any) -> rx.Component:
    return card(
        "This organization",
        rx.el.div(
            button("Leave", on_click=state.open_end("leave")),
            rx.cond(
                state.can_delete,
                button("Delete the organization", kind="danger", on_click=state.open_end("delete")),
                rx.fragment(),
            ),
            class_name="row",
        ),
    )
