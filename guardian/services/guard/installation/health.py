"""What follows from the figures of the installation: a line for each of its parts, with what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from guardian.services.people.queues import QueueView
from guardian.telemetry import ProcessSnapshot

KINDS = ("web", "gateway", "worker", "scheduler")
_SILENT = 20.0  # seconds after which a process that should tell each ten is not heard of
_FULL = 0.8  # of a journal, or of the database's connections
Word = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseView:
    """`connections` of all clients, of at most `max_connections`; `largest` are tables with their bytes."""

    version: str
    size_bytes: int
    connections: int
    active: int
    max_connections: int
    longest_seconds: float
    largest: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisView:
    version: str
    memory_bytes: int
    clients: int
    per_second: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncView:
    """Pulls that wait and run now, and that ended in the last day; `troubled_keys` need a person."""

    queued: int
    running: int
    finished: int
    failed: int
    troubled_keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the system's health; `what` says what to do where the word is not ok."""

    name: str
    word: Word
    what: str


def checks(
    processes: Sequence[ProcessSnapshot],
    queues: Sequence[QueueView],
    syncs: SyncView,
    database: DatabaseView,
    redis: RedisView | None,
    mails_waiting: int,
    mails_failed: int,
) -> tuple[Check, ...]:
    """In the order in which one would look."""
    return (
        _check_database(database),
        _check_redis(redis),
        *(_check_kind(kind, processes) for kind in KINDS),
        *_check_journals(processes),
        _check_queues(queues),
        _check_pulls(syncs),
        _check_mail(mails_waiting, mails_failed),
    )


def _check_database(database: DatabaseView) -> Check:
    used = f"{database.connections} of {database.max_connections} connections"
    if database.connections > database.max_connections * _FULL:
        return Check(name="Database", word="warn", what=f"{used}: put PgBouncer before it, or raise max_connections")
    return Check(name="Database", word="ok", what=f"PostgreSQL {database.version}, {used}")


def _check_redis(redis: RedisView | None) -> Check:
    if redis is None:
        return Check(name="Redis", word="bad", what="does not answer: no job runs, nothing is live. Check REDIS_URL")
    return Check(name="Redis", word="ok", what=f"{redis.version}, {redis.clients} clients")


def _check_kind(kind: str, processes: Sequence[ProcessSnapshot]) -> Check:
    found = [each for each in processes if each.kind == kind]
    name = kind.capitalize()
    if not found:
        return Check(name=name, word="bad", what=f"none is heard of: start `guardian {kind}`")
    silent = [each for each in found if each.age_seconds > _SILENT]
    if silent:
        where = ", ".join(f"{each.host}:{each.pid}" for each in silent[:3])
        return Check(name=name, word="warn", what=f"{len(silent)} of {len(found)} hang or are gone ({where})")
    failed = sum(each.errors for each in found)
    about = f"{len(found)} {'runs' if len(found) == 1 else 'run'}"
    return Check(name=name, word="ok", what=f"{about}, {failed} errors of ours since their start" if failed else about)


def _check_journals(processes: Sequence[ProcessSnapshot]) -> list[Check]:
    full = [
        each
        for each in processes
        if each.journal_bytes is not None and each.journal_limit and each.journal_bytes > each.journal_limit * _FULL
    ]
    if not full:
        return []
    where = ", ".join(f"{each.kind} {each.host}:{each.pid}" for each in full[:3])
    return [Check(name="Journal", word="bad", what=f"almost full at {where}: calls cannot be stored. See its log")]


def _check_queues(found: Sequence[QueueView]) -> Check:
    idle = [each.name for each in found if not each.workers]
    if idle:
        return Check(name="Queues", word="bad", what=f"nobody works on {', '.join(idle)}: start `guardian worker`")
    failed, waiting = sum(each.failed for each in found), sum(each.waiting for each in found)
    if failed:
        return Check(name="Queues", word="warn", what=f"{failed} failed jobs: look at their causes")
    return Check(name="Queues", word="ok", what=f"{waiting} jobs wait")


def _check_pulls(syncs: SyncView) -> Check:
    if syncs.troubled_keys:
        count = syncs.troubled_keys
        many = "1 active key is refused or fails" if count == 1 else f"{count} active keys are refused or fail"
        what = f"{many}: their owners are told by mail"
        return Check(name="Pulls", word="warn", what=what)
    return Check(name="Pulls", word="ok", what=f"{syncs.finished} ended well in the last day, {syncs.failed} failed")


def _check_mail(waiting: int, failed: int) -> Check:
    if failed:
        return Check(name="Mail", word="warn", what=f"{failed} given up in the last day: see the mail log")
    return Check(name="Mail", word="ok", what=f"{waiting} wait")
