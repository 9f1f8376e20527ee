"""What was seen for the first time: models, and keys of providers that nobody has stored here."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Subquery, func, select
from sqlmodel import Session, col

from guardian.models import ApiKey, UsageRollup
from guardian.models.enums import AlertType
from guardian.periods import Window, ceil_hour, floor_hour
from guardian.services.guard.watching.watched import EVERYTHING, Measurement, Reading, Watched
from guardian.services.guard.watching.windows import period_of, window_of
from guardian.services.ledger.queries.names import read_names
from guardian.services.ledger.sql.tables import ROLLUPS
from guardian.services.people.provider_keys.checks import EXTERNAL_ID

METRICS: frozenset[tuple[AlertType, str]] = frozenset(
    {(AlertType.USAGE_SPIKE, "new_models"), (AlertType.USAGE_SPIKE, "new_keys")}
)

_First = tuple[str, str, datetime]
"""A provider, what was seen of it, and the hour in which that was for the first time."""


def measure_seen(
    session: Session, organization_id: str, watched: Sequence[Watched], moments: Sequence[datetime], tz: ZoneInfo
) -> dict[str, list[Reading]]:
    """How many there are, and which ones; no data in the time in which the organization's books begin."""
    windows = {each.alert_id: [window_of(each.rule.window, moment, tz) for moment in moments] for each in watched}
    if not windows:
        return {}
    whole = Window(
        min(w.start for of in windows.values() for w in of), max(w.end for of in windows.values() for w in of)
    )
    began = session.connection().execute(
        select(func.min(col(UsageRollup.hour))).where(col(UsageRollup.organization_id) == organization_id)
    )
    since: datetime | None = began.scalar()
    firsts: dict[str, list[_First]] = {}
    if any(each.metric == "new_models" for each in watched):
        firsts["new_models"] = _firsts(session, organization_id, "model", whole)
    if any(each.metric == "new_keys" for each in watched):
        firsts["new_keys"] = _unknown_keys(session, organization_id, whole)
    return {
        each.alert_id: [
            _reading(each, firsts[each.metric], window, moment, since)
            for window, moment in zip(windows[each.alert_id], moments, strict=True)
        ]
        for each in watched
    }


def _reading(
    watched: Watched, firsts: Sequence[_First], window: Window, moment: datetime, since: datetime | None
) -> Reading:
    rule, start = watched.rule, floor_hour(window.start)
    is_known = since is not None and since < start
    by_group: dict[str, list[str]] = defaultdict(list)
    for provider, name, hour in firsts:
        if start <= hour < window.end and (rule.scope.type != "provider" or provider == rule.scope.value):
            by_group[provider if rule.group_by == "provider" else EVERYTHING].append(name)

    def measured(names: Sequence[str]) -> Measurement:
        return Measurement(
            value=Decimal(len(names)) if is_known else None,
            window=Window(window.start, min(window.end, max(moment, window.start))),
            period=period_of(rule.window, window),
            seen=tuple(sorted(names)),
        )

    groups = {group: measured(names) for group, names in by_group.items()}
    if rule.group_by is None:
        return Reading(moment=moment, groups=groups or {EVERYTHING: measured(())})
    return Reading(moment=moment, groups=groups, absent=measured(()))


def _firsts(session: Session, organization_id: str, column: str, window: Window) -> list[_First]:
    """What there is in the window, with when it was first: in the order of the index, which ends at the first row."""
    here, ever = ROLLUPS.alias("here"), ROLLUPS.alias("ever")
    seen: Subquery = (
        select(here.c.provider, here.c[column].label("value"))
        .where(
            here.c.organization_id == organization_id,
            here.c.hour >= floor_hour(window.start),
            here.c.hour < ceil_hour(window.end),
            here.c[column].is_not(None),
        )
        .distinct()
        .subquery("seen")
    )
    first = (
        select(ever.c.hour)
        .where(
            ever.c.organization_id == organization_id,
            ever.c.provider == seen.c.provider,
            ever.c[column] == seen.c.value,
        )
        .order_by(ever.c.hour)
        .limit(1)
        .scalar_subquery()
    )
    rows: Any = session.connection().execute(select(seen.c.provider, seen.c.value, first.label("first")))
    return [(provider.value, name, hour) for provider, name, hour in rows]


def _unknown_keys(session: Session, organization_id: str, window: Window) -> list[_First]:
    """Keys that reports name and that no key of the vault is, by the names that people know them by."""
    found = _firsts(session, organization_id, "external_key_id", window)
    if not found:
        return []
    stored = session.connection().execute(
        select(col(ApiKey.meta)[EXTERNAL_ID].astext).where(col(ApiKey.organization_id) == organization_id)
    )
    known = {id for (id,) in stored}
    names = read_names(session, organization_id, {"providerKey": [name for _, name, _ in found]})
    return [(provider, names.get(("providerKey", id), id), hour) for provider, id, hour in found if id not in known]
