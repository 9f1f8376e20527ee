"""/team: members and invitations, teams, what each role may do, the domain; all of it kept fresh while it is open."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import reflex as rx
from sqlmodel import Session

from guardian.errors import NotFoundError
from guardian.live import TEAM_UPDATE
from guardian.models.enums import TeamRole
from guardian.periods import utcnow, zone
from guardian.services.actor import Actor
from guardian.services.people import domains, invitations, members, teams
from guardian.services.people.domains import DomainView
from guardian.services.people.invitations import InvitationView
from guardian.services.people.members import MemberView
from guardian.services.people.places import PlaceView
from guardian.services.people.teams import TeamView
from guardian.ui.dialogs import Dialogs
from guardian.ui.live_hub import Query
from guardian.ui.pages.team import changes, rows
from guardian.ui.pages.team.domain import Domain
from guardian.ui.pages.team.rows import NO_MEMBER, NO_TEAM, InvitationRow, MemberRow, RoleChoice, TeamRow
from guardian.ui.pages.team.view import team_view
from guardian.ui.session import Said
from guardian.ui.toasts import toast

ROUTE = "/team"
HOME = "/dashboard"


@dataclass(frozen=True)
class _View:
    members: list[MemberView]
    invitations: list[InvitationView]
    teams: list[TeamView]
    domain: DomainView
    may_give: tuple[TeamRole, ...]
    permissions: frozenset[str]


class TeamState(Domain, Dialogs, rx.State):
    """The people as rows, and whom or which team the open dialog is about."""

    _live_events: ClassVar[frozenset[str]] = frozenset({TEAM_UPDATE})

    members: list[MemberRow] = []
    invitations: list[InvitationRow] = []
    teams: list[TeamRow] = []
    roles: list[RoleChoice] = []
    said: str = ""
    can_change: bool = False
    can_change_domain: bool = False
    can_delete: bool = False

    member: MemberRow = NO_MEMBER
    team: TeamRow = NO_TEAM

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _View:
        return _View(
            members=members.list_members(session, actor),
            invitations=invitations.list_invitations(session, actor),
            teams=teams.list_teams(session, actor),
            domain=domains.get_domain(session, actor),
            may_give=members.roles_to_give(actor),
            permissions=actor.permissions,
        )

    def _query(self) -> Query:
        return ()

    def _show(self, view: _View) -> None:
        now, tz = utcnow(), zone(self.viewer.zone or "UTC")
        may = view.permissions
        self.can_change, self.can_change_domain = "team:update" in may, "organization:update" in may
        self.can_delete = "organization:delete" in may
        owns = "organization:transfer" in may
        self.members = [
            rows.member_row(each, self.viewer.id, view.may_give, owns=owns, now=now, tz=tz) for each in view.members
        ]
        # A message that the role was changed comes without the frame's part.
        own = next((row.role_name for row in self.members if row.mine), self.viewer.role)
        self.viewer = replace(self.viewer, role=own, permissions=tuple(sorted(may)))
        self.invitations = [rows.invitation_row(each, now, tz) for each in view.invitations]
        self.teams = [rows.team_row(each) for each in view.teams]
        self.roles = [rows.role_choice(role) for role in view.may_give]
        self.said = rows.counted(len(view.members), len(view.invitations), len(view.teams))
        self._show_domain(view.domain)

    @rx.event
    async def open_invite(self) -> None:
        """Show the form of an invitation."""
        (await self._actor()).require("team:update")
        self._open("invite")

    @rx.event
    async def invite(self, form: dict[str, Any]) -> Said:
        """Mail the invitation of the form."""
        email, team = str(form.get("email", "")), str(form.get("team", ""))
        return await self._or_refuse(
            changes.inviting(email, str(form.get("role", "")), team),
            lambda view: toast(f"{view.email} is invited. The link works for a week."),
        )

    @rx.event
    async def resend(self, invitation_id: str) -> Said:
        """Mail that invitation once more, with a new link."""
        found = await self._call(changes.resending(invitation_id))
        await self._refresh()
        return toast(f"Sent to {found.email} again. The link of before is worth nothing now.")

    @rx.event
    async def revoke(self, invitation_id: str) -> Said:
        """Take that invitation back."""
        found = await self._call(changes.revoking(invitation_id))
        await self._refresh()
        return toast(f"The invitation of {found.email} is taken back.")

    @rx.event
    async def open_member(self, member_id: str, dialog: str) -> None:
        """Show a dialog about that member: edit, remove or transfer."""
        (await self._actor()).require("team:update")
        self._open(dialog if dialog in ("edit", "remove", "transfer") else "edit", member=await self._member(member_id))

    @rx.event
    async def save_member(self, form: dict[str, Any]) -> Said:
        """Give the member of the dialog the form's role and team."""
        member_id, team = self.member.id, str(form.get("team", ""))
        return await self._or_refuse(
            changes.changing_member(member_id, str(form.get("role", "")), team),
            lambda view: toast(f"{view.name or view.email} is {rows.ROLE_NAMES[view.role].lower()} now."),
        )

    @rx.event
    async def remove(self) -> Said:
        """Take the member of the dialog out."""
        return await self._or_refuse(changes.removing(self.member.id), lambda view: toast(f"{view.email} is removed."))

    @rx.event
    async def transfer(self) -> Said:
        """Make the member of the dialog the owner in one's place."""
        return await self._or_refuse(
            changes.transferring(self.member.id),
            lambda view: toast(f"{view.name or view.email} owns the organization now."),
        )

    @rx.event
    async def open_team(self, team_id: str, dialog: str) -> None:
        """Show the form of a team, of a new one without an id; or ask before deleting it."""
        (await self._actor()).require("team:update")
        found = await self._team(team_id) if team_id else NO_TEAM
        self._open("delete-team" if dialog == "delete-team" and team_id else "team", team=found)

    @rx.event
    async def save_team(self, form: dict[str, Any]) -> Said:
        """Make the team of the form, or change the one of the dialog."""
        team_id, name, tags = self.team.id, str(form.get("name", "")), str(form.get("tags", ""))
        return await self._or_refuse(
            changes.saving_team(team_id, name, tags), lambda view: toast(f"{view.name} is saved.")
        )

    @rx.event
    async def delete_team(self) -> Said:
        """Delete the team of the dialog."""
        return await self._or_refuse(
            changes.deleting_team(self.team.id), lambda view: toast(f"{view.name} is deleted.")
        )

    @rx.event
    async def open_end(self, dialog: str) -> None:
        """Ask before leaving the organization, or before deleting it."""
        await self._actor()
        self._open("delete" if dialog == "delete" else "leave")

    @rx.event
    async def leave(self) -> Said:
        """Leave the organization, and go on in another one or to the sign-in page."""
        return await self._or_refuse(changes.leaving, _onwards, leaves=True)

    @rx.event
    async def delete(self) -> Said:
        """Delete the organization, once its name is typed."""
        return await self._or_refuse(changes.deleting_organization(self.typed), _onwards, leaves=True)

    def _open(self, dialog: str, *, member: MemberRow = NO_MEMBER, team: TeamRow = NO_TEAM) -> None:
        super()._open(dialog)
        self.member, self.team = member, team

    async def _member(self, member_id: str) -> MemberRow:
        """A member of this organization as the database has them. Raises NotFoundError."""
        await self._refresh()
        found = next((row for row in self.members if row.id == member_id), None)
        if found is None:
            raise NotFoundError("Member")
        return found

    async def _team(self, team_id: str) -> TeamRow:
        await self._refresh()
        found = next((row for row in self.teams if row.id == team_id), None)
        if found is None:
            raise NotFoundError("Team")
        return found


def _onwards(place: PlaceView | None) -> rx.event.EventSpec:
    """To another organization of one's own, where there is one."""
    return rx.redirect(HOME if place else "/")


def page() -> rx.Component:
    return team_view(TeamState, ROUTE)
