"""Reading the audit log: newest first, by person, action, thing and time, in pages or whole, for a file."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias, cast

from sqlalchemy import ColumnElement, String, func, or_, text
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from guardian.errors import ValidationError
from guardian.models import ActivityLog, User
from guardian.services.actor import Actor
from guardian.services.people.views import ActivityView, Page

MAX_PAGE = 200
_BATCH = 1_000
# Facts that have a place of their own in the view.
_OWN = frozenset({"userId", "impersonatorId", "before", "after", "also", "alsoMore"})
_Impersonator = aliased(User)
# A row, who acted (name and address), and the address of who acted through their eyes.
_Row: TypeAlias = tuple[ActivityLog, str | None, str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What is looked for; None looks for all. `end` is not included.

    `person` is a user's id: who acted, or who acted through their eyes. `search` is found in the action, the thing, the
    facts, the request's id and the address.
    """

    person: str | None = None
    action: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    search: str | None = None


def list_activity(
    session: Session, actor: Actor, cursor: str | None = None, limit: int = 50, *, wanted: Filter | None = None
) -> Page[ActivityView]:
    """What was done in the actor's organization, newest first. Raises ValidationError for a cursor not of ours."""
    actor.require("activity:read")
    limit = max(1, min(limit, MAX_PAGE))
    query = _query(actor.organization_id, wanted or Filter()).limit(limit + 1)
    if cursor is not None:
        query = query.where(col(ActivityLog.sequence) < _sequence(cursor))
    rows = cast("Sequence[_Row]", session.exec(query).all())
    views = [_view(*row) for row in rows[:limit]]
    names = _names(session, actor.organization_id, {each.resource_id for each in views if each.resource_id})
    return Page(
        items=tuple(replace(each, name=names.get(each.resource_id or "")) for each in views),
        next_cursor=str(rows[limit - 1][0].sequence) if len(rows) > limit else None,
    )


def export_rows(session: Session, actor: Actor, wanted: Filter) -> Iterator[ActivityView]:
    """All that `wanted` finds, newest first, streamed: the session stays open as long as this is read."""
    actor.require("activity:read")
    query = _query(actor.organization_id, wanted).execution_options(yield_per=_BATCH)
    found = cast("Iterable[_Row]", session.exec(query))
    return (_view(*row) for row in found)


def actions_of(session: Session, actor: Actor) -> list[str]:
    """The actions that there are in the actor's organization, in order."""
    actor.require("activity:read")
    # DISTINCT would read all rows; this reads the index once for each action.
    skipping = text(
        "WITH RECURSIVE found AS ("
        " (SELECT action FROM activity_logs WHERE chain = :chain ORDER BY action LIMIT 1)"
        " UNION ALL SELECT (SELECT l.action FROM activity_logs l WHERE l.chain = :chain AND l.action > found.action"
        " ORDER BY l.action LIMIT 1) FROM found WHERE found.action IS NOT NULL"
        ") SELECT action FROM found WHERE action IS NOT NULL ORDER BY action"
    )
    return list(session.connection().execute(skipping, {"chain": actor.organization_id}).scalars())


def _query(chain: str, wanted: Filter) -> Any:
    return (
        select(ActivityLog, User.name, User.email, col(_Impersonator.email))
        .join(User, col(User.id) == col(ActivityLog.user_id), isouter=True)
        .join(_Impersonator, col(_Impersonator.id) == col(ActivityLog.meta)["impersonatorId"].astext, isouter=True)
        .where(ActivityLog.chain == chain, *_conditions(wanted))
        .order_by(col(ActivityLog.sequence).desc())
    )


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.person is not None:
        by_another = col(ActivityLog.meta)["impersonatorId"].astext == wanted.person
        # The column is emptied with the person; the fact stays.
        found.append(or_(col(ActivityLog.meta)["userId"].astext == wanted.person, by_another))
    if wanted.action is not None:
        found.append(col(ActivityLog.action) == wanted.action)
    if wanted.resource_type is not None:
        found.append(col(ActivityLog.resource_type) == wanted.resource_type)
    if wanted.resource_id is not None:
        found.append(col(ActivityLog.resource_id) == wanted.resource_id)
    if wanted.start is not None:
        found.append(col(ActivityLog.created_at) >= wanted.start)
    if wanted.end is not None:
        found.append(col(ActivityLog.created_at) < wanted.end)
    if wanted.search:
        places = (
            col(ActivityLog.action),
            col(ActivityLog.resource_type),
            col(ActivityLog.resource_id),
            col(ActivityLog.request_id),
            col(ActivityLog.ip_address),
            sql_cast(col(ActivityLog.meta), String),
            col(User.email),
            col(User.name),
        )
        found.append(or_(*(place.icontains(wanted.search, autoescape=True) for place in places)))
    return found


def _view(row: ActivityLog, name: str | None, email: str | None, impersonator: str | None) -> ActivityView:
    facts = row.meta or {}
    return ActivityView(
        id=row.id,
        sequence=row.sequence,
        action=row.action,
        actor=name or email,
        user_id=row.user_id,
        impersonator=impersonator or _text(facts.get("impersonatorId")),
        resource_type=row.resource_type,
        resource_id=row.resource_id,
        request_id=row.request_id,
        ip_address=row.ip_address,
        metadata={key: value for key, value in facts.items() if key not in _OWN},
        before=_mapping(facts.get("before")),
        after=_mapping(facts.get("after")),
        also=tuple(_mapping(each) for each in cast("list[object]", facts.get("also") or [])),
        created_at=row.created_at,
    )


def _names(session: Session, chain: str, ids: set[str]) -> dict[str, str]:
    """What the log last called each of these things; one that it never named is left out."""
    facts = col(ActivityLog.meta)
    told = (facts[key].astext for key in ("name", "label", "email"))
    name = func.coalesce(*told, facts[("after", "name")].astext, facts[("before", "name")].astext)
    query = (
        select(ActivityLog.resource_id, name)
        .ext(distinct_on(col(ActivityLog.resource_id)))
        .where(ActivityLog.chain == chain, col(ActivityLog.resource_id).in_(ids), name.is_not(None))
        .order_by(col(ActivityLog.resource_id), col(ActivityLog.sequence).desc())
    )
    return {str(key): str(value) for key, value in session.exec(query)} if ids else {}


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _sequence(cursor: str) -> int:
    # 18 digits always fit a bigint.
    if not re.fullmatch(r"[0-9]{1,18}", cursor):
        raise ValidationError(
            "This cursor is not one that a list gave.", details=[{"field": "cursor", "message": "unknown cursor"}]
        )
    return int(cursor)
