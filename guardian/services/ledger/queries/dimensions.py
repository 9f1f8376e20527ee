"""What the ledger is grouped and filtered by: a REST name, the column behind it, and the values that it takes."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, case, func, literal_column, null, or_, select
from sqlmodel import col

from guardian.errors import ValidationError
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.models.shared import SharedText
from guardian.models.usage import UsageLog, UsageRollup
from guardian.services.ledger.sums.rollups import TAGS, tag_in_sql
from guardian.services.ledger.views import DIMENSIONS, ROW_DIMENSIONS, USAGE_FILTERS

Expression = SQLColumnExpression[Any]
Query = Select[*tuple[Any, ...]]
Filters = Mapping[str, tuple[str, ...]]
Ledger = type[UsageLog] | type[UsageRollup]

FIELDS: Mapping[str, str] = {
    "provider": "provider",
    "model": "model",
    "operation": "operation",
    "origin": "origin",
    "project": "project_id",
    "providerKey": "external_key_id",
    "apiKey": "api_key_id",
    "user": "user_id",
    "team": "team",
    "feature": "feature",
    "externalUser": "external_user_id",
    "account": "account_id",
    "tier": "service_tier",
    "costSource": "cost_source",
    "session": "session",
    "accessToken": "access_token_id",
}
_TAG, _TOKEN = "tag:", "accessToken"
# Of single rows: whose they are, which for a reported row is not who caused it.
_OWNER = "userId"
_ENUMS: Mapping[str, type[StrEnum]] = {"provider": Provider, "origin": UsageOrigin, "costSource": CostSource}
_MOST_VALUES = 100  # per filter: a URL holds no more, and a plan with thousands of values is slow


def refuse(field: str, message: str) -> ValidationError:
    """The error for one wrong field; `message` is a whole sentence."""
    return ValidationError(message, details=[{"field": field, "message": message}])


def column(table: Ledger, dimension: str) -> Expression:
    """What SQL groups by. Rollups have no ROW_DIMENSIONS, and of the tags the team and the feature only."""
    name = dimension.removeprefix(_TAG)
    if table is UsageLog and (name in TAGS or dimension != name):
        return tag_in_sql(col(UsageLog.tags), name)
    if table is UsageLog and dimension == "user":
        # As in the rollups: the owner of the key that pulled a reported row did not cause it.
        return case((col(UsageLog.origin) == UsageOrigin.SYNC, null()), else_=col(UsageLog.user_id))
    if table is UsageLog and dimension == _TOKEN:
        shared = select(col(SharedText.text)).where(col(SharedText.id) == col(UsageLog.access_token_id))
        return shared.correlate(UsageLog).scalar_subquery()
    return col(getattr(table, rollup_column(dimension)))


def rollup_column(dimension: str) -> str:
    """The name of the rollups' column."""
    name = dimension.removeprefix(_TAG)
    return name if dimension != name else FIELDS[name]


def rollup_filters(filters: Filters) -> list[tuple[str, list[str]]]:
    """The filters of a question that the rollups can answer, by column; the value "" means "has none"."""
    found = [(FIELDS[name], list(values)) for name, values in filters.items() if values and name in FIELDS]
    return found + list(_by_key(filters.get("tag", ())).items())


def hour_of(table: Ledger) -> Expression:
    """The UTC hour in which a row lies."""
    return col(UsageRollup.hour) if table is UsageRollup else func.date_trunc("hour", col(UsageLog.timestamp), "UTC")


def moment_of(table: Ledger) -> Expression:
    """What an index knows of a row's hour: to be compared with full hours only."""
    return col(UsageRollup.hour) if table is UsageRollup else col(UsageLog.timestamp)


def table_for(group_by: Iterable[str], filters: Filters) -> Ledger:
    """The rollups, unless the question is about ROW_DIMENSIONS or tags that only the single rows know."""
    tags = [value.partition(":")[0] for value in filters.get("tag", ())]
    tags += [name.removeprefix(_TAG) for name in group_by if name.startswith(_TAG)]
    of_rows = any(name in group_by or filters.get(name) for name in ROW_DIMENSIONS)
    return UsageLog if of_rows or any(tag not in TAGS for tag in tags) else UsageRollup


