"""Reports read: those of an organization, and one as a page or as a PDF."""

import re

from sqlmodel import Session, col, select

from guardian.errors import ConflictError, NotFoundError, ValidationError
from guardian.models import Report
from guardian.models.enums import ReportStatus
from guardian.services.actor import Actor
from guardian.services.guard.reports.pdf import render
from guardian.services.guard.reports.views import ReportView, view_of
from guardian.services.people.views import Page

_MOST = 100
_ID = re.compile("[a-z0-9]{1,40}")


def list_reports(session: Session, actor: Actor, cursor: str | None = None, limit: int = 20) -> Page[ReportView]:
    """The organization's reports, the latest made first. Raises AuthorizationError, and ValidationError for a cursor
    not of ours.
    """
    actor.require("reports:read")
    limit = max(1, min(limit, _MOST))
    query = select(Report).where(Report.organization_id == actor.organization_id)
    if cursor is not None:
        if not _ID.fullmatch(cursor):
            message = "This cursor is not one that a list gave."
            raise ValidationError(message, details=[{"field": "cursor", "message": "unknown cursor"}])
        query = query.where(col(Report.id) < cursor)
    # Ids begin with their time.
    rows = session.exec(query.order_by(col(Report.id).desc()).limit(limit + 1)).all()
    following = rows[limit - 1].id if len(rows) > limit else None
    return Page(items=tuple(view_of(row) for row in rows[:limit]), next_cursor=following)


def get_report(session: Session, actor: Actor, report_id: str) -> ReportView:
    """One report. Raises AuthorizationError, and NotFoundError for one of another organization."""
    actor.require("reports:read")
    row = session.get(Report, report_id)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFoundError("Report")
    return view_of(row)


def report_pdf(session: Session, actor: Actor, report_id: str) -> tuple[str, bytes]:
    """A file name and the PDF. Raises what get_report raises, and ConflictError while the report is not ready."""
    view = get_report(session, actor, report_id)
    if view.status is not ReportStatus.READY or view.content is None:
        raise ConflictError(view.error or "This report is still being made. Try again in a moment.")
    return file_name(view), render(view.content)


def file_name(view: ReportView) -> str:
    """ "report-web-2026-11-16.pdf": ASCII, whatever the team is called."""
    first = (view.content or {}).get("period", {}).get("first", "")
    team = re.sub("[^a-z0-9]+", "-", (view.scope.value or "").lower()).strip("-")
    return "-".join(part for part in ("report", team, first) if part) + ".pdf"
