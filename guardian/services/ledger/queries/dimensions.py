"""What the ledger is grouped and filtered by: a REST name, the column behind it, and the values that it takes."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, or_
from sqlmodel import col

from guardian.errors import ValidationError
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.models.usage import UsageLog, UsageRollup
from guardian.services.ledger.views import DIMENSIONS, USAGE_FILTERS

Expression = SQLColumnExpression[Any]
Query = Select[*tuple[Any, ...]]
Filters = Mapping[str, tuple[str, ...]]

FIELDS: Mapping[str, str] = {
    "provider": "provider",
    "model": "model",
    "operation": "operation",
    "origin": "origin",
    "project": "project_id",
    "providerKey": "external_key_id",
    "apiKey": "api_key_id",
    "user": "user_id",
    "externalUser": "external_user_id",
    "account": "account_id",
    "tier": "service_tier",
    "costSource": "cost_source",
    "session": "session",
}
_ENUMS: Mapping[str, type[StrEnum]] = {"provider": Provider, "origin": UsageOrigin, "costSource": CostSource}
_MOST_VALUES = 100  # per filter: a URL holds no more, and a plan with thousands of values is slow


def refuse(field: str, message: str) -> ValidationError:
    """The error for one wrong field; `message` is a whole sentence."""
    return ValidationError(message, details=[{"field": field, "message": message}])


def column(table: type[UsageLog] | type[UsageRollup], dimension: str) -> Expression:
    return col(getattr(table, FIELDS[dimension]))


def check_group_by(group_by: Iterable[str]) -> None:
    """Raises ValidationError for an unknown dimension, and for one that is named twice."""
    seen: set[str] = set()
    for name in group_by:
        if name not in DIMENSIONS:
            raise refuse("groupBy", f"Unknown dimension {name!r} in groupBy. Choose from: {', '.join(DIMENSIONS)}.")
        if name in seen:
            raise refuse("groupBy", f"The dimension {name!r} is named twice in groupBy. Name it once.")
        seen.add(name)


def conditions(table: type[UsageLog] | type[UsageRollup], filters: Filters) -> list[ColumnElement[bool]]:
    """The filters in SQL. Raises ValidationError for an unknown name or a value that cannot occur."""
    allowed = DIMENSIONS if table is UsageRollup else USAGE_FILTERS
    found: list[ColumnElement[bool]] = []
    for name, values in filters.items():
        if name not in allowed:
            raise refuse("filters", f"Unknown filter {name!r}. Choose from: {', '.join(allowed)}.")
        if not values:
            continue
        if len(values) > _MOST_VALUES:
            raise refuse(name, f"The filter {name!r} has {len(values)} values. Give at most {_MOST_VALUES}.")
        found.append(_one_of(column(table, name), _typed(name, values)))
    return found


def _typed(name: str, values: tuple[str, ...]) -> list[str]:
    enum = _ENUMS.get(name)
    if enum is None:
        if any("\x00" in value for value in values):
            raise refuse(name, f"The filter {name!r} contains a NUL character. Remove it.")
        return list(values)
    known = [member.value for member in enum]
    for value in values:
        if value not in known:
            raise refuse(name, f"Unknown {name} {value!r}. Choose from: {', '.join(known)}.")
    return [enum(value) for value in values]


def _one_of(field: Expression, values: list[str]) -> ColumnElement[bool]:
    named = [value for value in values if value != ""]
    if len(named) == len(values):
        return field.in_(named)
    return or_(field.is_(None), field.in_(named)) if named else field.is_(None)
