"""From the people wing's views to the text that the page shows: pure functions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from guardian.errors import ValidationError
from guardian.models.enums import TeamRole
from guardian.services.people.domains import DomainView
from guardian.services.people.invitations import InvitationView
from guardian.services.people.members import MemberView
from guardian.services.people.teams import TeamView
from guardian.ui import format
from guardian.ui.rows import NO_MOMENT, Moment

ROLE_NAMES: Mapping[TeamRole, str] = {
    TeamRole.OWNER: "Owner",
    TeamRole.ADMIN: "Admin",
    TeamRole.MEMBER: "Member",
    TeamRole.BILLING: "Billing",
    TeamRole.VIEWER: "Viewer",
}
# One line for whoever has to choose.
ABOUT_ROLES: Mapping[TeamRole, str] = {
    TeamRole.OWNER: "everything, and deletes or hands on the organization",
    TeamRole.ADMIN: "everything but plan, payment and the organization's end",
    TeamRole.MEMBER: "sees all, adds keys and alerts, sends usage",
    TeamRole.BILLING: "sees spend, plan and invoices, and changes the plan",
    TeamRole.VIEWER: "sees all, changes nothing",
}


@dataclass(frozen=True)
class MemberRow:
    """A person's place. `can_change` is whether who looks may give them another role or remove them."""

    id: str = ""
    user_id: str = ""
    name: str = ""
    email: str = ""
    role: str = ""
    role_name: str = ""
    team: str = ""
    mine: bool = False
    can_change: bool = False
    can_succeed: bool = False
    second_factor: bool = False
    seen: Moment = NO_MOMENT


@dataclass(frozen=True)
class InvitationRow:
    """An open or expired invitation; `about` says by whom, `ends` until when."""

    id: str
    email: str
    role_name: str
    team: str
    inviter: str
    sent: Moment
    ends: str
    expired: bool


@dataclass(frozen=True)
class TeamRow:
    """A team with its tags as people type them, and what there is of it in words."""

    id: str = ""
    name: str = ""
    about: str = ""
    tags: str = ""


@dataclass(frozen=True)
class DomainRow:
    """The organization's domain; `join` is the role of who joins by it, empty where nobody does."""

    domain: str = ""
    pending: str = ""
    record: str = ""
    join: str = ""


@dataclass(frozen=True)
class RoleChoice:
    """A role that may be given."""

    value: str
    name: str
    about: str


NO_MEMBER, NO_TEAM, NO_DOMAIN = MemberRow(), TeamRow(), DomainRow()


def member_row(
    view: MemberView, viewer_id: str, given: tuple[TeamRole, ...], *, owns: bool, now: datetime, tz: ZoneInfo
) -> MemberRow:
    mine = view.user_id == viewer_id
    return MemberRow(
        id=view.id,
        user_id=view.user_id,
        name=view.name or view.email.split("@")[0],
        email=view.email,
        role=view.role.value,
        role_name=ROLE_NAMES[view.role],
        team=view.team or "",
        mine=mine,
        can_change=view.role in given,
        can_succeed=owns and not mine,
        second_factor=view.second_factor,
        seen=Moment.of(view.last_seen, now, tz, never="not seen yet"),
    )


def invitation_row(view: InvitationView, now: datetime, tz: ZoneInfo) -> InvitationRow:
    ends = "expired" if view.expired else f"works until {format.absolute(view.expires_at, tz)}"
    return InvitationRow(
        id=view.id,
        email=view.email,
        role_name=ROLE_NAMES[view.role],
        team=view.team or "",
        inviter=view.inviter or "somebody who has left",
        sent=Moment.of(view.sent_at, now, tz),
        ends=ends,
        expired=view.expired,
    )


def team_row(view: TeamView) -> TeamRow:
    parts = [_some(view.members, "member"), _some(view.tokens, "access token"), _some(view.budgets, "budget")]
    return TeamRow(id=view.id, name=view.name, about=", ".join(parts), tags=tags_text(view.default_tags))


def domain_row(view: DomainView) -> DomainRow:
    return DomainRow(
        domain=view.domain or "",
        pending=view.pending or "",
        record=view.record or "",
        join=view.join_role.value if view.join_role else "",
    )


def role_choice(role: TeamRole) -> RoleChoice:
    return RoleChoice(role.value, ROLE_NAMES[role], ABOUT_ROLES[role])


def role_of(given: str) -> TeamRole:
    """The role that a form tells. Raises ValidationError."""
    if given not in set(TeamRole):
        raise ValidationError("Choose a role.")
    return TeamRole(given)


def tags_of(text: str) -> dict[str, str]:
    """Tags as people type them, name=value with commas or lines between. Raises ValidationError."""
    parts = [part.strip() for part in re.split(r"[,\n]", text) if part.strip()]
    pairs = [part.partition("=") for part in parts]
    if any(not equals for _, equals, _ in pairs):
        raise ValidationError("Write tags as name=value with commas between them, such as cost-centre=R1, env=prod.")
    return {name.strip(): value.strip() for name, _, value in pairs}


def tags_text(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in tags.items())


def counted(members: int, invitations: int, teams: int) -> str:
    """What the page says first: 4 members, 1 invited, in 2 teams."""
    said = [_some(members, "member")]
    if invitations:
        said.append(f"{invitations} invited")
    return ", ".join(said) + (f", in {_some(teams, 'team')}" if teams else "")


def _some(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
