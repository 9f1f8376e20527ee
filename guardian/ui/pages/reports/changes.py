"""What the page asks for, each with its audit row: a form's span becomes days, and a failed report is made anew."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from guardian.errors import ConflictError, ValidationError
from guardian.models.enums import ReportStatus
from guardian.periods import DAY, local_date, month_start, utcnow, week_start, zone
from guardian.services.actor import Actor
from guardian.services.guard import reports
from guardian.services.guard.budgets import Scope
from guardian.services.guard.reports import ReportView
from guardian.services.guard.reports.spans import Kind, last_over
from guardian.services.people.organizations import get_organization
from guardian.ui.audited import Work, audited
from guardian.ui.pages.reports.rows import days_of
from guardian.ui.rows import Option

OWN_DAYS = "days"
Asked = tuple[Kind, date, date | None]


def spans(now: datetime, tz: ZoneInfo) -> list[Option]:
    """What a report can be about, with its days named."""
    week, month = (last_over(kind, tz, now).current.label for kind in ("weekly", "monthly"))
    today = local_date(now, tz)
    return [
        Option("week", f"Last week ({week})"),
        Option("month", f"Last month ({month})"),
        Option("this-week", "This week so far"),
        Option("this-month", f"{today:%B} so far"),
        Option(OWN_DAYS, "Other days"),
    ]


def asking(form: Mapping[str, Any]) -> Work[ReportView]:
    """Have the report of the form made. Raises ValidationError for what is no span."""

    def ask(session: Session, actor: Actor) -> ReportView:
        tz = zone(get_organization(session, actor).time_zone)
        kind, first, last = _asked(form, utcnow(), tz)
        team = str(form.get("team", "")).strip()
        scope = Scope("team", team) if team else Scope("organization")
        return reports.request_report(session, actor, kind, scope, first, last)

    return _audited(ask)


def asking_again(report_id: str) -> Work[ReportView]:
    """Have a report that failed made again. Raises NotFoundError, and ConflictError for one that did not."""

    def ask(session: Session, actor: Actor) -> ReportView:
        view = reports.get_report(session, actor, report_id)
        if view.status is not ReportStatus.FAILED:
            raise ConflictError("This report did not fail. Reload the page to see it.")
        days = days_of(view, zone(get_organization(session, actor).time_zone))
        first, last = (date.fromisoformat(day) for day in days)
        kind: Kind = "weekly" if view.kind == "weekly" else "monthly" if view.kind == "monthly" else "custom"
        return reports.request_report(session, actor, kind, view.scope, first, last)

    return _audited(ask)


def _audited(work: Work[ReportView]) -> Work[ReportView]:
    return audited(
        "REPORT_CREATE",
        "report",
        work,
        lambda view: (view.id, {"title": view.title, "kind": view.kind, "scope": view.scope.as_json()}),
    )


def _asked(form: Mapping[str, Any], now: datetime, tz: ZoneInfo) -> Asked:
    today = local_date(now, tz)
    known: dict[str, Asked] = {
        "week": ("weekly", week_start(today) - DAY, None),
        "month": ("monthly", month_start(today) - DAY, None),
        "this-week": ("custom", week_start(today), today),
        "this-month": ("custom", month_start(today), today),
    }
    span = str(form.get("span", ""))
    if span in known:
        return known[span]
    if span != OWN_DAYS:
        raise ValidationError("Choose what the report is about.")
    return "custom", _day(form.get("from"), "first"), _day(form.get("to"), "last")


def _day(text: object, which: str) -> date:
    try:
        return date.fromisoformat(str(text or ""))
    except ValueError:
        raise ValidationError(f"Choose the {which} day of the report.") from None
