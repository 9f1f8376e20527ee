"""Hourly sums of the usage rows: changed by the difference that a write makes, in the transaction of the write."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Label, Select, SQLColumnExpression, case, func, null, select, text
from sqlmodel import Session, col

from guardian.models.base import derived_id, new_id
from guardian.models.enums import CostSource, UsageOrigin
from guardian.models.usage import Counts, UsageLog, UsageRollup
from guardian.periods import floor_hour
from guardian.services.ledger.sql.bulk import Row, upsert
from guardian.services.ledger.sql.tables import ROLLUPS, requests_in

COUNTS: tuple[str, ...] = tuple(Counts.model_fields)
SUMS: tuple[str, ...] = (*COUNTS, "rows", "requests", "cost", "unpriced_rows", "unpriced_tokens")
DIMENSIONS: tuple[str, ...] = (
    "provider",
    "account_id",
    "model",
    "operation",
    "origin",
    "cost_source",
    "service_tier",
    "project_id",
    "external_key_id",
    "external_user_id",
    "api_key_id",
    "user_id",
    "team",
    "feature",
)
TAGS: tuple[str, ...] = ("team", "feature")
"""Of DIMENSIONS, the last ones: a row has them as tags of these names."""
_ORIGIN, _USER = DIMENSIONS.index("origin"), DIMENSIONS.index("user_id")

_NOTED = text(
    "INSERT INTO usage_changes (organization_id, id, hour) SELECT * FROM "
    "unnest(CAST(:organizations AS text[]), CAST(:ids AS text[]), CAST(:hours AS timestamptz[]))"
)
# Organization, hour, and a value per dimension.
_Place = tuple[str, datetime, tuple[str | None, ...]]


class RollupChanges:
    """What usage rows add to the rollups and take from them; `apply` writes the sum of it all once.

    A reported row belongs to no user of ours: the owner of the key that pulled it did not cause it.
    """

    def __init__(self) -> None:
        self._sums: dict[_Place, list[Any]] = {}

    def add(self, row: Mapping[str, Any], sign: int = 1) -> None:
        """Count a usage row in, or out with sign -1. A row without an organization is in no rollup."""
        organization: str | None = row["organization_id"]
        if organization is None:
            return
        values: list[str | None] = [row[name] for name in DIMENSIONS[: -len(TAGS)]]
        values += [tag_of(row["tags"], name) for name in TAGS]
        if values[_ORIGIN] == UsageOrigin.SYNC:
            values[_USER] = None
        sums = self._sums.setdefault((organization, floor_hour(row["timestamp"]), tuple(values)), [0] * len(SUMS))
        unpriced = row["cost_source"] == CostSource.UNPRICED
        facts = (
            *(row[name] for name in COUNTS),
            1,
            row["requests"] or 0,
            row["cost"] or 0,
            int(unpriced),
            row["total_tokens"] if unpriced else 0,
        )
        for i, fact in enumerate(facts):
            if fact:
                sums[i] += sign * fact

    def add_sums(self, organization: str, hour: datetime, values: Sequence[str | None], sums: Sequence[Any]) -> None:
        """Count many tracked rows of one place in at once: `values` in the order of DIMENSIONS, `sums` of SUMS."""
        mine = self._sums.setdefault((organization, hour, tuple(values)), [0] * len(SUMS))
        for i, number in enumerate(sums):
            mine[i] += number

    def apply(self, session: Session) -> None:
        """Add the changes to the rollups; rollups in which no row is left are deleted.

        Rollups are locked in the order of their keys, so that two writers never wait for each other in a circle.
        """
        rows = sorted(
            (_rollup(place, sums) for place, sums in self._sums.items() if any(sums)),
            key=lambda row: (row["organization_id"], row["id"]),
        )
        upsert(session, ROLLUPS, rows, add=SUMS)
        _note(session, {(row["organization_id"], row["hour"]) for row in rows})
        shrunk = [row for row in rows if row["rows"] < 0]
        for organization in sorted({row["organization_id"] for row in shrunk}):
            ids = [row["id"] for row in shrunk if row["organization_id"] == organization]
            session.connection().execute(
                text("DELETE FROM usage_rollups WHERE organization_id = :organization AND id = ANY(:ids) AND rows = 0"),
                {"organization": organization, "ids": ids},
            )


def _note(session: Session, hours: Iterable[tuple[str, datetime]]) -> None:
    """Say that sums of days with these hours are outdated, in the transaction that makes them so."""
    listed = sorted(hours)
    if not listed:
        return
    values = {
        "organizations": [organization for organization, _ in listed],
        "ids": [new_id() for _ in listed],
        "hours": [hour for _, hour in listed],
    }
    session.connection().execute(_NOTED, values)


def rollup_id(organization: str, hour: datetime, values: tuple[str | None, ...]) -> str:
    """`values` are those of DIMENSIONS, in their order. Without tags it is what it was before rollups knew tags."""
    tags = values[-len(TAGS) :]
    return derived_id(hour, organization, *values[: -len(TAGS)], *(tags if any(tags) else ()))


def tag_of(tags: Mapping[str, Any] | None, name: str) -> str | None:
    """What a row's tags say under this name; None for what is empty or no text."""
    value = (tags or {}).get(name)
    return value if isinstance(value, str) and value else None


