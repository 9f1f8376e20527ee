"""Signing up, in and out, as it is done for JSON and for forms alike."""

from typing import Annotated

from pydantic import StringConstraints
from sqlmodel import Session

from guardian.api.answers.envelope import Body, Line, Out, Time
from guardian.api.organization import OrganizationOut
from guardian.api.steps import Call
from guardian.errors import AuthenticationError, RateLimitError
from guardian.models import User
from guardian.models.enums import TeamRole, UserRole
from guardian.services.people.access import accounts, password_resets, sessions, verification

_Email = Annotated[str, StringConstraints(max_length=320)]
_Password = Annotated[str, StringConstraints(max_length=1_000)]


class Credentials(Body):
    email: _Email
    password: _Password


class Registration(Credentials):
    name: Line | None = None
    company: Line | None = None


class Forgotten(Body):
    email: _Email


class NewPassword(Body):
    token: Annotated[str, StringConstraints(max_length=200)]
    password: _Password


class Verification(Body):
    token: Annotated[str, StringConstraints(max_length=2_000)]


class UserOut(Out):
    """The person who asks; `permissions` are resource:action pairs."""

    id: str
    email: str
    name: str | None
    company: str | None
    role: UserRole
    team_role: TeamRole
    created_at: Time
    organization: OrganizationOut
    permissions: list[str]


class SessionOut(Out):
    """A signed-in browser; `current` marks the one that asks."""

    id: str
    user_agent: str | None
    ip_address: str | None
    created_at: Time
    last_used_at: Time
    expires_at: Time
    current: bool


class SignedInOut(Out):
    """`expires_at` is when the session ends if it is not used; null for an access token."""

    user: UserOut
    session: SessionOut | None = None


def sign_up(call: Call, body: Registration) -> SignedInOut:
    with call.transaction() as opened:
        user = accounts.register(opened, email=body.email, password=body.password, name=body.name, company=body.company)
        call.note("user", user.id, role=user.role.value)
        verification.welcome(opened, user)
        _open(call, opened, user)
        return signed_in(call, opened)


def sign_in(call: Call, body: Credentials) -> SignedInOut:
    try:
        with call.transaction() as opened:
            user = accounts.authenticate(opened, email=body.email, password=body.password, ip_address=call.ip_address)
            call.note("user", user.id)
            _open(call, opened, user)
            return signed_in(call, opened)
    except (AuthenticationError, RateLimitError) as error:
        call.audit_failure("AUTH_LOGIN_REFUSED", email=body.email, reason=error.code)
        raise


def _open(call: Call, opened: Session, user: User) -> None:
    """From here on the call is that person's, in a new session whose token goes into the cookie."""
    token, row = sessions.open_session(
        opened, user, user_agent=call.request.headers.get("user-agent"), ip_address=call.ip_address
    )
    call.become(
        sessions.actor_for_user(
            opened, user.id, session_id=row.id, request_id=call.request_id, ip_address=call.ip_address
        )
    )
    call.keep_cookie(token)


def signed_in(call: Call, opened: Session) -> SignedInOut:
    current = sessions.current_session(opened, call.actor)
    return SignedInOut(
        user=UserOut.model_validate(accounts.me(opened, call.actor)),
        session=SessionOut.model_validate(current) if current else None,
    )


def sign_out(call: Call) -> None:
    with call.transaction() as opened:
        sessions.sign_out(opened, call.actor)
        call.note("session", call.actor.session_id)
    call.keep_cookie("")


def forgot(call: Call, body: Forgotten) -> None:
    with call.transaction() as opened:
        call.note("user", None, email=body.email)
        password_resets.request_password_reset(opened, body.email)


def reset(call: Call, body: NewPassword) -> str:
    with call.transaction() as opened:
        user = password_resets.reset_password(opened, body.token, body.password)
        call.become(sessions.actor_for_user(opened, user.id, request_id=call.request_id, ip_address=call.ip_address))
        call.note("user", user.id)
        return user.email


def verify(call: Call, body: Verification) -> None:
    with call.transaction() as opened:
        user = verification.verify_email(opened, body.token)
        call.become(sessions.actor_for_user(opened, user.id, request_id=call.request_id, ip_address=call.ip_address))
        call.note("user", user.id)
