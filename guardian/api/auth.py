"""auth: signing up, in and out, forgotten passwords, and the list of one's sessions; as JSON and as plain forms.

A page's form is a full page load, because the cookie that it sets is seen by the page's WebSocket only after one. The
forms post to /auth/login, /auth/register, /auth/logout, /auth/password/forgot and /auth/password/reset.
"""

from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse
from pydantic import Field, StringConstraints
from sqlmodel import Session

from guardian.api.envelope import Body, Line, Out, Time
from guardian.api.organization import OrganizationOut
from guardian.api.steps import COOKIE, SIGNING, Call, CallDep, route
from guardian.errors import AuthenticationError, RateLimitError
from guardian.models import User
from guardian.models.enums import TeamRole, UserRole
from guardian.services.people import accounts, password_resets, sessions

api = APIRouter(prefix="/api/v1/auth", tags=["auth"])
forms = APIRouter(prefix="/auth")

SIGN_IN_PAGE = "/"
SIGN_UP_PAGE = "/register"
FORGOT_PAGE = "/forgot-password"
RESET_PAGE = "/reset-password"
HOME = "/dashboard"

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


class CredentialsForm(Credentials):
    next: str | None = None


class RegistrationForm(Registration):
    next: str | None = None


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


class DoneOut(Out):
    """`message` is for the person."""

    message: str = Field(examples=["If there is an account with this address, a link is on its way to it."])


@route(api, "POST", "/register", action="AUTH_REGISTER", status=201, limit=SIGNING, public=True)
def register(call: CallDep, body: Registration) -> SignedInOut:
    """Sign up: makes a person and their organization, and signs them in."""
    return _sign_up(call, body)


@route(api, "POST", "/login", action="AUTH_LOGIN", limit=SIGNING, public=True)
def login(call: CallDep, body: Credentials) -> SignedInOut:
    """Sign in: sets the cookie guardian_session."""
    return _sign_in(call, body)


@route(api, "POST", "/logout", action="AUTH_LOGOUT")
def logout(call: CallDep) -> DoneOut:
    """End the session that asks, and take its cookie away."""
    _sign_out(call)
    return DoneOut(message="You are signed out.")


@route(api, "GET", "/session")
def signed_in(call: CallDep) -> SignedInOut:
    """Who is signed in."""
    with call.transaction() as opened:
        return _signed_in(call, opened)


@route(api, "POST", "/password/forgot", action="AUTH_PASSWORD_FORGOT", limit=SIGNING, public=True)
def forgot_password(call: CallDep, body: Forgotten) -> DoneOut:
    """Ask for a mail with a link to choose a new password. The answer is the same for every address."""
    _forgot(call, body)
    return DoneOut(message="If there is an account with this address, a link is on its way to it.")


@route(api, "POST", "/password/reset", action="AUTH_PASSWORD_RESET", limit=SIGNING, public=True)
def reset_password(call: CallDep, body: NewPassword) -> DoneOut:
    """Choose a new password with a mailed link's token; ends all sessions of that person."""
    _reset(call, body)
    return DoneOut(message="Your password is changed. Sign in with it.")


@route(api, "GET", "/sessions", permission="session:read")
def list_sessions(call: CallDep) -> list[SessionOut]:
    """One's own sessions, the latest used first."""
    with call.transaction() as opened:
        return [SessionOut.model_validate(view) for view in sessions.list_sessions(opened, call.actor)]


@route(api, "DELETE", "/sessions/{session_id}", permission="session:delete", action="SESSION_REVOKE")
def revoke_session(call: CallDep, session_id: str) -> None:
    """Sign one of one's own browsers out."""
    with call.transaction() as opened:
        sessions.revoke_session(opened, call.actor, session_id)
        call.note("session", session_id)


@route(api, "DELETE", "/sessions", permission="session:delete", action="SESSION_REVOKE_OTHERS")
def revoke_other_sessions(call: CallDep) -> None:
    """Sign out everywhere but here."""
    with call.transaction() as opened:
        call.note("session", None, count=sessions.revoke_other_sessions(opened, call.actor))


