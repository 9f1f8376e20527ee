"""Metrics of keys of the vault: pulls that failed in a row, and how much of the provider's rate limit is used."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from guardian.models import ApiKey, SyncRun
from guardian.models.enums import AlertType, SyncStatus
from guardian.periods import Window
from guardian.services.guard.watching.watched import EVERYTHING, Measurement, Reading, Watched
from guardian.services.people.provider_keys.rate_limits import rate_limits_of
from guardian.services.people.views import RateLimits

METRICS: frozenset[tuple[AlertType, str]] = frozenset(
    {(AlertType.RATE_LIMIT, "used"), (AlertType.ERROR_RATE, "sync_failures")}
)
_MOST_RUNS = 2_000  # of an organization, the latest: of a key that fails oftener than this it is known that it fails
# After this nothing is known of a limit whose provider does not say when it begins anew: most do each minute.
_STALE = timedelta(minutes=15)
_ALL = Decimal(100)


def measure_keys(
    session: Session, organization_id: str, watched: Sequence[Watched], moments: Sequence[datetime]
) -> dict[str, list[Reading]]:
    """By key, or the worst of the keys that a group has."""
    if not watched:
        return {}
    keys = session.exec(
        select(ApiKey).where(ApiKey.organization_id == organization_id, col(ApiKey.is_active).is_(True))
    ).all()
    runs = _runs(session, organization_id) if any(each.metric == "sync_failures" for each in watched) else {}
    asked = [key.id for key in keys] if any(each.metric == "used" for each in watched) else []
    limits = rate_limits_of(asked)
    found: dict[str, list[Reading]] = {each.alert_id: [] for each in watched}
    for moment in moments:
        values = {
            "sync_failures": {key.id: _failures(runs.get(key.id, ()), moment) for key in keys},
            "used": {key.id: _used(limits.get(key.id, ()), moment) for key in keys},
        }
        for each in watched:
            found[each.alert_id].append(_reading(each, keys, values[each.metric], moment))
    return found


def _reading(
    watched: Watched, keys: Sequence[ApiKey], values: Mapping[str, Decimal | None], moment: datetime
) -> Reading:
    rule, by_group = watched.rule, defaultdict[str, list[Decimal]](list)
    for key in keys:
        value = values[key.id]
        mine = {"provider": key.provider.value, "key": key.id}
        if value is None or (rule.scope.type != "organization" and mine.get(rule.scope.type) != rule.scope.value):
            continue
        by_group[mine.get(rule.group_by or "", EVERYTHING)].append(value)
    nothing = Measurement(value=None, window=Window(moment, moment))
    groups = {group: Measurement(value=max(of), window=nothing.window) for group, of in by_group.items()}
    if rule.group_by is None:
        return Reading(moment=moment, groups=groups or {EVERYTHING: nothing})
    there = {key.id for key in keys} if rule.group_by == "key" else {key.provider.value for key in keys}
    # A key that is gone, or switched off, is no more; one that nothing is known of stays what it was.
    return Reading(moment=moment, groups={**dict.fromkeys(there, nothing), **groups})


def _runs(session: Session, organization_id: str) -> dict[str, list[tuple[SyncStatus, datetime]]]:
    """Of each key, how its last pulls ended and when, the latest first."""
    run = SyncRun
    query = (
        select(run.api_key_id, run.status, run.finished_at)
        .where(
            col(run.organization_id) == organization_id,
            col(run.status).in_((SyncStatus.FINISHED, SyncStatus.FAILED)),
            col(run.finished_at).is_not(None),
        )
        .order_by(col(run.created_at).desc())
        .limit(_MOST_RUNS)
    )
    found: dict[str, list[tuple[SyncStatus, datetime]]] = defaultdict(list)
    rows: Sequence[Any] = session.exec(query).all()
    for key_id, status, at in rows:
        found[key_id].append((status, at))
    return {key_id: sorted(runs, key=lambda run: run[1], reverse=True) for key_id, runs in found.items()}


def _failures(runs: Sequence[tuple[SyncStatus, datetime]], moment: datetime) -> Decimal | None:
    """None for a key of which no pull has ended yet."""
    ended = [status for status, at in runs if at <= moment]
    if not ended:
        return None
    return Decimal(next((place for place, status in enumerate(ended) if status is SyncStatus.FINISHED), len(ended)))


def _used(observed: Sequence[RateLimits], moment: datetime) -> Decimal | None:
    """The most that is used of any of a key's limits, in percent; None where no answer has told of one lately."""
    found = [value for each in observed if each.observed_at <= moment for value in _used_parts(each, moment)]
    return max(found) if found else None


def _used_parts(of: RateLimits, moment: datetime) -> list[Decimal]:
    is_fresh = moment - of.observed_at <= _STALE
    if of.refused and (moment < of.retry_at if of.retry_at is not None else is_fresh):
        return [_ALL]
    found: list[Decimal] = []
    for limit in of.limits:
        if not limit.limit or limit.remaining is None:
            continue
        if limit.resets_at is not None and limit.resets_at <= moment:
            found.append(Decimal(0))
        elif limit.resets_at is not None or is_fresh:
            found.append((limit.limit - limit.remaining) * _ALL / limit.limit)
    return found
