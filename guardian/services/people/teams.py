"""Teams: parts of an organization with members, tokens and budgets of their own, and tags for their calls."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from guardian.errors import ConflictError, NotFoundError, ValidationError
from guardian.models import AccessToken, Budget, Team, TeamMember
from guardian.services.actor import Actor
from guardian.services.people.members.joining import lock_members
from guardian.services.people.team_names import take_name
from guardian.services.people.telling import tell_team_changed

MAX_NAME = 100
# As much as the gateway takes from a call itself.
MAX_TAGS, MAX_TAG_NAME, MAX_TAG = 32, 64, 256
MAX_TEAMS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamView:
    """`default_tags` are put on its calls where these do not say otherwise; `members`, `tokens` and `budgets` are how
    many there are of it.
    """

    id: str
    name: str
    default_tags: Mapping[str, str]
    members: int
    tokens: int
    budgets: int


def list_teams(session: Session, actor: Actor) -> list[TeamView]:
    """The organization's teams, by name."""
    actor.require("team:read")
    rows = session.exec(select(Team).where(Team.organization_id == actor.organization_id)).all()
    members, tokens, budgets = _counts(session, actor.organization_id)
    return sorted(
        (
            TeamView(
                id=row.id,
                name=row.name,
                default_tags=_tags_of(row),
                members=members.get(row.name, 0),
                tokens=tokens.get(row.name, 0),
                budgets=budgets.get(row.name, 0),
            )
            for row in rows
        ),
        key=lambda each: each.name.lower(),
    )


def create_team(session: Session, actor: Actor, name: str, default_tags: Mapping[str, str] | None = None) -> TeamView:
    """A new team without members. Raises ValidationError (name, defaultTags), ConflictError for a taken name."""
    actor.require("team:update")
    lock_members(session, actor.organization_id)
    if len(session.exec(select(Team.id).where(Team.organization_id == actor.organization_id)).all()) >= MAX_TEAMS:
        raise ConflictError(f"An organization has at most {MAX_TEAMS} teams. Delete one first.")
    row = Team(
        organization_id=actor.organization_id,
        name=_free_name(session, actor, name),
        default_tags=_checked_tags(default_tags or {}),
    )
    session.add(row)
    session.flush()
    take_name(session, row, None)
    tell_team_changed(session, actor.organization_id, gateways=True)
    return _view(session, actor, row.id)


def update_team(
    session: Session,
    actor: Actor,
    team_id: str,
    *,
    name: str | None = None,
    default_tags: Mapping[str, str] | None = None,
) -> tuple[TeamView, TeamView]:
    """Rename a team, or change its tags; how it was, and how it is. None leaves what is there.

    Members, tokens and invitations follow the new name, and so do budgets and alerts of the team, which go on counting
    what is told under the old one. Usage that is in the ledger keeps the name that it was told under.
    """
    actor.require("team:update")
    row = _own(session, actor, team_id)
    before = _view(session, actor, row.id)
    if name is not None and " ".join(name.split()) != row.name:
        old, row.name = row.name, _free_name(session, actor, name, row.id)
        session.flush()
        take_name(session, row, old)
    if default_tags is not None:
        row.default_tags = dict(_checked_tags(default_tags))
    session.flush()
    # What the session holds of members and tokens has the old name still; the database has changed it.
    session.expire_all()
    tell_team_changed(session, actor.organization_id, gateways=True)
    return before, _view(session, actor, team_id)


def delete_team(session: Session, actor: Actor, team_id: str) -> TeamView:
    """Delete a team: its members and tokens are of no team then; budgets stay, for calls that name the team."""
    actor.require("team:update")
    row = _own(session, actor, team_id)
    view = _view(session, actor, row.id)
    session.delete(row)
    session.flush()
    session.expire_all()
    tell_team_changed(session, actor.organization_id, gateways=True)
    return view


def _own(session: Session, actor: Actor, team_id: str) -> Team:
    lock_members(session, actor.organization_id)
    row = session.get(Team, team_id, populate_existing=True)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFoundError("Team")
    return row


def _view(session: Session, actor: Actor, team_id: str) -> TeamView:
    return next(each for each in list_teams(session, actor) if each.id == team_id)


def _counts(session: Session, organization_id: str) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    members = session.exec(
        select(TeamMember.team, func.count())
        .where(TeamMember.organization_id == organization_id, col(TeamMember.team).is_not(None))
        .group_by(col(TeamMember.team))
    )
    tokens = session.exec(
        select(AccessToken.team, func.count())
        .where(
            AccessToken.organization_id == organization_id,
            col(AccessToken.team).is_not(None),
            col(AccessToken.revoked_at).is_(None),
        )
        .group_by(col(AccessToken.team))
    )
    budgets: dict[str, int] = {}
    for row in session.exec(select(Budget).where(Budget.organization_id == organization_id)):
        if row.scope and row.scope.get("type") == "team":
            name = str(row.scope.get("value"))
            budgets[name] = budgets.get(name, 0) + 1
    return {name or "": n for name, n in members}, {name or "": n for name, n in tokens}, budgets


def _free_name(session: Session, actor: Actor, given: str, but: str = "") -> str:
    name = " ".join(given.split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise _wrong("name", f"A team's name has 1 to {MAX_NAME} printable characters.")
    others = select(Team.name).where(Team.organization_id == actor.organization_id, col(Team.id) != but)
    if name.casefold() in {each.casefold() for each in session.exec(others)}:
        raise ConflictError(f"There is already a team {name}. Choose another name.")
    return name


def _checked_tags(given: Mapping[str, str]) -> dict[str, str]:
    tags = {name.strip(): value.strip() for name, value in given.items()}
    if len(tags) > MAX_TAGS:
        raise _wrong("defaultTags", f"A team has at most {MAX_TAGS} tags.")
    for name, value in tags.items():
        if not 1 <= len(name) <= MAX_TAG_NAME or not name.isprintable() or any(sign in name for sign in "=,:"):
            raise _wrong("defaultTags", f"A tag's name has 1 to {MAX_TAG_NAME} printable characters but = , and :.")
        if not 1 <= len(value) <= MAX_TAG or not value.isprintable():
            raise _wrong("defaultTags", f"The value of the tag {name} has 1 to {MAX_TAG} printable characters.")
    if "team" in tags:
        raise _wrong("defaultTags", "The tag team is the team's own name already.")
    return tags


def _tags_of(row: Team) -> dict[str, str]:
    return {name: str(value) for name, value in sorted((row.default_tags or {}).items())}


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": field, "message": message}])
