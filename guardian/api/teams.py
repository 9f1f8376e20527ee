"""team/teams: the parts of an organization, with tags that are put on their calls."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from guardian.api.answers.envelope import Body, Line
from guardian.api.answers.lists import ListQuery, page_of
from guardian.api.steps import CallDep, route
from guardian.api.team import TeamOut
from guardian.models import Team
from guardian.services.people import teams
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/team/teams", tags=["team"])

_Tags = dict[Line, Line]


class TeamQuery(ListQuery):
    sort: Literal["name", "-name", "members", "-members"] | None = None


class NewTeam(Body):
    """`defaultTags` are put on the team's calls where these do not say otherwise."""

    name: Line = Field(min_length=1, examples=["Search"])
    default_tags: _Tags = Field(default_factory=dict[str, str], examples=[{"cost-centre": "R1"}])


class TeamBody(Body):
    """What to change; what is left out stays."""

    name: Line | None = Field(default=None, min_length=1)
    default_tags: _Tags | None = None


@route(api, "GET", "", permission="team:read")
def list_teams(call: CallDep, query: Annotated[TeamQuery, Query()]) -> Page[TeamOut]:
    """The organization's teams, by name."""
    with call.transaction() as session:
        found = [TeamOut.model_validate(each) for each in teams.list_teams(session, call.actor)]
    return page_of(found, query)


@route(api, "POST", "", permission="team:update", action="TEAM_CREATE", status=201, fails=(409,))
def create_team(call: CallDep, body: NewTeam) -> TeamOut:
    """Make a team."""
    with call.transaction() as session:
        view = teams.create_team(session, call.actor, body.name, body.default_tags)
        call.note("team", view.id, name=view.name, defaultTags=view.default_tags)
        return TeamOut.model_validate(view)


@route(api, "PATCH", "/{team_id}", permission="team:update", action="TEAM_UPDATE", row=Team, fails=(409,))
def update_team(call: CallDep, team_id: str, body: TeamBody) -> TeamOut:
    """Rename a team or change its tags. Members, tokens, budgets and alerts follow a new name; past usage keeps it."""
    with call.transaction() as session:
        before, view = teams.update_team(session, call.actor, team_id, name=body.name, default_tags=body.default_tags)
        call.note("team", view.id, name=view.name, was=before.name, defaultTags=view.default_tags)
        return TeamOut.model_validate(view)


@route(api, "DELETE", "/{team_id}", permission="team:update", action="TEAM_DELETE", row=Team)
def delete_team(call: CallDep, team_id: str) -> None:
    """Delete a team. Its members and tokens are of none then; its budgets stay, for calls that name it."""
    with call.transaction() as session:
        view = teams.delete_team(session, call.actor, team_id)
        call.note("team", view.id, name=view.name)
