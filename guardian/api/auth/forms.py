"""auth as plain HTML forms, for the signed-out pages.

A page's form is a full page load, because the cookie that it sets is seen by the page's WebSocket only after one. What
fails leads back to the form with ?error=<code>, for which services.people.problems has the words.
"""

from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse

from guardian.api.auth import signing
from guardian.api.auth.signing import Credentials, Forgotten, NewPassword, Registration, Verification
from guardian.api.steps import COOKIE, SIGNING, CallDep, route
from guardian.errors import AuthenticationError
from guardian.services.people.access import sessions

forms = APIRouter(prefix="/auth")

SIGN_IN_PAGE = "/"
SIGN_UP_PAGE = "/register"
FORGOT_PAGE = "/forgot-password"
RESET_PAGE = "/reset-password"
VERIFY_PAGE = "/verify-email"
HOME = "/dashboard"


class CredentialsForm(Credentials):
    next: str | None = None


class RegistrationForm(Registration):
    next: str | None = None


@route(forms, "POST", "/register", action="AUTH_REGISTER", limit=SIGNING, public=True, page=SIGN_UP_PAGE)
def register_form(call: CallDep, form: Annotated[RegistrationForm, Form()]) -> RedirectResponse:
    signing.sign_up(call, form)
    return _go(local_path(form.next))


@route(forms, "POST", "/login", action="AUTH_LOGIN", limit=SIGNING, public=True, page=SIGN_IN_PAGE)
def login_form(call: CallDep, form: Annotated[CredentialsForm, Form()]) -> RedirectResponse:
    signing.sign_in(call, form)
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
    signing.sign_out(call)
    return _go(SIGN_IN_PAGE)


@route(forms, "POST", "/password/forgot", action="AUTH_PASSWORD_FORGOT", limit=SIGNING, public=True, page=FORGOT_PAGE)
def forgot_form(call: CallDep, form: Annotated[Forgotten, Form()]) -> RedirectResponse:
    signing.forgot(call, form)
    return _go(f"{FORGOT_PAGE}?sent=1")


@route(forms, "POST", "/password/reset", action="AUTH_PASSWORD_RESET", limit=SIGNING, public=True, page=RESET_PAGE)
def reset_form(call: CallDep, form: Annotated[NewPassword, Form()]) -> RedirectResponse:
    email = signing.reset(call, form)
    return _go(f"{SIGN_IN_PAGE}?{urlencode({'reset': '1', 'email': email})}")


@route(forms, "POST", "/verify", action="AUTH_VERIFY", limit=SIGNING, public=True, page=VERIFY_PAGE)
def verify_form(call: CallDep, form: Annotated[Verification, Form()]) -> RedirectResponse:
    signing.verify(call, form)
    return _go(f"{VERIFY_PAGE}?done=1")


def local_path(wanted: str | None) -> str:
    """Where to go after signing in: a path of our own pages, whatever the form says."""
    if wanted is None or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return HOME
    # Browsers drop tabs and newlines out of addresses, which would turn "/\t/evil" into "//evil".
    if any(ord(c) <= 32 or c == "\\" for c in wanted) or urlsplit(wanted).netloc:
        return HOME
    return wanted


def _go(path: str) -> RedirectResponse:
    # 303 turns the form's POST into a GET.
    return RedirectResponse(path, status_code=303)
