"""The first causes of spend that fired, for its notice: the parts of its change against what it is compared with."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import get_args
from zoneinfo import ZoneInfo

import structlog
from sqlmodel import Session

from guardian.channels.notice import Cause
from guardian.errors import ApiError
from guardian.models.enums import AlertState, AlertType, ComparisonType
from guardian.periods import Window
from guardian.services.guard import explaining
from guardian.services.guard.budgets.scopes import Scope, ScopeType
from guardian.services.guard.watching.telling import Moved
from guardian.services.guard.watching.windows import before, weeks_before

_EXPLAINED = frozenset(
    {
        (AlertType.COST_THRESHOLD, "cost"),
        (AlertType.USAGE_SPIKE, "cost"),
        (AlertType.USAGE_SPIKE, "requests"),
        (AlertType.USAGE_SPIKE, "tokens"),
    }
)
_RISES = (ComparisonType.GREATER_THAN, ComparisonType.GREATER_THAN_OR_EQUAL, ComparisonType.PERCENT_CHANGE)
_SHARE = Decimal("0.1")
_TAG = "tag:"
log = structlog.get_logger(__name__)


def explains(moved: Moved) -> bool:
    """Whether people are to be told why: it fires, by what was spent or used."""
    rule = moved.watched.rule
    return (
        moved.move.group.state is AlertState.FIRING
        and (rule.type, moved.watched.metric) in _EXPLAINED
        and rule.comparison in _RISES
        and _scope_of(moved) is not None
    )


def causes_of(session: Session, organization_id: str, moved: Moved, now: datetime, tz: ZoneInfo) -> Sequence[Cause]:
    """Why more was spent than in the window before, or of a spike than a week ago; none where that had nothing."""
    scope, found = _scope_of(moved), moved.found
    if scope is None or found is None:
        return ()
    rule = moved.watched.rule
    if rule.type is AlertType.USAGE_SPIKE:
        [compared] = weeks_before(found.window, now, 1)
    else:
        compared = before(rule.window, now, tz)
    try:
        change = explaining.change_of(session, organization_id, scope, compared, Window(found.window.start, now))
    except ApiError as error:
        log.warning("alerts.unexplained", alert=moved.watched.alert_id, error=error.message)
        return ()
    if change.before <= 0 or change.amount <= 0:
        return ()
    return [
        Cause(
            label=each.label,
            amount=each.amount,
            share=None if each.share is None else (each.share * 100).quantize(_SHARE),
        )
        for each in explaining.causes_of(change)
        if each.amount > 0
    ]


def _scope_of(moved: Moved) -> Scope | None:
    """The group as a scope of its own; None where it is a part of the rule's scope that no scope can name."""
    rule = moved.watched.rule
    if rule.group_by is None:
        return rule.scope
    if rule.scope.type != "organization":
        return None
    if rule.group_by.startswith(_TAG):
        return Scope("tag", f"{rule.group_by.removeprefix(_TAG)}={moved.group}")
    kinds: dict[str, ScopeType] = {kind: kind for kind in get_args(ScopeType)}
    kind = kinds.get(rule.group_by)
    return None if kind is None else Scope(kind, moved.group)
