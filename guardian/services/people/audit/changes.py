"""What a transaction changes, row by row, noticed where the ORM writes it: no action can forget to say it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast
from urllib.parse import urlsplit

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import SessionTransaction, UOWTransaction

from guardian import models

# What people own and change. Usage, sums, queues and sessions are no such things, and are written by the million.
WATCHED: frozenset[type] = frozenset(
    {
        models.AccessToken,
        models.Account,
        models.Alert,
        models.ApiKey,
        models.Budget,
        models.ClosedMonth,
        models.ExchangeRate,
        models.Invitation,
        models.NotificationTarget,
        models.Organization,
        models.PriceOverride,
        models.Report,
        models.RepriceRun,
        models.SavedView,
        models.SecondFactor,
        models.Subscription,
        models.Team,
        models.TeamMember,
        models.User,
    }
)
# Sealed and hashed values, and what seals them: of these not even a part is told.
_SEALED = re.compile(r"(^encrypted_|_hash(es)?$|secret|password|^iv$|^tag$|encryption_key_id|^last_step$)")
# What moves by itself, and what the audit row says in columns of its own.
_NOISE = frozenset({"id", "created_at", "updated_at", "last_used", "last_used_at", "last_validated", "last_triggered"})
_NOTED, _MARKS = "guardian.audit.noted", "guardian.audit.marks"


@dataclass(slots=True)
class Change:
    """One row that was made, changed or removed; `before` is empty for a new one, `after` for one that is gone."""

    what: str
    id: str
    before: dict[str, Any] = field(default_factory=dict[str, Any])
    after: dict[str, Any] = field(default_factory=dict[str, Any])


def told(column: str) -> bool:
    """Whether the audit log may tell the value of a column, by its name."""
    return column not in _NOISE and not _SEALED.search(column)


def note_change(
    session: OrmSession, model: type, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> None:
    """Note a row that a statement wrote past the ORM: its columns by name, among them the key's; None for no row."""
    keys = cast("Any", inspect(model)).primary_key
    id = "/".join(str((after or before or {})[key.name]) for key in keys)
    change = Change(model.__name__, id, _facts(before or {}), _facts(after or {}))
    session.info.setdefault(_NOTED, []).append(change)


def _facts(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {
        _name(name): _shown(name, value)
        for name, value in columns.items()
        if told(name) and value not in (None, {}, [])
    }


def take(session: OrmSession) -> list[Change]:
    """What the transaction has changed since this was asked last, each row once, in the order of the first change."""
    session.flush()
    merged: dict[tuple[str, str], Change] = {}
    for change in session.info.pop(_NOTED, []):
        known = merged.setdefault((change.what, change.id), Change(change.what, change.id))
        known.before = change.before | known.before
        known.after = known.after | change.after
    session.info.pop(_MARKS, None)
    return [_differing(change) for change in merged.values() if change.before != change.after]


def _differing(change: Change) -> Change:
    """Only what differs, of a row that is there before and after."""
    if not change.before or not change.after:
        return change
    same = {name for name, value in change.after.items() if name in change.before and change.before[name] == value}
    for name in same:
        del change.before[name], change.after[name]
    return change


@event.listens_for(OrmSession, "after_flush")
def _note(session: OrmSession, _context: UOWTransaction) -> None:
    found: list[Change] = []
    for row in session.new:
        if type(row) in WATCHED:
            values = {name: value for name, value in _values(row).items() if value not in (None, {}, [])}
            found.append(Change(type(row).__name__, _id(row), {}, values))
    for row in session.dirty:
        if type(row) in WATCHED:
            before, after = _moved(row)
            if before or after:
                found.append(Change(type(row).__name__, _id(row), before, after))
    for row in session.deleted:
        if type(row) in WATCHED:
            values = {name: value for name, value in _values(row).items() if value not in (None, {}, [])}
            found.append(Change(type(row).__name__, _id(row), values, {}))
    if found:
        session.info.setdefault(_NOTED, []).extend(found)


@event.listens_for(OrmSession, "after_transaction_create")
def _mark(session: OrmSession, transaction: SessionTransaction) -> None:
    if transaction.nested:
        session.info.setdefault(_MARKS, {})[transaction] = len(session.info.get(_NOTED, ()))


@event.listens_for(OrmSession, "after_soft_rollback")
def _forget(session: OrmSession, transaction: SessionTransaction) -> None:
    """What was noted since the savepoint was not done after all; without a savepoint, nothing was."""
    noted: list[Change] = session.info.get(_NOTED, [])
    mark: int | None = session.info.get(_MARKS, {}).pop(transaction, None) if transaction.nested else 0
    if mark is not None:
        del noted[mark:]


@event.listens_for(OrmSession, "after_commit")
def _done(session: OrmSession) -> None:
    session.info.pop(_NOTED, None)
    session.info.pop(_MARKS, None)


def _id(row: Any) -> str:
    """The row's id, or its whole key where that is no id."""
    return "/".join(str(part) for part in inspect(row).mapper.primary_key_from_instance(row))


def _values(row: Any) -> dict[str, Any]:
    state = inspect(row)
    return {
        _name(name): _shown(name, state.dict[name])
        for name in state.mapper.column_attrs.keys()  # noqa: SIM118  # a collection of attributes by key, no dict
        if name in state.dict and told(name)
    }


def _moved(row: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    state = inspect(row)
    for name in state.mapper.column_attrs.keys():  # noqa: SIM118  # as above
        if not told(name):
            continue
        history = state.attrs[name].history
        if history.has_changes():
            before[_name(name)] = _shown(name, history.deleted[0]) if history.deleted else None
            after[_name(name)] = _shown(name, history.added[0]) if history.added else None
    return before, after


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, Decimal):
        # The column's ten places say nothing.
        return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
    if isinstance(value, str) and name.endswith("url"):
        # The path of such an address is often the secret itself (a Slack webhook's is).
        parts = urlsplit(value)
        return f"{parts.scheme}://{parts.hostname or ''}/…"
    if name == "meta" and isinstance(value, Mapping):
        # Further headers of a provider: their names tell what is meant, their values may sign in.
        facts = dict(cast("Mapping[str, Any]", value))
        if isinstance(facts.get("headers"), Mapping):
            facts["headers"] = sorted(facts["headers"])
        return facts
    return value


def _name(column: str) -> str:
    """As JSON spells it."""
    if column == "meta":
        return "metadata"
    first, *others = column.split("_")
    return first + "".join(other.capitalize() for other in others)