@route(forms, "POST", "/register", action="AUTH_REGISTER", limit=SIGNING, public=True, page=SIGN_UP_PAGE)
def register_form(call: CallDep, form: Annotated[RegistrationForm, Form()]) -> RedirectResponse:
    _sign_up(call, form)
    return _go(local_path(form.next))


@route(forms, "POST", "/login", action="AUTH_LOGIN", limit=SIGNING, public=True, page=SIGN_IN_PAGE)
def login_form(call: CallDep, form: Annotated[CredentialsForm, Form()]) -> RedirectResponse:
    _sign_in(call, form)
    return _go(local_path(form.next))


@route(forms, "POST", "/logout", action="AUTH_LOGOUT", limit=SIGNING, public=True, page=SIGN_IN_PAGE)
def logout_form(call: CallDep) -> RedirectResponse:
    """Also somebody whose session is over already wants to be rid of the cookie."""
    try:
        with call.transaction(audited=False) as opened:
            call.become(
                sessions.actor_for_session(
                    opened,
                    call.request.cookies.get(COOKIE, ""),
                    request_id=call.request_id,
                    ip_address=call.ip_address,
                )
            )
    except AuthenticationError:
        call.nothing_done()
        call.keep_cookie("")
        return _go(SIGN_IN_PAGE)
    _sign_out(call)
    return _go(SIGN_IN_PAGE)


@route(forms, "POST", "/password/forgot", action="AUTH_PASSWORD_FORGOT", limit=SIGNING, public=True, page=FORGOT_PAGE)
def forgot_form(call: CallDep, form: Annotated[Forgotten, Form()]) -> RedirectResponse:
    _forgot(call, form)
    return _go(f"{FORGOT_PAGE}?sent=1")


@route(forms, "POST", "/password/reset", action="AUTH_PASSWORD_RESET", limit=SIGNING, public=True, page=RESET_PAGE)
def reset_form(call: CallDep, form: Annotated[NewPassword, Form()]) -> RedirectResponse:
    email = _reset(call, form)
    return _go(f"{SIGN_IN_PAGE}?{urlencode({'reset': '1', 'email': email})}")


def local_path(wanted: str | None) -> str:
    """Where to go after signing in: a path of our own pages, whatever the form says."""
    if wanted is None or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return HOME
    # Browsers drop tabs and newlines out of addresses, which would turn "/\t/evil" into "//evil".
    if any(ord(c) <= 32 or c == "\\" for c in wanted) or urlsplit(wanted).netloc:
        return HOME
    return wanted


def _sign_up(call: Call, body: Registration) -> SignedInOut:
    with call.transaction() as opened:
        user = accounts.register(opened, email=body.email, password=body.password, name=body.name, company=body.company)
        call.note("user", user.id, role=user.role.value)
        _open(call, opened, user)
        return _signed_in(call, opened)


def _sign_in(call: Call, body: Credentials) -> SignedInOut:
    try:
        with call.transaction() as opened:
            user = accounts.authenticate(opened, email=body.email, password=body.password, ip_address=call.ip_address)
            call.note("user", user.id)
            _open(call, opened, user)
            return _signed_in(call, opened)
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


def _signed_in(call: Call, opened: Session) -> SignedInOut:
    current = sessions.current_session(opened, call.actor)
    return SignedInOut(
        user=UserOut.model_validate(accounts.me(opened, call.actor)),
        session=SessionOut.model_validate(current) if current else None,
    )


def _sign_out(call: Call) -> None:
    with call.transaction() as opened:
        sessions.sign_out(opened, call.actor)
        call.note("session", call.actor.session_id)
    call.keep_cookie("")


def _forgot(call: Call, body: Forgotten) -> None:
    with call.transaction() as opened:
        call.note("user", None, email=body.email)
        password_resets.request_password_reset(opened, body.email)


def _reset(call: Call, body: NewPassword) -> str:
    with call.transaction() as opened:
        user = password_resets.reset_password(opened, body.token, body.password)
        call.become(sessions.actor_for_user(opened, user.id, request_id=call.request_id, ip_address=call.ip_address))
        call.note("user", user.id)
        return user.email


def _go(path: str) -> RedirectResponse:
    # 303 turns the form's POST into a GET.
    return RedirectResponse(path, status_code=303)