def tag_in_sql(tags: SQLColumnExpression[Any], name: str) -> ColumnElement[Any]:
    """`tag_of` for a jsonb column."""
    is_text = func.jsonb_typeof(tags[name]) == "string"
    return case((is_text, func.nullif(tags[name].astext, "")), else_=null())


def _rollup(place: _Place, sums: list[Any]) -> Row:
    organization, hour, values = place
    return {
        "organization_id": organization,
        "id": rollup_id(organization, hour, values),
        "hour": hour,
        **dict(zip(DIMENSIONS, values, strict=True)),
        **dict(zip(SUMS, sums, strict=True)),
    }


def disagreements(session: Session, organization_id: str | None = None) -> list[str]:
    """Where the rollups differ from the sums of their rows, in words; empty when all is well.

    Reads every usage row (of one organization, or of all): for `guardian doctor` and for tests.
    """
    expected = _summed(session, organization_id)
    found: list[str] = []
    stored = select(UsageRollup)
    if organization_id is not None:
        stored = stored.where(col(UsageRollup.organization_id) == organization_id)
    for rollup in session.scalars(stored):
        place = f"{rollup.id} ({rollup.hour:%Y-%m-%d %H:%M}, {rollup.provider}, {rollup.model})"
        sums = expected.pop((rollup.organization_id, rollup.id), None)
        if sums is None:
            found.append(f"rollup {place} has no rows")
            continue
        found += [
            f"rollup {place} says {name} {getattr(rollup, name)}, its rows {sums[name]}"
            for name in SUMS
            if getattr(rollup, name) != sums[name]
        ]
    return found + [f"rollup {id} of organization {organization} is missing" for organization, id in expected]


def _summed(session: Session, organization_id: str | None) -> dict[tuple[str, str], dict[str, Any]]:
    """The rollups as they should be, by organization and id."""
    log = UsageLog
    hour = func.date_trunc("hour", col(log.timestamp), "UTC").label("in_hour")
    user: Label[Any] = case((col(log.origin) == UsageOrigin.SYNC, null()), else_=col(log.user_id)).label("of_user")
    dimensions: list[Label[Any]] = [
        user if name == "user_id" else col(getattr(log, name)).label(f"of_{name}") for name in DIMENSIONS[: -len(TAGS)]
    ]
    dimensions += [tag_in_sql(col(log.tags), name).label(f"of_{name}") for name in TAGS]
    unpriced = col(log.cost_source) == CostSource.UNPRICED
    totals: dict[str, ColumnElement[Any]] = {
        **{name: func.sum(col(getattr(log, name))) for name in COUNTS},
        "rows": func.count(),
        "requests": func.coalesce(func.sum(requests_in(log)), 0),
        "cost": func.coalesce(func.sum(col(log.cost)), 0),
        "unpriced_rows": func.count().filter(unpriced),
        "unpriced_tokens": func.coalesce(func.sum(col(log.total_tokens)).filter(unpriced), 0),
    }
    organization = col(log.organization_id)
    query: Select[Any] = (
        select(organization, hour, *dimensions, *(total.label(name) for name, total in totals.items()))
        .where(organization.is_not(None) if organization_id is None else organization == organization_id)
        # By label: an expression with parameters would count as another one when repeated.
        .group_by(organization, hour.name, *(dimension.name for dimension in dimensions))
    )
    expected: dict[tuple[str, str], dict[str, Any]] = {}
    for row in session.connection().execute(query).mappings():
        values = tuple(row[dimension.name] for dimension in dimensions)
        key = rollup_id(row["organization_id"], row["in_hour"], values)
        expected[row["organization_id"], key] = {name: row[name] for name in SUMS}
    return expected
