"""Reports made: asked for or due, waiting as QUEUED rows, each filled by one job.

A row of a recurring kind is there once (uq_reports_recurring), whoever asks first. A report that a worker takes up and
never ends is taken up again, three times at most.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, cast

from sqlalchemy import and_, or_, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from guardian import db, live, queue
from guardian.errors import ValidationError
from guardian.models import Organization, Report, UsageRollup
from guardian.models.base import new_id
from guardian.models.enums import ReportStatus
from guardian.periods import HOUR, ceil_hour, rfc3339, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.guard.budgets.scopes import MAX_VALUE, Scope
from guardian.services.guard.explaining.reading import ORGANIZATION, groups_of
from guardian.services.guard.reports.content import build, scope_name
from guardian.services.guard.reports.sending import DUE, TOLD
from guardian.services.guard.reports.spans import RECURRING, Kind, Period, last_over, period_of
from guardian.services.guard.reports.views import ReportView, scope_of, view_of
from guardian.services.ledger.queries.freshness import read_freshness
from guardian.services.people import audit

MAKE_REPORT = "guardian.jobs.reports.make_report"  # by name: services do not know the jobs

_TIMEOUT = 1_800  # seconds
_TRIES = 3
_LOST = timedelta(minutes=35)  # longer than the job may take
# The last hours of a period arrive with the next pulls. It is waited for them, but not for a key that is broken.
_PATIENCE = 6 * HOUR
# Of a period that ended longer ago nobody is told any more: nobody waits for last month's at a first start.
_LATE = timedelta(days=3)
# Nor is a report mailed that was made, and then lay for longer.
_TELLABLE = timedelta(days=7)
_MOST_TEAMS = 20


def request_report(
    session: Session, actor: Actor, kind: Kind, scope: Scope, first: date, last: date | None = None
) -> ReportView:
    """Have a report made of the week or month that the day `first` lies in, or of the days from `first` to `last`.

    One that is there already is given back; one that failed is made again. Raises AuthorizationError, and
    ValidationError for another scope than the organization or a team, and as spans.period_of does.
    """
    actor.require("reports:create")
    now = utcnow()
    period = period_of(kind, zone(session.get_one(Organization, actor.organization_id).time_zone), first, last, now)
    row = _wait(session, actor.organization_id, actor.user_id, period, _checked(scope))
    return view_of(row)


def queue_due(session: Session, organization_id: str, now: datetime) -> int:
    """Have the weekly and monthly reports made that are due: of the organization, and of each team with spend.

    One that somebody asked for earlier is made anew, with what has come since, and told to all others as well.
    """
    tz = zone(session.get_one(Organization, organization_id).time_zone)
    made = 0
    for kind in RECURRING:
        period = last_over(kind, tz, now)
        if now - period.current.window.end > _LATE or _is_made(session, organization_id, period):
            continue
        if not _has_usage(session, organization_id, period) or _is_early(session, organization_id, period, now):
            continue
        teams = groups_of(session, organization_id, ORGANIZATION, period.current.window, "team", tracked=True)
        named = sorted((team for team in teams if team and teams[team]), key=lambda team: (-teams[team], team))
        for scope in (ORGANIZATION, *(Scope("team", team) for team in named[:_MOST_TEAMS])):
            _wait(session, organization_id, None, period, scope)
            made += 1
    return made


def resume_reports(session: Session, now: datetime) -> int:
    """Call workers for reports that were lost with the queue, or with their worker: to be made, or to be told."""
    untold = and_(
        col(Report.status) == ReportStatus.READY,
        or_(col(Report.user_id).is_(None), col(Report.parameters).op("->>")(DUE).is_not(None)),
        col(Report.kind).in_(RECURRING),
        col(Report.parameters).op("->>")(TOLD).is_(None),
        col(Report.period_end) > now - _TELLABLE,
    )
    waiting = or_(col(Report.status) == ReportStatus.QUEUED, untold)
    rows = session.exec(select(Report).where(waiting, col(Report.updated_at) < now - _LOST)).all()
    for row in rows:
        row.updated_at = now
        _enqueue(session, row)
    return len(rows)


def take_up(session: Session, report_id: str) -> bool:
    """Count one more try of a report; False when it is gone, made, or was tried too often, and is FAILED then."""
    row = session.get(Report, report_id, with_for_update=True)
    if row is None or row.status is not ReportStatus.QUEUED:
        return False
    tries = int((row.parameters or {}).get("tries", 0)) + 1
    row.parameters = {**(row.parameters or {}), "tries": tries}
    if tries > _TRIES:
        fail(session, report_id, f"This report could not be made in {_TRIES} tries. Ask for fewer days.")
    return tries <= _TRIES


def fill(session: Session, report_id: str, now: datetime) -> ReportView | None:
    """Make the content of a report that waits; the transaction is the caller's, and nothing was read in it yet.

    Gives None when there is nothing to do any more.
    """
    # What is spent, by day and by model, is read with several queries: all of them see one state.
    session.connection().execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    row = session.get(Report, report_id, with_for_update=True)
    if row is None or row.status is not ReportStatus.QUEUED:
        return None
    period = _stored_period(row, now)
    row.content = build(session, Actor.for_job(row.user_id or "", row.organization_id), scope_of(row), period, now)
    row.status, row.error, row.period_end = ReportStatus.READY, None, period.current.window.end
    session.flush()
    _tell(session, row)
    return view_of(row)


def fail(session: Session, report_id: str, message: str) -> None:
    row = session.get(Report, report_id, with_for_update=True)
    if row is not None and row.status is ReportStatus.QUEUED:
        row.status, row.error = ReportStatus.FAILED, message
        session.flush()
        _tell(session, row)


def organizations(session: Session, after: str, limit: int) -> Sequence[str]:
    """The ids of organizations behind `after`, in order."""
    query = select(Organization.id).where(col(Organization.id) > after).order_by(col(Organization.id)).limit(limit)
    return session.exec(query).all()


def _checked(scope: Scope) -> Scope:
    value = " ".join((scope.value or "").split())
    if scope.type == "organization" and not value:
        return ORGANIZATION
    if scope.type == "team" and value and len(value) <= MAX_VALUE and value.isprintable():
        return Scope("team", value)
    message = "A report is about the organization, or about one team, which is named."
    raise ValidationError(message, details=[{"field": "scope", "message": message}])


def _wait(session: Session, organization_id: str, user_id: str | None, period: Period, scope: Scope) -> Report:
    """The row of that report, QUEUED anew where it failed."""
    table = cast("Any", Report)
    of = "" if scope.type == "organization" else f", {scope_name(scope)}"
    facts: dict[str, Any] = {
        "id": new_id(),
        "organization_id": organization_id,
        "user_id": user_id,
        "title": f"{period.title}{of}",
        "kind": period.kind,
        "scope": scope.value or "",
        "status": ReportStatus.QUEUED,
        "period_start": period.current.window.start,
        "period_end": period.current.window.end,
        "parameters": _parameters(period),
    }
    if session.connection().execute(insert(table).values(facts).on_conflict_do_nothing()).rowcount:
        audit.note_change(session, Report, None, facts)
    same = (
        col(Report.id) == facts["id"]
        if period.kind == "custom"
        else (col(Report.kind) == period.kind) & (col(Report.period_start) == facts["period_start"])
    )
    query = select(Report).where(Report.organization_id == organization_id, Report.scope == facts["scope"], same)
    row = session.exec(query.with_for_update()).one()
    wanted, due = _parameters(period), user_id is None and _is_only_asked_for(row)
    if due or DUE in (row.parameters or {}):
        wanted[DUE] = True
    if due or row.status is ReportStatus.FAILED:
        row.status, row.error, row.parameters = ReportStatus.QUEUED, None, wanted
    session.flush()
    if row.id == facts["id"] or row.parameters == wanted:
        _enqueue(session, row)
        _tell(session, row)
    return row


def _parameters(period: Period) -> dict[str, Any]:
    return {
        "first": period.current.first.isoformat(),
        "last": period.current.last.isoformat(),
        "timeZone": period.tz.key,
    }


def _stored_period(row: Report, now: datetime) -> Period:
    stored = row.parameters or {}
    first, last = (date.fromisoformat(stored[name]) for name in ("first", "last"))
    return period_of(cast("Kind", row.kind), zone(stored["timeZone"]), first, last, now)


def _is_made(session: Session, organization_id: str, period: Period) -> bool:
    """Whether it was due before, made or in vain. The organization's own is made first."""
    query = select(Report).where(
        Report.organization_id == organization_id,
        Report.kind == period.kind,
        Report.scope == "",
        Report.period_start == period.current.window.start,
    )
    row = session.exec(query).first()
    return row is not None and not _is_only_asked_for(row)


