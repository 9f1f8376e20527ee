"""Signing up, in and out, as it is done for JSON and for forms alike."""

from typing import Annotated, Literal

from pydantic import StringConstraints
from sqlmodel import Session

from guardian.api.answers.envelope import Body, Line, Out, Time
from guardian.api.organization import OrganizationOut
from guardian.api.steps import COOKIE, Call
from guardian.errors import AuthenticationError, RateLimitError, SignInRefused, ValidationError
from guardian.models import User
from guardian.models.enums import TeamRole, UserRole
from guardian.services.actor import Actor
from guardian.services.people.access import (
    accounts,
    own_sessions,
    password_resets,
    second_factors,
    second_steps,
    sessions,
    verification,
)
from guardian.services.people.domains import give_place
from guardian.services.people.sign_in_rules import PASSWORD

_Email = Annotated[str, StringConstraints(max_length=320)]
_Password = Annotated[str, StringConstraints(max_length=1_000)]


class Credentials(Body):
    email: _Email
    password: _Password


class Registration(Credentials):
    name: Line | None = None
    company: Line | None = None
    invitation: Annotated[str, StringConstraints(max_length=200)] | None = None


class Forgotten(Body):
    email: _Email


class NewPassword(Body):
    token: Annotated[str, StringConstraints(max_length=200)]
    password: _Password


class Verification(Body):
    token: Annotated[str, StringConstraints(max_length=2_000)]


class SecondStep(Body):
    """`code` is of the app, or one of the recovery codes."""

    token: Annotated[str, StringConstraints(max_length=2_000)]
    code: Annotated[str, StringConstraints(max_length=100)]


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
    """A signed-in browser; `current` marks the one that asks, `method` is how it was signed in."""

    id: str
    user_agent: str | None
    ip_address: str | None
    created_at: Time
    last_used_at: Time
    expires_at: Time
    current: bool
    method: str


class SignedInOut(Out):
    """`expires_at` is when the session ends if it is not used; null for an access token."""

    user: UserOut
    session: SessionOut | None = None


class SecondStepOut(Out):
    """Half of a sign-in: POST auth/login/code takes `token` and a code within ten minutes."""

    second_factor: Literal[True] = True
    token: str


def sign_up(call: Call, body: Registration) -> SignedInOut:
    with call.transaction() as opened:
        user = accounts.register(
            opened,
            email=body.email,
            password=body.password,
            name=body.name,
            company=body.company,
            invitation=body.invitation,
        )
        call.note("user", user.id, role=user.role.value, invited=bool(body.invitation))
        # Who followed an invitation's link has shown that the address is theirs, and knows what this is.
        if not body.invitation:
            verification.welcome(opened, user)
        _open(call, opened, user)
        return signed_in(call, opened)


def sign_in(call: Call, body: Credentials) -> SignedInOut | SecondStepOut:
    try:
        with call.transaction(audited=False) as opened:
            user = accounts.authenticate(opened, email=body.email, password=body.password, ip_address=call.ip_address)
            return enter(call, opened, user, PASSWORD)
    except (AuthenticationError, RateLimitError, SignInRefused) as error:
        call.audit_failure("AUTH_LOGIN_REFUSED", email=body.email, reason=error.code)
        raise


def enter(call: Call, opened: Session, user: User, method: str) -> SignedInOut | SecondStepOut:
    """Who has proved who they are is signed in, with an audit row, or is asked for a code first."""
    if second_factors.is_on(opened, user.id):
        call.nothing_done()
        return SecondStepOut(token=second_steps.ask_for_code(user, method))
    call.note("user", user.id, method=method)
    _open(call, opened, user, method)
    call.audit(opened, "AUTH_LOGIN")
    return signed_in(call, opened)


def finish(call: Call, body: SecondStep) -> SignedInOut:
    try:
        with call.transaction() as opened:
            user, method, kind = second_steps.take_code(opened, body.token, body.code)
            call.note("user", user.id, method=method, secondFactor=kind)
            _open(call, opened, user, method)
            return signed_in(call, opened)
    except (AuthenticationError, RateLimitError, ValidationError) as error:
        call.audit_failure("AUTH_LOGIN_REFUSED", reason=error.code, step="code")
        raise


def _open(call: Call, opened: Session, user: User, method: str = PASSWORD) -> None:
    """From here on the call is that person's, in a new session whose token goes into the cookie.

    What the browser held before ends: a cookie that somebody planted there signs nobody in.
    """
    before = call.request.cookies.get(COOKIE)
    if before:
        own_sessions.end_token(opened, before)
    give_place(opened, user)
    token, row = sessions.open_session(
        opened, user, user_agent=call.request.headers.get("user-agent"), ip_address=call.ip_address, method=method
    )
    call.become(
        sessions.actor_for_user(
            opened, user.id, session_id=row.id, request_id=call.request_id, ip_address=call.ip_address
        )
    )
    call.keep_cookie(token)


def signed_in(call: Call, opened: Session) -> SignedInOut:
    current = own_sessions.current_session(opened, call.actor)
    return SignedInOut(
        user=UserOut.model_validate(accounts.me(opened, call.actor)),
        session=SessionOut.model_validate(current) if current else None,
    )


def sign_out(call: Call) -> None:
    with call.transaction() as opened:
        own_sessions.sign_out(opened, call.actor)
        call.note("session", call.actor.session_id)
    call.keep_cookie("")


def sign_out_everywhere(call: Call) -> None:
    with call.transaction() as opened:
        call.note("session", None, count=own_sessions.revoke_all_sessions(opened, call.actor))
    call.keep_cookie("")


def forgot(call: Call, body: Forgotten) -> None:
    with call.transaction() as opened:
        call.note("user", None, email=body.email)
        password_resets.request_password_reset(opened, body.email)


def reset(call: Call, body: NewPassword) -> str:
    with call.transaction() as opened:
        user = password_resets.reset_password(opened, body.token, body.password)
        go_on_as(call, opened, user)
        call.note("user", user.id)
        return user.email


def verify(call: Call, body: Verification) -> None:
    with call.transaction() as opened:
        user = verification.verify_email(opened, body.token, _of_browser(call, opened))
        go_on_as(call, opened, user)
        call.note("user", user.id)


def _of_browser(call: Call, opened: Session) -> Actor | None:
    """Who is signed in here, on a route that is open to everybody."""
    try:
        return sessions.actor_for_session(opened, call.request.cookies.get(COOKIE, ""))
    except AuthenticationError:
        return None


def go_on_as(call: Call, opened: Session, user: User) -> None:
    """The audit row is that person's; who works in no organization, or in a disabled one, has one of nobody's."""
    try:
        actor = sessions.actor_for_user(opened, user.id, request_id=call.request_id, ip_address=call.ip_address)
    except (AuthenticationError, SignInRefused):
        return
    call.become(actor)
