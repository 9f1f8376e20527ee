"""admin/users: every person, what they may do in the installation, their sessions, and looking through their eyes."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from guardian.api.admin.asking import Searched
from guardian.api.answers.envelope import Body, Out
from guardian.api.steps import CallDep, route
from guardian.models.enums import UserRole
from guardian.services.guard.installation import users
from guardian.services.people import impersonation
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/admin", tags=["admin"])


class UsersAsked(Searched):
    role: UserRole | None = None


class UserLineOut(Out):
    """`organizations` are the names of all that the person belongs to, `sessions` the browsers signed in now."""

    id: str
    email: str
    name: str | None
    role: UserRole
    verified: bool
    second_factor: bool
    organizations: list[str]
    sessions: int
    last_seen: datetime | None
    created_at: datetime


class RoleGiven(Body):
    role: UserRole


class EndedOut(Out):
    """How many sessions ended."""

    ended: int


class ImpersonationOut(Out):
    """`email` is whose eyes they are, `impersonator` the address of who looks."""

    id: str
    user_id: str
    email: str
    organization: str
    impersonator: str
    reason: str
    created_at: datetime
    expires_at: datetime


@route(api, "GET", "/users", permission="admin:read")
def list_users(call: CallDep, asked: Annotated[UsersAsked, Query()]) -> Page[UserLineOut]:
    """Every person of this installation, the newest first."""
    with call.transaction() as session:
        page = users.list_users(
            session,
            call.actor,
            search=asked.search or "",
            role=asked.role,
            cursor=asked.cursor,
            limit=asked.limit,
        )
    return Page(items=tuple(UserLineOut.model_validate(each) for each in page.items), next_cursor=page.next_cursor)


@route(api, "PATCH", "/users/{user_id}", permission="admin:update", action="USER_ROLE", fails=(409,))
def set_role(call: CallDep, user_id: str, body: RoleGiven) -> UserLineOut:
    """Give a person another role in the installation; 409 for oneself."""
    with call.transaction() as session:
        line = users.set_role(session, call.actor, user_id, body.role)
        call.note("user", user_id, email=line.email, role=line.role.value)
    return UserLineOut.model_validate(line)


@route(api, "DELETE", "/users/{user_id}/sessions", permission="admin:update", action="USER_SIGN_OUT")
def sign_out_user(call: CallDep, user_id: str) -> EndedOut:
    """Sign a person out everywhere."""
    with call.transaction() as session:
        ended = users.sign_out_user(session, call.actor, user_id)
        call.note("user", user_id, count=ended)
    return EndedOut(ended=ended)


@route(
    api, "POST", "/users/{user_id}/confirmation", permission="admin:update", action="USER_CONFIRMATION", fails=(409,)
)
def resend_confirmation(call: CallDep, user_id: str) -> UserLineOut:
    """Mail a person the link that confirms their address once more; 409 where it is confirmed."""
    with call.transaction() as session:
        line = users.resend_confirmation(session, call.actor, user_id)
        call.note("user", user_id, email=line.email)
    return UserLineOut.model_validate(line)


@route(api, "GET", "/impersonations", permission="admin:read")
def list_impersonations(call: CallDep) -> list[ImpersonationOut]:
    """Those that run now. One is begun in a browser, on the page of users."""
    with call.transaction() as session:
        found = impersonation.running(session, call.actor)
    return [ImpersonationOut.model_validate(each) for each in found]


@route(api, "DELETE", "/impersonations/{session_id}", permission="admin:update", action="IMPERSONATION_STOP")
def stop_impersonation(call: CallDep, session_id: str) -> None:
    """End one that runs, of whomever."""
    with call.transaction() as session:
        ended = impersonation.end_one(session, call.actor, session_id)
        call.note("user", ended.user_id, email=ended.email, impersonator=ended.impersonator)
