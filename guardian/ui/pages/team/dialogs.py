"""The dialogs of the team: invitation, role and team, removal, handing over, teams, leaving and deleting."""

from typing import Any

import reflex as rx

from guardian.ui.components.dialog import actions, confirm_dialog, dialog, form_dialog
from guardian.ui.components.forms import choice, field, refusal
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

    return rx.el.fieldset(
        rx.el.legend("Role", class_name="label-text"), rx.foreach(state.roles, one), class_name="choices"
    )


def _team_choice(state: Any, ident: str, chosen: Any) -> rx.Component:
    def one(team: TeamRow) -> rx.Component:
        return rx.el.option(team.name, value=team.name, key=team.id)

    return rx.cond(
        state.teams.length() > 0,
        rx.el.div(
            rx.el.label("Team", html_for=ident),
            rx.el.select(
                rx.el.option("none", value=""),
                rx.foreach(state.teams, one),
                name="team",
                id=ident,
                default_value=chosen,
                class_name="input",
            ),
            class_name="field",
        ),
        rx.fragment(),
    )


def _remove(state: Any) -> rx.Component:
    return dialog(
        state.dialog == "remove",
        rx.fragment("Remove ", state.member.name, "?"),
        rx.el.p(
            "They are signed out at once, and their access tokens stop working: programs that use them are refused. "
            "Keys, budgets and usage stay; their alerts tell you from now on."
        ),
        refusal(state.refusal, "Nobody was removed."),
        actions(state.close, "Remove", kind="danger", on_click=state.remove),
        on_dismiss=state.close,
        name="remove-member",
    )


def _transfer(state: Any) -> rx.Component:
    return dialog(
        state.dialog == "transfer",
        rx.fragment("Make ", state.member.name, " the owner?"),
        rx.el.p(
            "They may then do everything, also delete the organization. You become an administrator, and only they can "
            "give you the ownership back."
        ),
        refusal(state.refusal, "You own it still."),
        actions(state.close, "Hand it over", kind="danger", on_click=state.transfer),
        on_dismiss=state.close,
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
                "Members, tokens, budgets and alerts follow a new name. Usage of before keeps the old one.",
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
    return dialog(
        state.dialog == "delete-team",
        rx.fragment("Delete ", state.team.name, "?"),
        rx.el.p(
            "Its members and access tokens are of no team then. Its budgets stay, for calls that name the team "
            "themselves, and so does its usage."
        ),
        refusal(state.refusal, "Nothing was deleted."),
        actions(state.close, "Delete the team", kind="danger", on_click=state.delete_team),
        on_dismiss=state.close,
        name="delete-team",
    )


def _leave(state: Any) -> rx.Component:
    return dialog(
        state.dialog == "leave",
        rx.fragment("Leave ", state.viewer.organization, "?"),
        rx.el.p(
            "You see nothing of it any more, and your access tokens there stop working. What you made stays, and your "
            "alerts tell an owner. You can come back when you are invited again."
        ),
        refusal(state.refusal, "You did not leave."),
        actions(state.close, "Leave", kind="danger", on_click=state.leave),
        on_dismiss=state.close,
        name="leave",
    )


def _delete(state: Any) -> rx.Component:
    return confirm_dialog(
        state.dialog == "delete",
        rx.fragment("Delete ", state.viewer.organization, "?"),
        rx.el.p(
            "All of its usage, keys, budgets, alerts, reports and teams go, for everybody, and calls through the "
            "gateway with its tokens are refused. It cannot be undone."
        ),
        refusal(state.refusal, "Nothing was deleted."),
        word=state.viewer.organization,
        typed=state.typed,
        on_type=state.type_name,
        on_confirm=state.delete,
        on_dismiss=state.close,
        verb="Delete the organization",
        name="delete-organization",
    )
