"""auth as plain HTML forms, for the signed-out pages.

A page's form is a full page load, because the cookie that it sets is seen by the page's WebSocket only after one. What
fails leads back to the form with ?error=<code>, for which services.people.problems has the words.
"""

from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse
from pydantic import StringConstraints

from guardian.api.answers.envelope import Body, Line
from guardian.api.auth import signing
from guardian.api.auth.signing import (
    Credentials,
    Forgotten,
    NewPassword,
    Registration,
    SecondStep,
    SecondStepOut,
    SignedInOut,
    Verification,
)
from guardian.api.steps import COOKIE, SIGNING, Call, CallDep, route
from guardian.api.team import InvitationToken, accept_invited
from guardian.config import settings
from guardian.errors import AuthenticationError, SignInRefused, ValidationError
from guardian.services.people.access import second_steps, sessions
from guardian.services.people.invitations import invited_address

forms = APIRouter(prefix="/auth")

SIGN_IN_PAGE = "/"
SIGN_UP_PAGE = "/register"
FORGOT_PAGE = "/forgot-password"
RESET_PAGE = "/reset-password"
VERIFY_PAGE = "/verify-email"
CODE_PAGE = "/sign-in-code"
INVITATION_PAGE = "/invitation"
HOME = "/dashboard"

STEP_COOKIE = "guardian_step"
STEP_PATH = "/auth/login/code"


class CredentialsForm(Credentials):
    next: str | None = None


class CodeForm(Body):
    code: Annotated[str, StringConstraints(max_length=100)]
    next: str | None = None


class RegistrationForm(Registration):
    next: str | None = None


class InvitationForm(InvitationToken):
    """Whom it is for is in the invitation: nobody has to say so."""

    name: Line | None = None
    password: Annotated[str, StringConstraints(max_length=1_000)]


@route(forms, "POST", "/register", action="AUTH_REGISTER", limit=SIGNING, public=True, page=SIGN_UP_PAGE)
def register_form(call: CallDep, form: Annotated[RegistrationForm, Form()]) -> RedirectResponse:
    signing.sign_up(call, form)
    return go(local_path(form.next))


@route(forms, "POST", "/invitation", action="AUTH_REGISTER", limit=SIGNING, public=True, page=INVITATION_PAGE)
def invitation_form(call: CallDep, form: Annotated[InvitationForm, Form()]) -> RedirectResponse:
    """Sign up as the person whom the invitation was sent to, and join."""
    with call.transaction(audited=False) as opened:
        email = invited_address(opened, form.token)
    signing.sign_up(call, Registration(email=email, password=form.password, name=form.name, invitation=form.token))
    return go(HOME)


@route(
    forms,
    "POST",
    "/invitation/sign-in",
    action="INVITATION_ACCEPT",
    limit=SIGNING,
    public=True,
    page=INVITATION_PAGE,
)
def invitation_sign_in_form(call: CallDep, form: Annotated[InvitationToken, Form()]) -> RedirectResponse:
    """To the sign-in page as the invited person, and back to the invitation from there."""
    with call.transaction(audited=False) as opened:
        email = invited_address(opened, form.token)
    call.nothing_done()
    again = f"{INVITATION_PAGE}?{urlencode({'token': form.token})}"
    return go(f"{SIGN_IN_PAGE}?{urlencode({'next': again, 'email': email})}")


@route(
    forms,
    "POST",
    "/invitation/accept",
    action="INVITATION_ACCEPT",
    limit=SIGNING,
    public=True,
    page=INVITATION_PAGE,
)
def accept_form(call: CallDep, form: Annotated[InvitationToken, Form()]) -> RedirectResponse:
    """Join as who is signed in. A full page load: every open page of theirs shows another organization then."""
    try:
        _known_browser(call)
    except AuthenticationError:
        # Also then the page needs the link's token, which is in the form.
        raise SignInRefused("signed-out", "Your session has ended. Sign in again.") from None
    accept_invited(call, form.token)
    return go(HOME)


@route(forms, "POST", "/login", action="AUTH_LOGIN", limit=SIGNING, public=True, page=SIGN_IN_PAGE)
def login_form(call: CallDep, form: Annotated[CredentialsForm, Form()]) -> RedirectResponse:
    return after(signing.sign_in(call, form), local_path(form.next))


