"""Migrations: linear, there and back again, and equal to the models."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.conftest import ROOT, Servers


def alembic(url: str, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *command],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def empty_database(servers: Servers) -> str:
    name = f"migrate_{os.urandom(6).hex()}"
    servers.execute(f"CREATE DATABASE {name}")
    return servers.database_url(name)


def schema_of(url: str) -> list[tuple[object, ...]]:
    """Every table, column, type, default, index and constraint, as PostgreSQL itself prints them."""
    with psycopg.connect(url) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name, udt_name, is_nullable, column_default FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2"
        ).fetchall()
        indexes = connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1"
        ).fetchall()
        constraints = connection.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint c "
            "WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE 'alembic%' ORDER BY 1"
        ).fetchall()
        enums = connection.execute(
            "SELECT typname, enumlabel FROM pg_enum JOIN pg_type t ON t.oid = enumtypid ORDER BY typname, enumsortorder"
        ).fetchall()
    return [*columns, *indexes, *constraints, *enums]


def test_upgrade_downgrade_and_upgrade_again_give_the_same_schema(empty_database: str) -> None:
    alembic(empty_database, "upgrade", "head")
    first = schema_of(empty_database)
    alembic(empty_database, "downgrade", "base")
    assert schema_of(empty_database) == []
    alembic(empty_database, "upgrade", "head")
    assert schema_of(empty_database) == first


def test_models_equal_migrations(empty_database: str) -> None:
    alembic(empty_database, "upgrade", "head")
    alembic(empty_database, "check")


def test_history_is_one_line() -> None:
    script = ScriptDirectory.from_config(Config(str(ROOT / "alembic.ini")))
    revisions = list(script.walk_revisions())
    assert len(script.get_heads()) == 1
    assert all(not isinstance(r.down_revision, tuple) for r in revisions)
    assert {Path(str(r.path)).name[:4].isdigit() for r in revisions} == {True}


def test_the_alembic_folder_does_not_hide_the_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
