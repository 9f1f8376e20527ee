"""The dialogs of the team: invitation, role and team, removal, handing over, teams, leaving and deleting."""

from typing import Any

import reflex as rx

from guardian.ui.components.dialog import confirm_dialog, form_dialog
from guardian.ui.components.forms import choice, choices, field, select_field
from guardian.ui.pages.team.rows import RoleChoice, TeamRow


def team_dialogs(state: Any) -> rx.Component:
    """All of them; the State says which one is open."""
    return rx.fragment(
        _invite(state),
        _edit(state),
        _remove(state),
        _transfer(state),
        _team(state),
        _delete_team(state),
        _leave(state),
        _delete(state),
    )


def _invite(state: Any) -> rx.Component:
    return form_dialog(
        state,
        "invite",
        "Invite somebody",
        field(
            "E-mail",
            "email",
            ident="invite-email",
            kind="email",
            required=True,
            max_length=320,
            help="A link goes there. It works once, for a week, and for that address only.",
            custom_attrs={"autoComplete": "off", "autoFocus": True},
        ),
        _role_choices(state, "invite", "MEMBER"),
        _team_choice(state, "invite-team", ""),
        on_submit=state.invite,
        verb="Send the invitation",
        kept="Nobody was invited.",
        name="invite",
    )


def _edit(state: Any) -> rx.Component:
    return form_dialog(
        state,
        "edit",
        rx.fragment("Role and team of ", state.member.name),
        _role_choices(state, "edit", state.member.role),
        _team_choice(state, "edit-team", state.member.team),
        on_submit=state.save_member,
        verb="Save",
        kept="Nothing was changed.",
        name="edit-member",
    )


def _role_choices(state: Any, form: str, chosen: Any) -> rx.Component:
    def one(role: RoleChoice) -> rx.Component:
        return choice(
            "radio",
            "role",
            role.name,
            role.about,
            ident=f"{form}-role-{role.value}",
            value=role.value,
            default_checked=role.value == chosen,
            key=role.value,
        )

    return choices("Role", rx.foreach(state.roles, one))


def _team_choice(state: Any, ident: str, chosen: Any) -> rx.Component:
    def one(team: TeamRow) -> rx.Component:
        return rx.el.option(team.name, value=team.name, key=team.id)

    return rx.cond(
        state.teams.length() > 0,
        select_field(
            "Team",
            "team",
            rx.el.option("none", value=""),
            rx.foreach(state.teams, one),
            ident=ident,
            default_value=chosen,
        ),
    )


def _remove(state: Any) -> rx.Component:
    return confirm_dialog(
        state,
        "remove",
        rx.fragment("Remove ", state.member.name, "?"),
        rx.el.p(
            "They are signed out at once, and their access tokens stop working: programs that use them are refused. "
            "Keys, budgets and usage stay; their alerts tell you from now on."
        ),
        on_confirm=state.remove,
        verb="Remove",
        kept="Nobody was removed.",
        name="remove-member",
    )


def _transfer(state: Any) -> rx.Component:
    return confirm_dialog(
        state,
        "transfer",
        rx.fragment("Make ", state.member.name, " the owner?"),
        rx.el.p(
            "They may then do everything, also delete the organization. You become an administrator, and only they can "
            "give you the ownership back."
        ),
        on_confirm=state.transfer,
        verb="Hand it over",
        kept="You own it still.",
        name="transfer",
    )


def _team(state: Any) -> rx.Component:
    return form_dialog(
        state,
        "team",
        rx.cond(state.team.id != "", rx.fragment("Edit ", state.team.name), "New team"),
        field(
            "Name",
            "name",
            ident="team-name",
            value=state.team.name,
            required=True,
            max_length=100,
            help=rx.cond(
                state.team.id != "",
                "Members, tokens, budgets and alerts follow a new name, and count what is told under the old one, too. "
                "Usage of before keeps it.",
                "It is put on the calls of its members and tokens as the tag team.",
            ),
            custom_attrs={"autoComplete": "off"},
        ),
        field(
            "Default tags",
            "tags",
            ident="team-tags",
            value=state.team.tags,
            max_length=4000,
            help="Put on its calls where these do not say otherwise: cost-centre=R1, env=prod. May be empty.",
            custom_attrs={"autoComplete": "off", "spellCheck": "false"},
        ),
        on_submit=state.save_team,
        verb="Save",
        kept="Nothing was changed.",
        name="team",
    )


def _delete_team(state: Any) -> rx.Component:
    return confirm_dialog(
        state,
        "delete-team",
        rx.fragment("Delete ", state.team.name, "?"),
        rx.el.p(
            "Its members and access tokens are of no team then. Its budgets stay, for calls that name the team "
            "themselves, and so does its usage."
        ),
        on_confirm=state.delete_team,
        verb="Delete the team",
        kept="Nothing was deleted.",
        name="delete-team",
    )


def _leave(state: Any) -> rx.Component:
    return confirm_dialog(
        state,
        "leave",
        rx.fragment("Leave ", state.viewer.organization, "?"),
        rx.el.p(
            "You see nothing of it any more, and your access tokens there stop working. What you made stays, and your "
            "alerts tell an owner. You can come back when you are invited again."
        ),
        on_confirm=state.leave,
        verb="Leave",
        kept="You did not leave.",
        name="leave",
    )


def _delete(state: Any) -> rx.Component:
    return confirm_dialog(
        state,
        "delete",
        rx.fragment("Delete ", state.viewer.organization, "?"),
        rx.el.p(
            "All of its usage, keys, budgets, alerts, reports and teams go, for everybody, and calls through the "
            "gateway with its tokens are refused. It cannot be undone."
        ),
        word=state.viewer.organization,
        on_confirm=state.delete,
        verb="Delete the organization",
        kept="Nothing was deleted.",
        name="delete-organization",
    )
