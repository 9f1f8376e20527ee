"""What a report says beside spend: how the budgets stood when its period ended, and whether the books agree."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlmodel import Session, col, select

from guardian.models import Budget
from guardian.periods import Window, rfc3339
from guardian.services.actor import Actor
from guardian.services.guard.budgets import BudgetView, spent_in, views_of
from guardian.services.guard.budgets.reading import limits_of
from guardian.services.guard.budgets.scopes import Scope, stored_scope
from guardian.services.guard.reports.numbers import Content, exact, exact_or_none, tenth
from guardian.services.ledger.reconciliation import reconcile
from guardian.services.ledger.reconciliation.views import ReconciliationQuery

_MOST_FINDINGS = 5
_INSTANT = timedelta(microseconds=1)


def budgets_at(session: Session, actor: Actor, scope: Scope, end: datetime) -> list[Content]:
    """The active budgets as they stood at the end of a period: all of the organization's, or those of the team."""
    moment = end - _INSTANT
    query = select(Budget).where(
        Budget.organization_id == actor.organization_id,
        col(Budget.is_active).is_(True),
        col(Budget.created_at) <= moment,
    )
    rows = session.exec(query.order_by(col(Budget.name), col(Budget.id))).all()
    wanted = [row for row in rows if scope.type == "organization" or _is_of(stored_scope(row.scope), scope)]
    if not wanted:
        return []
    found: list[Content] = []
    for limit, view in zip(limits_of(session, wanted), views_of(session, wanted, moment), strict=True):
        # A view counts all of its period: also what came after the end.
        [spent] = spent_in(session, limit, [Window(view.starts_at, end)])
        found.append(_budget(replace(view, spent=spent.total)))
    return found


def _is_of(limited: Scope, asked: Scope) -> bool:
    return (limited.type, limited.value) == (asked.type, asked.value)


def _budget(view: BudgetView) -> Content:
    return {
        "id": view.id,
        "name": view.name,
        "scope": {**view.scope.as_json(), "name": view.of},
        "limit": exact(view.effective_limit),
        "spent": exact(view.spent),
        "percent": tenth(view.percent),
        "state": view.state,
        "forecast": exact_or_none(view.forecast),
        "low": exact_or_none(view.forecast_low),
        "high": exact_or_none(view.forecast_high),
        "startsAt": rfc3339(view.starts_at),
        "resetsAt": rfc3339(view.resets_at),
    }


def reconciled(session: Session, actor: Actor, window: Window) -> Content | None:
    """The books of the UTC days that the window touches; None where there are no two to compare."""
    first, last = window.start.astimezone(UTC).date(), (window.end - _INSTANT).astimezone(UTC).date()
    found = reconcile(session, actor, ReconciliationQuery(first=first, last=last, group_by=()))
    books = found.figures
    if sum(book is not None for book in (books.tracked, books.reported, books.billed)) < 2:
        return None
    return {
        "first": first.isoformat(),
        "last": last.isoformat(),
        "tracked": exact_or_none(books.tracked),
        "reported": exact_or_none(books.reported),
        "billed": exact_or_none(books.billed),
        "coverage": _percent(books.coverage),
        "drift": _percent(books.drift),
        "findings": [
            {"amount": exact(finding.amount), "sentence": finding.sentence}
            for finding in found.findings[:_MOST_FINDINGS]
        ],
    }


def _percent(fraction: Decimal | None) -> str | None:
    return tenth(None if fraction is None else fraction * 100)