@route(forms, "POST", "/login/code", action="AUTH_LOGIN", limit=SIGNING, public=True, page=CODE_PAGE)
def code_form(call: CallDep, form: Annotated[CodeForm, Form()]) -> RedirectResponse:
    """The first step's token is in a cookie: an address would keep it in the browser's history."""
    token = call.request.cookies.get(STEP_COOKIE, "")
    try:
        signing.finish(call, SecondStep(token=token[:2_000], code=form.code))
    except AuthenticationError:
        raise SignInRefused("code", "This code is wrong, or was used already.") from None
    except ValidationError:
        raise SignInRefused("code-over", "This sign-in has taken too long, or is over already.") from None
    gone = go(local_path(form.next))
    gone.delete_cookie(STEP_COOKIE, path=STEP_PATH)
    return gone


@route(forms, "POST", "/logout", action="AUTH_LOGOUT", limit=SIGNING, public=True, page=SIGN_IN_PAGE)
def logout_form(call: CallDep) -> RedirectResponse:
    """Also somebody whose session is over already wants to be rid of the cookie."""
    try:
        _known_browser(call)
    except AuthenticationError:
        call.nothing_done()
        call.keep_cookie("")
        return go(SIGN_IN_PAGE)
    signing.sign_out(call)
    return go(SIGN_IN_PAGE)


@route(
    forms,
    "POST",
    "/logout/everywhere",
    permission="session:delete",
    action="SESSION_REVOKE_ALL",
    limit=SIGNING,
    page=SIGN_IN_PAGE,
)
def logout_everywhere_form(call: CallDep) -> RedirectResponse:
    signing.sign_out_everywhere(call)
    return go(SIGN_IN_PAGE)


@route(forms, "POST", "/password/forgot", action="AUTH_PASSWORD_FORGOT", limit=SIGNING, public=True, page=FORGOT_PAGE)
def forgot_form(call: CallDep, form: Annotated[Forgotten, Form()]) -> RedirectResponse:
    signing.forgot(call, form)
    return go(f"{FORGOT_PAGE}?sent=1")


@route(forms, "POST", "/password/reset", action="AUTH_PASSWORD_RESET", limit=SIGNING, public=True, page=RESET_PAGE)
def reset_form(call: CallDep, form: Annotated[NewPassword, Form()]) -> RedirectResponse:
    email = signing.reset(call, form)
    return go(f"{SIGN_IN_PAGE}?{urlencode({'reset': '1', 'email': email})}")


@route(forms, "POST", "/verify", action="AUTH_VERIFY", limit=SIGNING, public=True, page=VERIFY_PAGE)
def verify_form(call: CallDep, form: Annotated[Verification, Form()]) -> RedirectResponse:
    try:
        signing.verify(call, form)
    except SignInRefused as error:
        if error.reason != "verify-sign-in":
            raise
        call.nothing_done()
        again = f"{VERIFY_PAGE}?{urlencode({'token': form.token})}"
        return go(f"{SIGN_IN_PAGE}?{urlencode({'error': error.reason, 'next': again})}")
    return go(f"{VERIFY_PAGE}?done=1")


def _known_browser(call: Call) -> None:
    """Go on as who is signed in, on a route that is open to everybody. Raises AuthenticationError."""
    with call.transaction(audited=False) as opened:
        call.become(
            sessions.actor_for_session(
                opened,
                call.request.cookies.get(COOKIE, ""),
                request_id=call.request_id,
                ip_address=call.ip_address,
            )
        )


def local_path(wanted: str | None) -> str:
    """Where to go after signing in: a path of our own pages, whatever the form says."""
    if wanted is None or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return HOME
    # Browsers drop tabs and newlines out of addresses, which would turn "/\t/evil" into "//evil".
    if any(ord(c) <= 32 or c == "\\" for c in wanted) or urlsplit(wanted).netloc:
        return HOME
    return wanted


def after(outcome: SignedInOut | SecondStepOut, wanted: str) -> RedirectResponse:
    """On to the page that was wanted, or to the one that asks for a code."""
    if isinstance(outcome, SignedInOut):
        return go(wanted)
    asked = go(CODE_PAGE if wanted == HOME else f"{CODE_PAGE}?{urlencode({'next': wanted})}")
    asked.set_cookie(
        STEP_COOKIE,
        outcome.token,
        max_age=int(second_steps.LIFETIME.total_seconds()),
        path=STEP_PATH,
        secure=settings().base_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return asked


def go(path: str) -> RedirectResponse:
    """Lead the browser on."""
    # 303 turns the form's POST into a GET.
    return RedirectResponse(path, status_code=303)
