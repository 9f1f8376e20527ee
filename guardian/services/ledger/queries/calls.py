"""The last calls, as they come in: what went through the gateway and what applications sent, newest first."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlmodel import Session, col

from guardian.models.enums import UsageOrigin
from guardian.models.usage import UsageLog
from guardian.periods import DAY, Window, utcnow
from guardian.services.actor import Actor
from guardian.services.ledger.queries.dimensions import Expression, Query, conditions, refuse
from guardian.services.ledger.queries.names import Names, read_names
from guardian.services.ledger.queries.rows import COLUMNS, views_of
from guardian.services.ledger.queries.stretches import stretches
from guardian.services.ledger.sql.shared import read_shared
from guardian.services.ledger.views import CallChoices, CallFilter, RecentCalls
from guardian.services.ledger.views.calls import CALL_FILTERS

MOST_CALLS = 200
# How far back is looked: a filter that hardly anything passes must not read the whole ledger at each change of it.
LOOK_BACK = 30 * DAY
MOST_SEARCHED = 50_000
_FOR_CHOICES = 2_000
# Clocks of senders go ahead a little.
_AHEAD = timedelta(hours=1)
_LIVE = (UsageOrigin.GATEWAY, UsageOrigin.INGEST)
_LONGEST_TEXT = 200
_FAILED = 400  # and above: the status of an answer that is an error
_TEXTS: tuple[Any, ...] = (
    col(UsageLog.model),
    col(UsageLog.error),
    col(UsageLog.session),
    col(UsageLog.id),
    *(col(UsageLog.meta)[name].astext for name in ("requestId", "responseId", "endUser")),
)


def recent_calls(session: Session, actor: Actor, wanted: CallFilter, limit: int = MOST_CALLS) -> RecentCalls:
    """The last calls that pass the filter, newest first by their start; `limit` from 1 to 200.

    Among the last 50,000 calls of the last 30 days: older ones are the explorer's. Raises AuthorizationError, and
    ValidationError for a wrong filter or limit.
    """
    actor.require("usage:read")
    if not 1 <= limit <= MOST_CALLS:
        raise refuse("limit", f"The limit is {limit}. Give a number from 1 to {MOST_CALLS}.")
    passes = and_(true(), *_conditions(wanted))
    asked = {"origin": tuple(origin.value for origin in _LIVE), **wanted.filters}
    found: list[Any] = []
    for part in stretches(session, actor.organization_id, asked, _window()):
        found += session.connection().execute(_query(actor, part, passes, limit - len(found))).fetchall()
        if len(found) == limit:
            break
    return RecentCalls(calls=tuple(views_of(session, actor, found)), days=LOOK_BACK.days, searched=MOST_SEARCHED)


def call_choices(session: Session, actor: Actor) -> CallChoices:
    """What the last calls can be filtered by: the values that occur among the last 2,000. Raises AuthorizationError."""
    actor.require("usage:read")
    columns = (col(UsageLog.model), col(UsageLog.user_id), col(UsageLog.access_token_id))
    inner = _calls(actor, _window(), *columns).limit(_FOR_CHOICES).subquery()
    rows: Any = session.connection().execute(select(*inner.c).distinct()).fetchall()
    tokens = set(read_shared(session, {row.access_token_id for row in rows}).values())
    ids = {"user": {row.user_id for row in rows}, "accessToken": tokens}
    names = read_names(session, actor.organization_id, ids)
    return CallChoices(
        models=tuple(sorted({row.model for row in rows})),
        people=_named("user", names),
        tokens=_named("accessToken", names),
    )


def _query(actor: Actor, part: Window, passes: ColumnElement[bool], limit: int) -> Query:
    """The filter is computed inside and applied outside of the bound, so that rows stop being read at either limit."""
    inner = _calls(actor, part, *COLUMNS, passes.label("passes")).limit(MOST_SEARCHED).subquery("calls")
    newest = (inner.c.timestamp.desc(), inner.c.id.desc())
    columns: list[Expression] = [column for column in inner.c if column.name != "passes"]
    return select(*columns).where(inner.c.passes).order_by(*newest).limit(limit)


def _calls(actor: Actor, part: Window, *columns: Expression) -> Query:
    time = col(UsageLog.timestamp)
    return (
        select(*columns)
        .where(
            col(UsageLog.organization_id) == actor.organization_id,
            time >= part.start,
            time < part.end,
            col(UsageLog.origin).in_(_LIVE),
        )
        .order_by(time.desc(), col(UsageLog.id).desc())
    )


def _window() -> Window:
    now = utcnow()
    return Window(now - LOOK_BACK, now + _AHEAD)


def _conditions(wanted: CallFilter) -> list[ColumnElement[bool]]:
    for name in wanted.filters:
        if name not in CALL_FILTERS:
            raise refuse("filters", f"Unknown filter {name!r}. Choose from: {', '.join(CALL_FILTERS)}.")
    found = conditions(UsageLog, wanted.filters)
    if wanted.tokens:
        found.append(col(UsageLog.access_token_id).in_(wanted.tokens))
    if wanted.failed is not None:
        failed = or_(func.coalesce(col(UsageLog.status_code), 0) >= _FAILED, col(UsageLog.error).is_not(None))
        found.append(failed if wanted.failed else ~failed)
    if wanted.least_cost is not None:
        _check_cost(wanted.least_cost)
        found.append(func.coalesce(col(UsageLog.cost) >= wanted.least_cost, False))
    if wanted.text:
        found.append(_mentions(wanted.text))
    return found


def _mentions(text: str) -> ColumnElement[bool]:
    if len(text) > _LONGEST_TEXT or "\x00" in text:
        raise refuse("text", f"Look for at most {_LONGEST_TEXT} characters.")
    return or_(*(func.coalesce(column.icontains(text, autoescape=True), False) for column in _TEXTS))


def _check_cost(amount: Decimal) -> None:
    if not (amount.is_finite() and 0 <= amount < 10**9):
        raise refuse("minCost", "The minimum cost is no amount of dollars. Write it like 0.05.")


def _named(dimension: str, names: Names) -> dict[str, str]:
    return {
        id: name for (kind, id), name in sorted(names.items(), key=lambda item: item[1].lower()) if kind == dimension
    }
