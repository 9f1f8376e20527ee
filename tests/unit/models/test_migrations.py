"""Migrations: linear, there and back again, and equal to the models."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.types.json import Jsonb

from guardian.models.bills import unpacked
from guardian.models.shared import shared_id
from guardian.services.ledger.ingest.once import keys_of
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


BILL: list[dict[str, str]] = [
    dict(unit="uncached_input_tokens", quantity="600", unit_price="0.00000015", multiplier="1", amount="0.00009"),
    dict(unit="output_tokens", quantity="1.5", unit_price="0.0000006", multiplier="0.5", amount="0.00000045"),
    dict(unit="größe; in %", quantity="3", unit_price="2", multiplier="1", amount="5.999"),
]


def test_rows_keep_their_bills_and_counts_when_they_get_shorter_and_longer_again(empty_database: str) -> None:
    alembic(empty_database, "upgrade", "5b1e8c47d0a6")
    with psycopg.connect(empty_database) as connection:
        connection.execute("INSERT INTO users (id, email) VALUES ('u', 'u@example.com')")
        connection.execute(
            "CREATE TABLE usage_logs_2026_11 PARTITION OF usage_logs FOR VALUES FROM ('2026-11-01') TO ('2026-12-01')"
        )
        for id, bill in (("one", json.dumps(BILL)), ("none", "[]"), ("null", None)):
            connection.execute(
                "INSERT INTO usage_logs (id, timestamp, provider, model, operation, user_id, bill, cache_read_tokens) "
                "VALUES (%s, '2026-11-05', 'OPENAI', 'gpt-4o', 'completion', 'u', %s, 7)",
                [id, bill],
            )
    alembic(empty_database, "upgrade", "7e2f9a60b8d4")
    with psycopg.connect(empty_database) as connection:
        found = dict(connection.execute("SELECT id, bill FROM usage_logs").fetchall())
        connection.execute("UPDATE usage_logs SET reasoning_tokens = NULL, video_input_tokens = NULL WHERE id = 'one'")
    assert {id: unpacked(text) for id, text in found.items()} == {"one": BILL, "none": [], "null": []}
    alembic(empty_database, "downgrade", "5b1e8c47d0a6")
    with psycopg.connect(empty_database) as connection:
        rows = connection.execute(
            "SELECT id, bill, cache_read_tokens, reasoning_tokens, video_input_tokens FROM usage_logs ORDER BY id"
        ).fetchall()
    assert rows == [("none", [], 7, 0, 0), ("null", rows[1][1], 7, 0, 0), ("one", BILL, 7, 0, 0)]
    assert rows[1][1] in (None, [])


def test_events_told_before_their_hashes_got_shorter_are_still_known(empty_database: str) -> None:
    whole = "\x1f".join(("o", "event", "e-1")).encode()
    digest = hashlib.blake2b(whole, digest_size=16).digest()
    alembic(empty_database, "upgrade", "7e2f9a60b8d4")
    with psycopg.connect(empty_database) as connection:
        for key, fingerprint in ((digest.hex(), -(2**62) - 5), ("f" * 32, 2)):
            connection.execute("INSERT INTO known_events VALUES (CAST(%s AS uuid), %s)", [key, fingerprint])
    alembic(empty_database, "upgrade", "head")
    with psycopg.connect(empty_database) as connection:
        found = connection.execute("SELECT key, rest, fingerprint FROM known_events ORDER BY key = -1").fetchall()
    assert found == [(*keys_of("o", ("event", "e-1"))[0], -5), (-1, -1, 2)]
    alembic(empty_database, "downgrade", "7e2f9a60b8d4")
    with psycopg.connect(empty_database) as connection:
        kept = connection.execute("SELECT key, fingerprint FROM known_events ORDER BY fingerprint").fetchall()
    assert kept == [(UUID(f"{digest.hex()[:24]}00000000"), -5), (UUID("f" * 24 + "0" * 8), 2)]


def test_rows_say_the_same_when_what_they_share_is_kept_once_and_when_it_is_not_again(empty_database: str) -> None:
    alembic(empty_database, "upgrade", "7d20b9a4c6f1")
    names = "price_source, price_version, price_ref, bill, requests, tags, units, metadata, access_token_id, bucket_end"
    rows = [
        ("a", "genai", "1", "m", "i 6 15e-8;o 10 6e-7", 1, {}, {}, {}, "t1", None),
        ("b", "genai", "1", "m", "i 6 15e-8", 1, {"team": "web"}, {"images": "2"}, {"a": 1}, "t1", None),
        ("c", "provider", None, None, "c 1 0.5", None, {}, {}, {}, None, "2026-11-06"),
        ("d", None, None, None, "", 7, {}, {}, {}, None, None),
    ]
    with psycopg.connect(empty_database) as connection:
        connection.execute("INSERT INTO users (id, email) VALUES ('u', 'u@example.com')")
        connection.execute(
            "CREATE TABLE usage_logs_2026_11 PARTITION OF usage_logs FOR VALUES FROM ('2026-11-01') TO ('2026-12-01')"
        )
        for row in rows:
            values = [Jsonb(value) if isinstance(value, dict) else value for value in row]
            connection.execute(
                f"INSERT INTO usage_logs (id, {names}, timestamp, provider, model, operation, user_id) "
                f"VALUES ({', '.join(['%s'] * 11)}, '2026-11-05', 'OPENAI', 'gpt-4o', 'completion', 'u')",
                values,
            )
    alembic(empty_database, "upgrade", "head")
    with psycopg.connect(empty_database) as connection:
        found = connection.execute(
            "SELECT u.id, bill, requests, tags, access_token_id, price.text, price_id FROM usage_logs u "
            "LEFT JOIN shared_texts price ON price.id = price_id ORDER BY u.id"
        ).fetchall()
        text = "genai\x1f1\x1fm\x1f"
        assert found == [
            ("a", "i 6 15e-8;o 10 6e-7", None, None, shared_id("t1"), text, shared_id(text)),
            ("b", "i 6 15e-8", None, {"team": "web"}, shared_id("t1"), text, shared_id(text)),
            ("c", "c 1 0.5", None, None, None, "provider\x1f\x1f\x1f", shared_id("provider\x1f\x1f\x1f")),
            ("d", None, 7, None, None, None, None),
        ]
        # As calls are written from now on: the price tells the lines, and the counts their quantities.
        rates = "genai\x1f1\x1fm\x1fi 15e-8;r 75e-9;w1 2e-6 1.1;o 6e-7;t 6e-7;ao 1e-5;q 0.005"
        connection.execute("INSERT INTO shared_texts VALUES (%s, %s)", [shared_id(rates), rates])
        connection.execute(
            "UPDATE usage_logs SET bill = NULL, price_id = %s, input_tokens = 1000, output_tokens = 100, "
            "cache_read_tokens = 400, cache_write_1h_tokens = 50, reasoning_tokens = 30, audio_output_tokens = 20, "
            "image_input_tokens = 5 WHERE id = 'a'",
            [shared_id(rates)],
        )
    alembic(empty_database, "downgrade", "7d20b9a4c6f1")
    with psycopg.connect(empty_database) as connection:
        back = connection.execute(f"SELECT id, {names} FROM usage_logs_2026_11 ORDER BY id").fetchall()
    told = "i 545 15e-8;r 400 75e-9;w1 50 2e-6 1.1;o 50 6e-7;t 30 6e-7;ao 20 1e-5;q 1 0.005"
    assert back[0] == (*rows[0][:4], told, *rows[0][5:])
    assert back[1] == rows[1]
    assert back[2][:10] == rows[2][:10]
    assert back[3] == rows[3]


def test_history_is_one_line() -> None:
    script = ScriptDirectory.from_config(Config(str(ROOT / "alembic.ini")))
    revisions = list(script.walk_revisions())
    assert len(script.get_heads()) == 1
    assert all(not isinstance(r.down_revision, tuple) for r in revisions)
    assert {Path(str(r.path)).name[:4].isdigit() for r in revisions} == {True}


def test_the_alembic_folder_does_not_hide_the_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
