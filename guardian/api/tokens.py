"""tokens: access tokens of ours, for REST, gateway and ingest."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field, StrictInt

from guardian.api.answers.envelope import Body, Line, Out, Time
from guardian.api.answers.lists import ListQuery
from guardian.api.steps import CallDep, route
from guardian.models.enums import Provider
from guardian.services.people.access import tokens
from guardian.services.people.access.token_lists import page_of_tokens
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/tokens", tags=["tokens"])


def _with_offset(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class NewToken(Body):
    """`scopes` are of api, gateway and ingest. The rest is what the gateway lets it call, all unless limited."""

    name: Line
    scopes: list[Line] = Field(max_length=10)
    expires_at: Annotated[datetime, AfterValidator(_with_offset)] | None = None
    budget_id: Line | None = None
    team: Line | None = None
    allowed_providers: list[Provider] = Field(default_factory=list[Provider], max_length=10)
    allowed_models: list[Line] = Field(default_factory=list[str], max_length=tokens.MAX_MODELS)
    requests_per_minute: StrictInt | None = None
    tokens_per_minute: StrictInt | None = None


class TokenOut(Out):
    """`hint` is the secret's last four characters."""

    id: str
    name: str
    hint: str
    scopes: list[str]
    user_id: str
    budget_id: str | None
    team: str | None
    allowed_providers: list[Provider]
    allowed_models: list[str]
    requests_per_minute: int | None
    tokens_per_minute: int | None
    created_at: Time
    expires_at: Time | None
    last_used_at: Time | None


class TokenQuery(ListQuery):
    """Tokens of one person, with one scope, or on one budget."""

    sort: Literal["name", "-name", "createdAt", "-createdAt", "lastUsedAt", "-lastUsedAt"] | None = None
    user_id: Line | None = None
    scopes: Literal["api", "gateway", "ingest"] | None = Field(default=None, alias="scope")
    budget_id: Line | None = None


class CreatedTokenOut(TokenOut):
    """`secret` is shown here and never again."""

    secret: str


@route(api, "GET", "", permission="tokens:read")
def list_tokens(call: CallDep, query: Annotated[TokenQuery, Query()]) -> Page[TokenOut]:
    """One's own tokens; an administrator sees those of the organization."""
    with call.transaction() as session:
        found = page_of_tokens(
            session, call.actor, query.asked, user_id=query.user_id, scope=query.scopes, budget_id=query.budget_id
        )
    return Page(items=tuple(TokenOut.model_validate(view) for view in found.items), next_cursor=found.next_cursor)


@route(api, "POST", "", permission="tokens:create", action="TOKEN_CREATE", status=201, fails=(404,))
def create_token(call: CallDep, body: NewToken) -> CreatedTokenOut:
    """Make a token. Needs a signed-in browser: an access token cannot make others."""
    with call.transaction() as session:
        secret, view = tokens.create_token(
            session,
            call.actor,
            name=body.name,
            scopes=body.scopes,
            expires_at=body.expires_at,
            budget_id=body.budget_id,
            team=body.team,
            allowed_providers=body.allowed_providers,
            allowed_models=body.allowed_models,
            requests_per_minute=body.requests_per_minute,
            tokens_per_minute=body.tokens_per_minute,
        )
        call.note("token", view.id, name=view.name, scopes=view.scopes)
        return CreatedTokenOut(**TokenOut.model_validate(view).model_dump(), secret=secret)


@route(api, "DELETE", "/{token_id}", permission="tokens:delete", action="TOKEN_REVOKE")
def revoke_token(call: CallDep, token_id: str) -> None:
    """End a token for good."""
    with call.transaction() as session:
        view = tokens.revoke_token(session, call.actor, token_id)
        call.note("token", view.id, name=view.name)
