"""A report as lists, its own page, the PDF and mails take it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from guardian.models import Report
from guardian.models.enums import ReportStatus
from guardian.services.guard.budgets.scopes import Scope

MAILS, CHANNELS = "mails", "channels"  # in a report's parameters: to how many it was sent


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """`content` is None until it is READY, and is told in guardian/services/guard/reports. `error` says in a sentence
    why it FAILED. `by` is the id of the person who asked for it; None for one that is made by itself. `told` is how
    many people it was mailed to, and how many channels were told of it; None where it was not due, or waits for that.
    """

    id: str
    organization_id: str
    title: str
    kind: str
    scope: Scope
    status: ReportStatus
    period_start: datetime
    period_end: datetime
    created_at: datetime
    by: str | None
    error: str | None
    content: Mapping[str, Any] | None
    told: tuple[int, int] | None


def view_of(row: Report) -> ReportView:
    return ReportView(
        id=row.id,
        organization_id=row.organization_id,
        title=row.title,
        kind=row.kind,
        scope=scope_of(row),
        status=row.status,
        period_start=row.period_start,
        period_end=row.period_end,
        created_at=row.created_at,
        by=row.user_id,
        error=row.error,
        content=row.content if row.status is ReportStatus.READY else None,
        told=_told(row.parameters or {}),
    )


def _told(facts: Mapping[str, Any]) -> tuple[int, int] | None:
    mails, channels = facts.get(MAILS), facts.get(CHANNELS)
    return (mails, channels) if isinstance(mails, int) and isinstance(channels, int) else None


def scope_of(row: Report) -> Scope:
    return Scope("team", row.scope) if row.scope else Scope("organization")