def check_group_by(group_by: Iterable[str]) -> None:
    """Raises ValidationError for an unknown dimension, and for one that is named twice."""
    seen: set[str] = set()
    for name in group_by:
        if name.startswith(_TAG):
            _check_text("groupBy", [name])
            if name == _TAG:
                raise refuse("groupBy", "Name the tag to group by: tag:environment, for example.")
        elif name not in (*DIMENSIONS, *ROW_DIMENSIONS):
            choice = ", ".join((*DIMENSIONS, *ROW_DIMENSIONS, "tag:<key>"))
            raise refuse("groupBy", f"Unknown dimension {name!r} in groupBy. Choose from: {choice}.")
        if name in seen:
            raise refuse("groupBy", f"The dimension {name!r} is named twice in groupBy. Name it once.")
        seen.add(name)


def conditions(table: Ledger, filters: Filters) -> list[ColumnElement[bool]]:
    """The filters in SQL. Raises ValidationError for an unknown name or a value that cannot occur."""
    found: list[ColumnElement[bool]] = []
    for name, values in filters.items():
        if name not in USAGE_FILTERS and not (table is UsageLog and name == _OWNER):
            raise refuse("filters", f"Unknown filter {name!r}. Choose from: {', '.join(USAGE_FILTERS)}.")
        if not values:
            continue
        if len(values) > _MOST_VALUES:
            raise refuse(name, f"The filter {name!r} has {len(values)} values. Give at most {_MOST_VALUES}.")
        if name == "tag":
            found += _tag_conditions(table, values)
        elif table is UsageLog and name in TAGS:
            found.append(_tagged(name, _typed(name, values)))
        elif name == _OWNER:
            found.append(_one_of(col(UsageLog.user_id), _typed(name, values)))
        elif name == _TOKEN:
            found.append(_one_of(col(UsageLog.access_token_id), _typed(name, values)))
        elif table is UsageLog and name == "user":
            found.append(_caused_by(_typed(name, values)))
        else:
            found.append(_one_of(column(table, name), _typed(name, values)))
    return found


def _caused_by(users: list[str]) -> ColumnElement[bool]:
    """The filter on `column`'s user, in words that an index knows."""
    reported = col(UsageLog.origin) == UsageOrigin.SYNC
    by_one = col(UsageLog.user_id).in_([user for user in users if user != ""]) & ~reported
    return by_one | reported if "" in users else by_one


def _tag_conditions(table: Ledger, filters: Iterable[str]) -> list[ColumnElement[bool]]:
    by_key = _by_key(filters)
    _check_text("tag", [*by_key, *(value for values in by_key.values() for value in values)])
    if table is UsageLog:
        return [_tagged(key, values) for key, values in by_key.items()]
    return [_one_of(column(table, _TAG + key), values) for key, values in by_key.items()]


def _by_key(tags: Iterable[str]) -> dict[str, list[str]]:
    """ "environment:test" by its key. Raises ValidationError."""
    found: dict[str, list[str]] = {}
    for each in tags:
        key, colon, value = each.partition(":")
        if not key or not colon:
            raise refuse("tag", f"The filter {each!r} is no tag. Write its key, a colon and its value: team:search.")
        found.setdefault(key, []).append(value)
    return found


def _tagged(key: str, values: list[str]) -> ColumnElement[bool]:
    """In the words of the index on tags: what they contain, among the rows that have any."""
    tags = col(UsageLog.tags)
    any_tags: ColumnElement[bool] = literal_column("usage_logs.tags <> '{}'::jsonb")
    has_one = [tags.contains({key: value}) & any_tags for value in values if value != ""]
    has_none = [tag_in_sql(tags, key).is_(None)] if "" in values else []
    return or_(*has_one, *has_none)


def _typed(name: str, values: tuple[str, ...]) -> list[str]:
    enum = _ENUMS.get(name)
    if enum is None:
        _check_text(name, values)
        return list(values)
    known = [member.value for member in enum]
    for value in values:
        if value not in known:
            raise refuse(name, f"Unknown {name} {value!r}. Choose from: {', '.join(known)}.")
    return [enum(value) for value in values]


def _check_text(name: str, values: Iterable[str]) -> None:
    if any("\x00" in value for value in values):
        raise refuse(name, f"The filter {name!r} contains a NUL character. Remove it.")


def _one_of(field: Expression, values: list[str]) -> ColumnElement[bool]:
    named = [value for value in values if value != ""]
    if len(named) == len(values):
        return field.in_(named)
    return or_(field.is_(None), field.in_(named)) if named else field.is_(None)
