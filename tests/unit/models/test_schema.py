"""The schema that was asked for: each model's fields, defaults, relations, uniques, indexes and delete rules."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import configure_mappers
from sqlmodel import Session, SQLModel

import guardian.models as models
from guardian.models.base import derived_id, new_id
from guardian.models.enums import Provider
from guardian.periods import utcnow
from guardian.services.ledger.sql.partitions import ensure_partitions
from tests.conftest import People, Servers

# model → {field: (SQL type, nullable, default of the database)}, after section 1 of the product's guide; the types that
# depart from it (money, timestamps) do so on purpose.
GUIDE: dict[str, dict[str, tuple[str, bool, str | None]]] = {
    "users": {
        "id": ("varchar", False, None),
        "email": ("varchar", False, None),
        "name": ("varchar", True, None),
        "image": ("varchar", True, None),
        "email_verified": ("timestamptz", True, None),
        "company": ("varchar", True, None),
        "role": ("user_role", False, "'USER'::user_role"),
        "onboarding_status": ("jsonb", True, "'{}'::jsonb"),
        "settings": ("jsonb", True, "'{}'::jsonb"),
        "created_at": ("timestamptz", False, "now()"),
        "updated_at": ("timestamptz", False, "now()"),
        "organization_id": ("varchar", True, None),
    },
    "organizations": {
        "id": ("varchar", False, None),
        "name": ("varchar", False, None),
        "domain": ("varchar", True, None),
        "plan": ("plan", False, "'FREE'::plan"),
        "billing_email": ("varchar", True, None),
        "stripe_customer_id": ("varchar", True, None),
        "settings": ("jsonb", True, "'{}'::jsonb"),
        "metadata": ("jsonb", True, "'{}'::jsonb"),
        "created_at": ("timestamptz", False, "now()"),
        "updated_at": ("timestamptz", False, "now()"),
    },
    "api_keys": {
        "id": ("varchar", False, None),
        "provider": ("provider", False, None),
        "encrypted_key": ("varchar", False, None),
        "iv": ("varchar", False, None),
        "tag": ("varchar", False, None),
        "label": ("varchar", True, None),
        "is_active": ("bool", False, "true"),
        "last_used": ("timestamptz", True, None),
        "last_validated": ("timestamptz", True, None),
        "metadata": ("jsonb", True, "'{}'::jsonb"),
        "created_at": ("timestamptz", False, "now()"),
        "updated_at": ("timestamptz", False, "now()"),
        "user_id": ("varchar", False, None),
        "organization_id": ("varchar", True, None),
    },
    "usage_logs": {
        "id": ("varchar", False, None),
        "provider": ("provider", False, None),
        "model": ("varchar", False, None),
        "operation": ("varchar", False, None),
        "input_tokens": ("int8", False, "'0'::bigint"),
        "output_tokens": ("int8", False, "'0'::bigint"),
        "total_tokens": ("int8", False, "'0'::bigint"),
        "cost": ("numeric", True, None),
        "response_time": ("int4", True, None),
        "status_code": ("int4", True, None),
        "error": ("varchar", True, None),
        "metadata": ("jsonb", True, "'{}'::jsonb"),
        "timestamp": ("timestamptz", False, "now()"),
        "user_id": ("varchar", False, None),
        "organization_id": ("varchar", True, None),
        "api_key_id": ("varchar", True, None),
    },
    "alerts": {
        "id": ("varchar", False, None),
        "name": ("varchar", False, None),
        "type": ("alert_type", False, None),
        "threshold": ("numeric", False, None),
        "comparison_type": ("comparison_type", False, None),
        "frequency": ("alert_frequency", False, None),
        "is_active": ("bool", False, "true"),
        "last_triggered": ("timestamptz", True, None),
        "notify_email": ("bool", False, "true"),
        "notify_slack": ("bool", False, "false"),
        "notify_webhook": ("bool", False, "false"),
        "webhook_url": ("varchar", True, None),
        "metadata": ("jsonb", True, "'{}'::jsonb"),
        "created_at": ("timestamptz", False, "now()"),
        "updated_at": ("timestamptz", False, "now()"),
        "user_id": ("varchar", False, None),
    },
}
ENUMS = {
    "provider": ["OPENAI", "ANTHROPIC", "GOOGLE", "XAI", "PERPLEXITY", "CUSTOM"],
    "user_role": ["USER", "ADMIN", "SUPER_ADMIN"],
    "plan": ["FREE", "STARTER", "GROWTH", "SCALE", "ENTERPRISE"],
    "alert_type": ["COST_THRESHOLD", "USAGE_SPIKE", "RATE_LIMIT", "ERROR_RATE", "BUDGET_EXCEEDED"],
}
FOREIGN_KEYS = {
    ("users", "organization_id"): "SET NULL",
    ("accounts", "user_id"): "CASCADE",
    ("sessions", "user_id"): "CASCADE",
    ("api_keys", "user_id"): "CASCADE",
    ("api_keys", "organization_id"): "SET NULL",
    ("usage_logs", "user_id"): "RESTRICT",
    ("usage_logs", "organization_id"): "SET NULL",
    ("usage_logs", "api_key_id"): "SET NULL",
    ("alerts", "user_id"): "CASCADE",
    ("alert_notifications", "alert_id"): "CASCADE",
}
RELATIONS = {
    models.User: {
        "accounts",
        "sessions",
        "organization",
        "api_keys",
        "usage_logs",
        "alerts",
        "team_members",
        "activities",
        "subscriptions",
    },
    models.Organization: {
        "users",
        "api_keys",
        "usage_logs",
        "invoices",
        "subscriptions",
        "team_members",
        "budgets",
    },
    models.ApiKey: {"user", "organization", "usage_logs"},
    models.UsageLog: {"user", "organization", "api_key"},
    models.Alert: {"user", "notifications"},
}


@pytest.fixture(scope="module")
def catalog(servers: Servers) -> Iterator[psycopg.Connection]:
    name = f"catalog_{os.urandom(6).hex()}"
    servers.databases.clone(name)
    with psycopg.connect(servers.database_url(name), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("table", GUIDE)
def test_every_field_has_its_type_nullability_and_default(catalog: psycopg.Connection, table: str) -> None:
    rows = catalog.execute(
        "SELECT column_name, udt_name, is_nullable = 'YES', replace(column_default, '::character varying', '') "
        "FROM information_schema.columns WHERE table_name = %s",
        [table],
    ).fetchall()
    found = {name: (kind, nullable, default) for name, kind, nullable, default in rows}
    assert {name: found.get(name) for name in GUIDE[table]} == GUIDE[table]


@pytest.mark.parametrize("enum", ENUMS)
def test_enums_have_the_guides_values(catalog: psycopg.Connection, enum: str) -> None:
    rows = catalog.execute(
        "SELECT enumlabel FROM pg_enum JOIN pg_type t ON t.oid = enumtypid WHERE typname = %s ORDER BY enumsortorder",
        [enum],
    ).fetchall()
    assert [row[0] for row in rows] == ENUMS[enum]


def test_delete_rules(catalog: psycopg.Connection) -> None:
    rules = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
    rows = catalog.execute(
        "SELECT conrelid::regclass::text, a.attname, confdeltype FROM pg_constraint c "
        "JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1] WHERE contype = 'f'"
    ).fetchall()
    found = {(table, column): rules[kind] for table, column, kind in rows}
    assert {key: found.get(key) for key in FOREIGN_KEYS} == FOREIGN_KEYS
    assert "NO ACTION" not in found.values(), "every relation says what a delete does"


@pytest.mark.parametrize(
    ("table", "definition"),
    [
        ("users", "UNIQUE INDEX uq_users_email ON public.users USING btree (email)"),
        ("organizations", "UNIQUE INDEX uq_organizations_domain ON public.organizations USING btree (domain)"),
        ("api_keys", "(user_id, provider, label) NULLS NOT DISTINCT"),
        ("api_keys", "INDEX ix_api_keys_provider_is_active ON public.api_keys USING btree (provider, is_active)"),
        ("usage_logs", 'USING btree (user_id, provider, "timestamp")'),
        ("usage_logs", 'USING btree (organization_id, "timestamp")'),
        ("usage_logs", 'UNIQUE INDEX pk_usage_logs ON ONLY public.usage_logs USING btree (id, "timestamp")'),
        ("alerts", "USING btree (user_id, is_active)"),
        ("sync_runs", "UNIQUE INDEX uq_sync_runs_api_key_id_unfinished"),
        ("alert_notifications", "(alert_id, transition, channel, target)"),
    ],
)
def test_uniques_and_indexes(catalog: psycopg.Connection, table: str, definition: str) -> None:
    rows = catalog.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s", [table]).fetchall()
    assert any(definition in row[0] for row in rows), [row[0] for row in rows]


def test_relations() -> None:
    configure_mappers()
    for model, wanted in RELATIONS.items():
        assert set(model.__mapper__.relationships.keys()) == wanted


def test_usage_is_partitioned_by_month(catalog: psycopg.Connection) -> None:
    row = catalog.execute("SELECT pg_get_partkeydef('usage_logs'::regclass)").fetchone()
    assert row == ('RANGE ("timestamp")',)


def test_what_a_distributed_database_asks() -> None:
    """Unique constraints of distributed tables contain the distribution column; nothing points to those tables."""
    distributed = {"usage_logs": "id", "usage_rollups": "organization_id", "provider_costs": "organization_id"}
    for table in SQLModel.metadata.tables.values():
        for key in table.foreign_keys:
            assert key.column.table.name not in distributed
    for name, column in distributed.items():
        assert column in SQLModel.metadata.tables[name].primary_key.columns


def test_deleting_a_person_keeps_the_ledger(session: Session, people: People) -> None:
    ensure_partitions(session, utcnow(), utcnow())
    session.add(
        models.UsageLog(
            provider=Provider.OPENAI,
            model="gpt-6-sol",
            operation="completion",
            user_id=people.bob.user_id,
            organization_id=people.bob.organization_id,
        )
    )
    session.commit()
    with pytest.raises(IntegrityError, match="fk_usage_logs_user_id_users"):
        session.connection().exec_driver_sql("DELETE FROM users WHERE id = %s", (people.bob.user_id,))


MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2058, 12, 31))
PARTS = st.lists(st.none() | st.text(max_size=5), min_size=1, max_size=4)


@given(st.lists(MOMENTS, min_size=2, max_size=20))
def test_ids_sort_by_their_time(moments: list[datetime]) -> None:
    ordered = sorted(m.replace(tzinfo=UTC) for m in moments)
    ids = [new_id(m) for m in ordered]
    assert [i[:9] for i in ids] == sorted(i[:9] for i in ids)
    assert all(len(i) == 25 and i.startswith("c") for i in ids)


@given(PARTS, PARTS)
def test_derived_ids_are_equal_exactly_when_their_parts_are(one: list[str | None], other: list[str | None]) -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    assert (derived_id(at, *one) == derived_id(at, *other)) == (one == other)
