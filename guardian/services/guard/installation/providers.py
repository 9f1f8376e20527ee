"""Every provider key of the installation: what its provider last said, when it was pulled, and what failed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from redis.exceptions import RedisError
from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, and_, col, select

from guardian import telemetry
from guardian.errors import UnavailableError
from guardian.models import ApiKey, Organization, SyncRun
from guardian.models.enums import KeyStatus, Provider, SyncStatus
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.guard.installation.paging import checked, paged, size
from guardian.services.people import kept
from guardian.services.people.views import Page

# What a person has to do something about.
TROUBLED = (KeyStatus.REJECTED, KeyStatus.WRONG_KIND, KeyStatus.FORBIDDEN, KeyStatus.EXHAUSTED, KeyStatus.FAILING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderLine:
    """`troubled` keys need a person, of which `rejected` ones are refused by the provider as no key of its."""

    provider: Provider
    keys: int
    active: int
    troubled: int
    rejected: int
    last_pull: datetime | None


_LINE = TypeAdapter(ProviderLine)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLine:
    """`failures` are pulls in a row that got nowhere; `waits_until` is when the next is tried after one (the pulls of a
    key that fails are spaced out), None where nothing waits. `rests_until`: so long a gateway sends nothing by it,
    because calls failed again and again.
    """

    id: str
    organization_id: str | None
    organization: str
    provider: Provider
    name: str
    is_active: bool
    status: KeyStatus
    status_message: str | None
    last_used: datetime | None
    last_pull: datetime | None
    failures: int
    error: str | None
    waits_until: datetime | None
    rests_until: datetime | None


def list_providers(session: Session, actor: Actor) -> list[ProviderLine]:
    """A line for each provider that there is a key of, in the order of their names. Raises AuthorizationError."""
    actor.require("admin:read")
    lines = (_provider(session, provider) for provider in sorted(Provider))
    return [line for line in lines if line.keys]


def _provider(session: Session, provider: Provider) -> ProviderLine:
    """Counted over the keys of all organizations, and kept until one of them changes or is pulled."""
    key, owner = kept.keys.provider_status(provider), kept.provider_owner(provider)
    return _LINE.validate_python(kept.read(session, key, lambda: _counted(session, provider), owner=owner))


def _counted(session: Session, provider: Provider) -> dict[str, Any]:
    last = (
        select(func.max(SyncRun.finished_at))
        .join(ApiKey, col(SyncRun.api_key_id) == col(ApiKey.id))
        .where(ApiKey.provider == provider, SyncRun.status == SyncStatus.FINISHED)
    )
    columns: tuple[Any, ...] = (
        func.count(),
        func.count().filter(col(ApiKey.is_active)),
        func.count().filter(col(ApiKey.is_active), col(ApiKey.status).in_(TROUBLED)),
        func.count().filter(col(ApiKey.status) == KeyStatus.REJECTED),
        last.scalar_subquery(),
    )
    counted = sql_select(*columns).where(col(ApiKey.provider) == provider)
    keys, active, troubled, rejected, pulled = tuple[Any, ...](session.connection().execute(counted).one())
    line = ProviderLine(
        provider=provider, keys=keys, active=active, troubled=troubled, rejected=rejected, last_pull=pulled
    )
    return _LINE.dump_python(line, mode="json")


def list_keys(
    session: Session,
    actor: Actor,
    *,
    provider: Provider | None = None,
    troubled: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[KeyLine]:
    """The keys, newest first; with `troubled` those that need a person. Raises AuthorizationError, ValidationError."""
    actor.require("admin:read")
    count, after = size(limit), checked(cursor)
    query = (
        select(ApiKey, Organization.name)
        .join(Organization, col(Organization.id) == col(ApiKey.organization_id), isouter=True)
        .order_by(col(ApiKey.id).desc())
        .limit(count + 1)
    )
    if provider is not None:
        query = query.where(ApiKey.provider == provider)
    if troubled:
        query = query.where(and_(col(ApiKey.is_active), col(ApiKey.status).in_(TROUBLED)))
    if after is not None:
        query = query.where(col(ApiKey.id) < after)
    rows = session.exec(query).all()
    ids = [key.id for key, _name in rows]
    newest = _newest_runs(session, ids)
    finished = dict(
        session.exec(
            select(SyncRun.api_key_id, func.max(SyncRun.finished_at))
            .where(col(SyncRun.api_key_id).in_(ids), SyncRun.status == SyncStatus.FINISHED)
            .group_by(col(SyncRun.api_key_id))
        ).all()
    )
    rest = _resting()

    def line(row: tuple[ApiKey, str]) -> KeyLine:
        key, organization = row
        return _line(key, organization, newest.get(key.id), finished, rest.get(key.id))

    return paged(rows, count, lambda row: row[0].id, line)


def _resting() -> dict[str, datetime]:
    """Until when a gateway leaves a key alone, by its id: of several gateways, the last of them."""
    found: dict[str, datetime] = {}
    try:
        processes = telemetry.processes()
    except (RedisError, UnavailableError):
        return found
    now = utcnow()
    for key, told in ((key, told) for each in processes for key, told in each.resting.items()):
        until = datetime.fromisoformat(told)
        if until > max(now, found.get(key, now)):
            found[key] = until
    return found


def _newest_runs(session: Session, ids: list[str]) -> dict[str, SyncRun]:
    query = (
        select(SyncRun)
        .where(col(SyncRun.api_key_id).in_(ids))
        .ext(distinct_on(col(SyncRun.api_key_id)))
        .order_by(col(SyncRun.api_key_id), col(SyncRun.id).desc())
    )
    return {run.api_key_id: run for run in session.exec(query)}


def _line(
    key: ApiKey, organization: str | None, run: SyncRun | None, finished: dict[str, Any], rest: datetime | None
) -> KeyLine:
    failed = run is not None and (run.status is SyncStatus.FAILED or run.failures > 0)
    return KeyLine(
        id=key.id,
        organization_id=key.organization_id,
        organization=organization or "nobody",
        provider=key.provider,
        name=key.label or (f"…{key.hint}" if key.hint else "without a label"),
        is_active=key.is_active,
        status=key.status,
        status_message=key.status_message,
        last_used=key.last_used,
        last_pull=finished.get(key.id),
        failures=run.failures if run else 0,
        error=run.error if run is not None and failed else None,
        waits_until=run.not_before if run is not None and run.status is SyncStatus.QUEUED else None,
        rests_until=rest,
    )
