"""auth: signing up, in and out, forgotten passwords, and the list of one's sessions."""

from fastapi import APIRouter
from pydantic import Field

from guardian.api.answers.envelope import Out
from guardian.api.auth import signing
from guardian.api.auth.signing import (
    Credentials,
    Forgotten,
    NewPassword,
    Registration,
    SecondStep,
    SecondStepOut,
    SessionOut,
    SignedInOut,
    Verification,
)
from guardian.api.steps import SIGNING, CallDep, route
from guardian.services.people.access import own_sessions, verification

api = APIRouter(prefix="/api/v1/auth", tags=["auth"])


class DoneOut(Out):
    """`message` is for the person."""

    message: str = Field(examples=["If there is an account with this address, a link is on its way to it."])


@route(api, "POST", "/register", action="AUTH_REGISTER", status=201, limit=SIGNING, public=True, fails=(409,))
def register(call: CallDep, body: Registration) -> SignedInOut:
    """Sign up: makes a person and their organization, and signs them in."""
    return signing.sign_up(call, body)


@route(api, "POST", "/login", action="AUTH_LOGIN", limit=SIGNING, public=True, fails=(401,))
def login(call: CallDep, body: Credentials) -> SignedInOut | SecondStepOut:
    """Sign in: sets the cookie guardian_session, or asks for a code of the second factor first."""
    return signing.sign_in(call, body)


@route(api, "POST", "/login/code", action="AUTH_LOGIN", limit=SIGNING, public=True, fails=(401,))
def login_code(call: CallDep, body: SecondStep) -> SignedInOut:
    """Finish a sign-in that asked for a code: sets the cookie guardian_session."""
    return signing.finish(call, body)


@route(api, "POST", "/logout", permission="session:delete", action="AUTH_LOGOUT")
def logout(call: CallDep) -> DoneOut:
    """End the session that asks, and take its cookie away."""
    signing.sign_out(call)
    return DoneOut(message="You are signed out.")


@route(api, "GET", "/session", permission="session:read")
def signed_in(call: CallDep) -> SignedInOut:
    """Who is signed in."""
    with call.transaction() as opened:
        return signing.signed_in(call, opened)


@route(api, "POST", "/password/forgot", action="AUTH_PASSWORD_FORGOT", limit=SIGNING, public=True)
def forgot_password(call: CallDep, body: Forgotten) -> DoneOut:
    """Ask for a mail with a link to choose a new password. The answer is the same for every address."""
    signing.forgot(call, body)
    return DoneOut(message="If there is an account with this address, a link is on its way to it.")


@route(api, "POST", "/password/reset", action="AUTH_PASSWORD_RESET", limit=SIGNING, public=True)
def reset_password(call: CallDep, body: NewPassword) -> DoneOut:
    """Choose a new password with a mailed link's token; ends all sessions of that person."""
    signing.reset(call, body)
    return DoneOut(message="Your password is changed. Sign in with it.")


@route(api, "POST", "/verify", action="AUTH_VERIFY", limit=SIGNING, public=True, fails=(403,))
def verify(call: CallDep, body: Verification) -> DoneOut:
    """Confirm an e-mail address with a mailed link's token, in a browser that is signed in as its person."""
    signing.verify(call, body)
    return DoneOut(message="Your address is confirmed.")


@route(api, "POST", "/verify/mail", permission="session:read", action="AUTH_VERIFY_MAIL", limit=SIGNING)
def ask_to_verify(call: CallDep) -> DoneOut:
    """Ask for the mail that confirms one's address once more."""
    with call.transaction() as opened:
        call.note("user", call.actor.user_id)
        asked = verification.ask_again(opened, call.actor)
    return DoneOut(message="A link is on its way to you." if asked else "Your address is confirmed already.")


@route(api, "GET", "/sessions", permission="session:read")
def list_sessions(call: CallDep) -> list[SessionOut]:
    """One's own sessions, the latest used first."""
    with call.transaction() as opened:
        return [SessionOut.model_validate(view) for view in own_sessions.list_sessions(opened, call.actor)]


@route(api, "DELETE", "/sessions/{session_id}", permission="session:delete", action="SESSION_REVOKE")
def revoke_session(call: CallDep, session_id: str) -> None:
    """Sign one of one's own browsers out."""
    with call.transaction() as opened:
        own_sessions.revoke_session(opened, call.actor, session_id)
        call.note("session", session_id)


@route(api, "DELETE", "/sessions", permission="session:delete", action="SESSION_REVOKE_OTHERS")
def revoke_other_sessions(call: CallDep, everywhere: bool = False) -> None:
    """Sign out everywhere but here, or here too (`everywhere`)."""
    if everywhere:
        signing.sign_out_everywhere(call)
        return
    with call.transaction() as opened:
        call.note("session", None, count=own_sessions.revoke_other_sessions(opened, call.actor))