def _is_only_asked_for(row: Report) -> bool:
    return row.user_id is not None and DUE not in (row.parameters or {})


def _has_usage(session: Session, organization_id: str, period: Period) -> bool:
    window = period.current.window
    query = select(UsageRollup.id).where(
        UsageRollup.organization_id == organization_id,
        col(UsageRollup.hour) >= ceil_hour(window.start),
        col(UsageRollup.hour) < ceil_hour(window.end),
    )
    return session.exec(query.limit(1)).first() is not None


def _is_early(session: Session, organization_id: str, period: Period, now: datetime) -> bool:
    end = period.current.window.end
    as_of = read_freshness(session, organization_id, now).as_of
    return as_of is not None and as_of < end and now < end + _PATIENCE


def _enqueue(session: Session, row: Report) -> None:
    send = partial(queue.enqueue_if_possible, queue.REPORT_QUEUE, MAKE_REPORT, row.id)
    _after(session, partial(send, job_id=f"make-report-{row.id}", timeout=_TIMEOUT))


def _tell(session: Session, row: Report) -> None:
    facts = {"id": row.id, "status": row.status, "title": row.title, "at": rfc3339(row.updated_at)}
    _after(session, partial(live.publish, "org", row.organization_id, live.REPORT_UPDATE, facts))


def _after(session: Session, call: Callable[[], object]) -> None:
    db.after_commit(session, call)
