"""Monthly partitions of usage_logs: made ahead by a job, and before a write that reaches further back."""

import time
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from guardian import db
from guardian.periods import floor_month, next_month

_TRUSTED_SECONDS = 60
_SEEN, _MADE = "guardian.partitions_seen", "guardian.partitions_made"


def ensure_partitions(session: Session, start: datetime, end: datetime) -> list[str]:
    """Make the partitions for every UTC month that [start, end] touches; gives the names of the new ones.

    Those that a connection has seen it does not look for again within a minute: only retention takes one away, and of
    old months.
    """
    months: list[datetime] = []
    month = floor_month(start)
    while month <= end:
        months.append(month)
        month = next_month(month)
    wanted = {f"usage_logs_{m:%Y_%m}": m for m in months}
    connection = session.connection()
    seen, until = connection.info.get(_SEEN, (frozenset[str](), 0.0))
    if wanted.keys() <= seen and time.monotonic() < until:
        return []
    existing = _existing(session)
    missing = sorted(wanted.keys() - existing)
    if not missing and _MADE not in session.info:  # what this transaction has made may yet be rolled back
        connection.info[_SEEN] = (existing, time.monotonic() + _TRUSTED_SECONDS)
    if missing:
        session.info[_MADE] = True
        db.lock(session, "usage_logs partitions")
        missing = sorted(wanted.keys() - _existing(session))
    for name in missing:
        first = wanted[name]
        # Not CREATE TABLE … PARTITION OF: that locks the whole table against readers too, so that one long export would
        # stop every writer (https://www.postgresql.org/docs/18/ddl-partitioning.html, 5.12.2.2).
        session.connection().execute(text(f"CREATE TABLE {name} (LIKE usage_logs INCLUDING ALL EXCLUDING INDEXES)"))
        # DDL takes no parameters; both values are made of a date that we formatted.
        session.connection().execute(
            text(
                f"ALTER TABLE usage_logs ATTACH PARTITION {name} "
                f"FOR VALUES FROM ('{first:%Y-%m-%d}T00:00:00Z') TO ('{next_month(first):%Y-%m-%d}T00:00:00Z')"
            )
        )
    return missing


def _existing(session: Session) -> set[str]:
    rows = session.connection().execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'usage_logs'::regclass")
    )
    return {row[0] for row in rows}
