"""reports: made every week and month, or when asked for; read as JSON or as a PDF."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from guardian.api.answers.envelope import Body, Line, Out, Time
from guardian.api.steps import CallDep, route
from guardian.models.enums import ReportStatus
from guardian.services.guard import reports
from guardian.services.guard.budgets import Scope
from guardian.services.guard.reports import ReportView
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/reports", tags=["reports"])


class ReportScope(Body):
    """The organization, or a team by its name."""

    type: Literal["organization", "team"] = "organization"
    value: Line | None = None


class NewReportBody(Body):
    """`weekly` and `monthly`: the week or month that is over and that `from` lies in. `custom`: the local days from
    `from` to `to`, both inclusive, at most 366.
    """

    kind: Literal["weekly", "monthly", "custom"] = "custom"
    scope: ReportScope = ReportScope()
    from_: Annotated[date, Field(alias="from")]
    to: date | None = None


class ReportScopeOut(Out):
    type: Literal["organization", "team"]
    value: str | None


class ReportLine(Out):
    """`total` and `change` are those of its content, null until it is READY; `error` says why it FAILED.

    `mails` is how many people one of a week or month was mailed to when it was due, and `channels` how many channels
    were told of it; both are null where it was not due, or waits for that.
    """

    id: str
    title: str
    kind: str
    scope: ReportScopeOut
    status: ReportStatus
    period_start: Time
    period_end: Time
    created_at: Time
    user_id: str | None
    total: str | None
    change: str | None
    error: str | None
    mails: int | None
    channels: int | None


class ReportOut(ReportLine):
    """`content` holds every figure of the report: amounts in dollars and percentages as texts, times in UTC."""

    content: dict[str, Any] | None


@route(api, "GET", "", permission="reports:read")
def list_reports(
    call: CallDep,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Page[ReportLine]:
    """The organization's reports without their content, the latest made first."""
    with call.transaction() as session:
        found = reports.list_reports(session, call.actor, cursor, limit)
    return Page(items=tuple(ReportLine(**_line(view)) for view in found.items), next_cursor=found.next_cursor)


@route(api, "POST", "", permission="reports:create", action="REPORT_CREATE", status=202)
def create_report(call: CallDep, body: NewReportBody) -> ReportLine:
    """Have a report made. One of a week or month that is there already is given back."""
    with call.transaction() as session:
        scope = Scope(body.scope.type, body.scope.value)
        view = reports.request_report(session, call.actor, body.kind, scope, body.from_, body.to)
        call.note("report", view.id, title=view.title, kind=view.kind, scope=view.scope.as_json())
        return ReportLine(**_line(view))


@route(api, "GET", "/{report_id}", permission="reports:read")
def get_report(call: CallDep, report_id: str) -> ReportOut:
    """One report with its content."""
    with call.transaction() as session:
        view = reports.get_report(session, call.actor, report_id)
    return ReportOut(**_line(view), content=dict(view.content) if view.content is not None else None)


@route(api, "GET", "/{report_id}/pdf", permission="reports:read", fails=(409,))
def get_report_pdf(call: CallDep, report_id: str) -> Response:
    """The same figures as a PDF; 409 until the report is READY."""
    with call.transaction() as session:
        name, pdf = reports.report_pdf(session, call.actor, report_id)
    return Response(pdf, 200, {"Content-Disposition": f'attachment; filename="{name}"'}, "application/pdf")


def _line(view: ReportView) -> dict[str, Any]:
    spend: dict[str, Any] = (view.content or {}).get("spend", {})
    return {
        "id": view.id,
        "title": view.title,
        "kind": view.kind,
        "scope": ReportScopeOut.model_validate(view.scope),
        "status": view.status,
        "period_start": view.period_start,
        "period_end": view.period_end,
        "created_at": view.created_at,
        "user_id": view.by,
        "total": spend.get("total"),
        "change": spend.get("change"),
        "error": view.error,
        "mails": view.told and view.told[0],
        "channels": view.told and view.told[1],
    }
