"""impersonation as plain HTML forms: the cookie of another person, and the way back to one's own.

The administrator's own token waits in a cookie that only /auth gets, so that ending leads back without signing in.
"""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse
from pydantic import StringConstraints

from guardian.api.answers.envelope import Body
from guardian.api.auth.forms import HOME, SIGN_IN_PAGE, go
from guardian.api.steps import COOKIE, SIGNING, CallDep, route
from guardian.config import settings
from guardian.errors import AuthenticationError
from guardian.services.people import impersonation
from guardian.services.people.access import sessions

forms = APIRouter(prefix="/auth/impersonation")

USERS_PAGE = "/admin/users"
OWN_COOKIE, OWN_PATH = "guardian_own", "/auth/impersonation"


class Start(Body):
    """Through whose eyes, and why."""

    user_id: Annotated[str, StringConstraints(max_length=100)]
    reason: Annotated[str, StringConstraints(max_length=2_000)]


@route(forms, "POST", "", permission="admin:update", action="IMPERSONATION_START", limit=SIGNING, page=USERS_PAGE)
def start_form(call: CallDep, form: Annotated[Start, Form()]) -> RedirectResponse:
    with call.transaction() as opened:
        token, row = impersonation.start(
            opened, call.actor, form.user_id, form.reason, user_agent=call.request.headers.get("user-agent")
        )
        call.note("user", row.user_id, reason=row.impersonation_reason, session=row.id)
    call.keep_cookie(token)
    gone = go(HOME)
    gone.set_cookie(
        OWN_COOKIE,
        call.request.cookies[COOKIE],
        max_age=int(impersonation.LIFETIME.total_seconds()),
        path=OWN_PATH,
        secure=settings().base_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return gone


@route(forms, "POST", "/end", action="IMPERSONATION_END", limit=SIGNING, public=True, page=SIGN_IN_PAGE)
def end_form(call: CallDep) -> RedirectResponse:
    """Back to oneself, where one's own session still works; else to the sign-in."""
    own = call.request.cookies.get(OWN_COOKIE, "")
    try:
        with call.transaction(audited=False) as opened:
            held = call.request.cookies.get(COOKIE, "")
            call.become(
                sessions.actor_for_session(opened, held, request_id=call.request_id, ip_address=call.ip_address)
            )
    except AuthenticationError:
        # Its hour is over, and with it the cookie that leads back.
        call.nothing_done()
        call.keep_cookie("")
        return go(SIGN_IN_PAGE)
    impersonator = call.actor.impersonator_id
    with call.transaction() as opened:
        impersonation.end(opened, call.actor)
        call.note("user", call.actor.user_id)
        back = bool(own) and impersonator is not None and impersonation.own_session(opened, own, impersonator)
    call.keep_cookie(own if back else "")
    gone = go(USERS_PAGE if back else SIGN_IN_PAGE)
    gone.delete_cookie(OWN_COOKIE, path=OWN_PATH)
    return gone
