"""Runs the migrations on DATABASE_URL: one transaction for all, and a short wait for locks instead of a stalled site."""

import re

from sqlalchemy import text
from sqlmodel import SQLModel

import guardian.models  # noqa: F401  # knows every table
from alembic import context
from guardian.db import engine

# The monthly partitions of usage_logs are made by the product, not by migrations.
_PARTITION = re.compile(r"^usage_logs_\d{4}_\d{2}$")


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and name is not None and _PARTITION.match(name))


with engine().connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        include_name=include_name,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        # Two processes that start at once migrate one after the other.
        connection.execute(text("SELECT pg_advisory_xact_lock(7046029254386353131)"))
        context.run_migrations()
