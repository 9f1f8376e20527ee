"""account/report-mails: which reports one gets by mail; and the link of such a mail that stops them, for anybody."""

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response
from pydantic import Field, StringConstraints

from guardian.api.answers.envelope import Body, Out
from guardian.api.auth.forms import go
from guardian.api.auth.signing import go_on_as
from guardian.api.steps import CallDep, route
from guardian.services.people.access import report_mails

api = APIRouter(prefix="/api/v1/account/report-mails", tags=["account"])
forms = APIRouter(prefix="/auth")

PAGE = "/unsubscribe"
Token = Annotated[str, StringConstraints(max_length=2_000)]


class ReportMailsOut(Out):
    """`reports` are the kinds that come by mail; [] is none."""

    reports: list[Literal["weekly", "monthly"]]


class ReportMailsBody(Body):
    reports: list[Literal["weekly", "monthly"]] = Field(max_length=2)


class UnsubscribeForm(Body):
    """A mail program says that it is one click (RFC 8058), and has the token in the address; the page has a field."""

    token: Token | None = None
    one_click: str | None = Field(default=None, alias="List-Unsubscribe")


@route(api, "GET", "", permission="account:read")
def get_report_mails(call: CallDep) -> ReportMailsOut:
    """Which reports one gets by mail."""
    with call.transaction() as session:
        return ReportMailsOut.model_validate({"reports": report_mails.my_wishes(session, call.actor)})


@route(api, "PUT", "", permission="account:update", action="REPORT_MAILS_UPDATE")
def put_report_mails(call: CallDep, body: ReportMailsBody) -> ReportMailsOut:
    """Choose which reports one gets by mail."""
    with call.transaction() as session:
        chosen = report_mails.choose(session, call.actor, body.reports)
        call.note("user", call.actor.user_id, reports=list(chosen))
        return ReportMailsOut.model_validate({"reports": chosen})


@route(forms, "GET", "/unsubscribe", public=True, page=PAGE)
def show_unsubscribe(call: CallDep, token: Token = "") -> RedirectResponse:
    """Programs that look for bad links visit them all: a visit stops nothing, and leads to the page with a button."""
    return go(f"{PAGE}?{urlencode({'token': token})}" if token else PAGE)


@route(forms, "POST", "/unsubscribe", action="REPORT_MAILS_STOP", public=True, page=PAGE)
def unsubscribe(call: CallDep, form: Annotated[UnsubscribeForm, Form()], token: Token | None = None) -> Response:
    """Send that person no reports any more. A mail program is answered at once: it follows no redirects."""
    with call.transaction() as session:
        user = report_mails.stop(session, token or form.token or "")
        go_on_as(call, session, user)
        call.note("user", user.id)
    return go(f"{PAGE}?done=1") if form.one_click is None else Response("You get no more reports.", 200)
