"""How the installation runs now: what its processes tell, its queues, pulls, cache, database and Redis."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

from redis.exceptions import RedisError
from sqlalchemy import func, text
from sqlmodel import Session, col, select

from guardian import queue, telemetry
from guardian.cache import CacheService
from guardian.errors import UnavailableError
from guardian.models import EmailLog, SyncRun
from guardian.models.enums import DeliveryStatus, SyncStatus
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.guard.installation import health
from guardian.services.guard.installation.health import Check, DatabaseView, RedisView, SyncView
from guardian.services.guard.installation.providers import list_providers
from guardian.services.people import queues
from guardian.services.people.queues import QueueView
from guardian.telemetry import ProcessSnapshot

T = TypeVar("T")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """`redis`, `processes` and `queues` are empty while Redis does not answer; `hit_ratio` is None before a look-up.

    `mails_waiting` are of any age, `mails_failed` of the last day. `checks` are what follows from all of it.
    """

    checks: tuple[Check, ...]
    processes: tuple[ProcessSnapshot, ...]
    queues: tuple[QueueView, ...]
    syncs: SyncView
    database: DatabaseView
    redis: RedisView | None
    hit_ratio: float | None
    mails_waiting: int
    mails_failed: int


def monitoring(session: Session, actor: Actor) -> Monitoring:
    """Read all of it. Raises AuthorizationError; a Redis that is away is a finding."""
    actor.require("admin:read")
    processes = tuple(_or(telemetry.processes, []))
    found_queues = tuple(_or(lambda: queues.list_queues(actor), []))
    syncs, database, redis = _syncs(session, actor), _database(session), _or(_redis, None)
    waiting, failed = _mails(session)
    checks = health.checks(processes, found_queues, syncs, database, redis, waiting, failed)
    return Monitoring(
        checks=checks,
        processes=processes,
        queues=found_queues,
        syncs=syncs,
        database=database,
        redis=redis,
        hit_ratio=_or(lambda: CacheService().hit_ratio(), None),
        mails_waiting=waiting,
        mails_failed=failed,
    )


def _or(read: Callable[[], T], otherwise: T) -> T:
    try:
        return read()
    except (RedisError, UnavailableError):
        return otherwise


def _syncs(session: Session, actor: Actor) -> SyncView:
    since = utcnow() - _DAY
    unfinished = col(SyncRun.status).in_((SyncStatus.QUEUED, SyncStatus.RUNNING))
    rows = session.exec(
        select(SyncRun.status, func.count())
        .where(unfinished | (col(SyncRun.finished_at) >= since))
        .group_by(col(SyncRun.status))
    )
    counts = dict(rows.all())
    return SyncView(
        queued=counts.get(SyncStatus.QUEUED, 0),
        running=counts.get(SyncStatus.RUNNING, 0),
        finished=counts.get(SyncStatus.FINISHED, 0),
        failed=counts.get(SyncStatus.FAILED, 0),
        troubled_keys=sum(line.troubled for line in list_providers(session, actor)),
    )


def _mails(session: Session) -> tuple[int, int]:
    waiting = col(EmailLog.status).in_((DeliveryStatus.PENDING, DeliveryStatus.SENDING))
    failed = (col(EmailLog.status) == DeliveryStatus.FAILED) & (col(EmailLog.created_at) >= utcnow() - _DAY)
    found = session.exec(
        select(func.count().filter(waiting), func.count().filter(failed)).where(waiting | failed)
    ).one()
    return found[0], found[1]


def _database(session: Session) -> DatabaseView:
    connection = session.connection()
    own = connection.execute(
        text(
            "SELECT current_setting('server_version'), pg_database_size(current_database()),"
            " current_setting('max_connections')::int, count(*),"
            " count(*) FILTER (WHERE state = 'active'),"
            " coalesce(extract(epoch FROM max(now() - xact_start) FILTER (WHERE state <> 'idle')), 0)::float8"
            " FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
        )
    ).one()
    # A partitioned table's rows are in its partitions: those are summed up under its name.
    largest = connection.execute(
        text(
            "SELECT coalesce(p.relname, c.relname), sum(pg_total_relation_size(c.oid))::bigint"
            " FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent"
            " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
            " GROUP BY 1 ORDER BY 2 DESC LIMIT 8"
        )
    )
    version, size, most, connections, active, longest = own
    return DatabaseView(
        version=str(version).split()[0],
        size_bytes=size,
        connections=connections,
        active=active,
        max_connections=most,
        longest_seconds=longest,
        largest=tuple((name, size) for name, size in largest),
    )


def _redis() -> RedisView:
    told = cast("dict[str, int | str]", queue.connection().info())
    return RedisView(
        version=str(told["redis_version"]),
        memory_bytes=int(told["used_memory"]),
        clients=int(told["connected_clients"]),
        per_second=int(told["instantaneous_ops_per_sec"]),
    )
