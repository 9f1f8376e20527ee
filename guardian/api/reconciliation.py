"""usage/reconciliation: the three books side by side, why they differ, and months that are closed."""

import re
from datetime import UTC, date, timedelta
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from guardian.api.reconciliation_shapes import (
    Closing,
    DayOut,
    FiguresOut,
    FindingOut,
    GapOut,
    MonthOut,
    ReconciliationOut,
    ReconciliationParameters,
    line_json,
    month_json,
)
from guardian.api.requests.moments import end_of, start_of
from guardian.api.steps import CallDep, route
from guardian.errors import ValidationError
from guardian.periods import DAY, utcnow, zone
from guardian.services.ledger.closing import close_month, list_months, reopen_month
from guardian.services.ledger.reconciliation import reconcile
from guardian.services.ledger.reconciliation.views import LINE_DIMENSIONS, Comparison, Finding, ReconciliationQuery

api = APIRouter(prefix="/api/v1/usage/reconciliation", tags=["usage"])

_UTC = ZoneInfo("UTC")
_DEFAULT_DAYS = 30
_MOMENT = timedelta(microseconds=1)
_MONTH = re.compile(r"[12]\d{3}-(0[1-9]|1[0-2])")


@route(api, "GET", "", permission="usage:read")
def reconciliation(call: CallDep, query: Annotated[ReconciliationParameters, Query()]) -> ReconciliationOut:
    """Tracked, reported and billed of UTC days, and every difference between them with its cause and its amount."""
    if query.tz is not None:
        zone(query.tz)
    first, last = _days(query.from_, query.to)
    asked = [part.strip() for part in (query.group_by or "").split(",") if part.strip()]
    filters = query.filters()
    wanted = ReconciliationQuery(
        first=first,
        last=last,
        group_by=tuple(asked) or LINE_DIMENSIONS,
        books={name: values for name, values in filters.items() if name in ("provider", "account")},
        lines=filters,
    )
    with call.transaction() as session:
        found = reconcile(session, call.actor, wanted)
    return ReconciliationOut(
        first_day=found.first,
        last_day=found.last,
        time_zone="UTC",
        figures=FiguresOut.model_validate(found.figures),
        spend=found.spend,
        unpriced_tokens=found.unpriced_tokens,
        tracked_reported=GapOut.model_validate(found.tracked_reported) if found.tracked_reported else None,
        reported_billed=GapOut.model_validate(found.reported_billed) if found.reported_billed else None,
        days=[DayOut.model_validate(day) for day in found.days],
        findings=[_finding(finding) for finding in found.findings],
        lines=[line_json(line) for line in found.lines[: query.limit]],
        line_count=found.line_count,
        as_of=found.as_of,
    )


@route(api, "GET", "/months", permission="usage:read")
def months(call: CallDep) -> list[MonthOut]:
    """The latest months, newest first: what was closed, and what has changed in it since."""
    with call.transaction() as session:
        return [month_json(view) for view in list_months(session, call.actor)]


@route(api, "POST", "/months/{month}/close", permission="books:close", action="MONTH_CLOSE")
def close(call: CallDep, month: str, body: Closing) -> MonthOut:
    """Freeze a month's figures. A month whose figures may still change is closed only with `confirm`."""
    day = _month(month)
    with call.transaction() as session:
        view = close_month(session, call.actor, day, confirm=body.confirm, note=body.note)
        call.note("month", month, confirmed=body.confirm)
    return month_json(view)


@route(api, "POST", "/months/{month}/reopen", permission="books:close", action="MONTH_REOPEN")
def reopen(call: CallDep, month: str) -> MonthOut:
    """Forget a month's frozen figures; it can be closed again."""
    day = _month(month)
    with call.transaction() as session:
        view = reopen_month(session, call.actor, day)
        call.note("month", month)
    return month_json(view)


def _days(start: str | None, end: str | None) -> tuple[date, date]:
    """The first and the last UTC day that are asked for; without them the last 30 days."""
    closing = end_of(end, "to", _UTC)
    last = (closing.astimezone(UTC) - _MOMENT).date() if closing else utcnow().date()
    opening = start_of(start, "from", _UTC)
    return (opening.astimezone(UTC).date() if opening else last - (_DEFAULT_DAYS - 1) * DAY), last


def _month(text: str) -> date:
    if _MONTH.fullmatch(text) is None:
        message = "Write a month like 2026-11."
        raise ValidationError(message, details=[{"field": "month", "message": message}])
    return date.fromisoformat(f"{text}-01")


def _finding(finding: Finding) -> FindingOut:
    fields = {name: getattr(finding, name) for name in FindingOut.model_fields if name != "rows"}
    return FindingOut(**fields, rows=_rows(finding))


def _rows(finding: Finding) -> str:
    """Where the usage rows of a finding are: those of both books, or the reported ones where it is about a bill."""
    parts = {
        "from": finding.first_day.isoformat(),
        "to": finding.last_day.isoformat(),
        "tz": "UTC",
        "provider": finding.provider.value,
        "model": finding.model,
        "providerKey": finding.provider_key,
        "origin": "sync" if finding.comparison is Comparison.REPORTED_BILLED else None,
    }
    return f"/api/v1/usage?{urlencode({name: value for name, value in parts.items() if value})}"
