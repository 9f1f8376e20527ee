"""usage rows: what many have in common is kept once, what is empty takes no room, and columns stand without gaps.

Revision ID: 8d35f0c2a7be
Revises: 7d20b9a4c6f1
"""

import sqlalchemy as sa

from alembic import op

revision = "8d35f0c2a7be"
down_revision = "7d20b9a4c6f1"
branch_labels = None
depends_on = None

_SHARES = (
    *("cache_read_tokens", "cache_write_5m_tokens", "cache_write_30m_tokens", "cache_write_1h_tokens"),
    *("cache_write_12h_tokens", "reasoning_tokens", "audio_input_tokens", "audio_output_tokens"),
    *("image_input_tokens", "image_output_tokens", "video_input_tokens", "video_output_tokens"),
)
_DOCUMENTS = ("units", "tags", "metadata")
# Of eight bytes, then of four, then texts: each begins at a multiple of its size, so that in any other order a row of
# 215 bytes has gaps of 15 more.
_EIGHT = {
    **dict.fromkeys(("input_tokens", "output_tokens", "total_tokens"), "bigint NOT NULL DEFAULT '0'"),
    **dict.fromkeys(_SHARES, "bigint"),
    "requests": "bigint",
    "timestamp": "timestamptz NOT NULL DEFAULT now()",
    "bucket_end": "timestamptz",
}
_REST = {
    "provider": "provider NOT NULL",
    "origin": "usage_origin NOT NULL DEFAULT 'gateway'",
    "cost_source": "cost_source NOT NULL DEFAULT 'unpriced'",
    **dict.fromkeys(("response_time", "status_code"), "integer"),
    **dict.fromkeys(("id", "model", "operation", "user_id"), "varchar NOT NULL"),
    "cost": "numeric(20,10)",
    **dict.fromkeys(
        (
            *("organization_id", "api_key_id", "series", "cost_reason", "error", "account_id", "project_id"),
            *("external_key_id", "external_user_id", "service_tier", "session"),
        ),
        "varchar",
    ),
    **dict.fromkeys(_DOCUMENTS, "jsonb DEFAULT '{}'"),
}
_NEW = {**_EIGHT, "price_id": "bigint", "access_token_id": "bigint", **_REST, "bill": "text"}
_OLD = {
    **_EIGHT,
    **_REST,
    **dict.fromkeys(("price_source", "price_version", "price_ref", "access_token_id"), "varchar"),
    "bill": "text DEFAULT ''",
}
# As guardian.models.shared and guardian.services.ledger.bills make them.
_ID = "CAST(CAST('x' || left(encode(sha256(convert_to({}, 'UTF8')), 'hex'), 16) AS bit(64)) AS bigint)"
_NAMED = "concat_ws(chr(31), coalesce(price_source, ''), coalesce(price_version, ''), coalesce(price_ref, ''), '')"
_PRICED = "coalesce(price_source, '') || coalesce(price_version, '') || coalesce(price_ref, '') <> ''"
# For each line of a price's rates, the quantity that the row's counts are.
_COUNTED = {
    "i": "input_tokens - " + " - ".join(f"coalesce({share}, 0)" for share in (*_SHARES[:5], *_SHARES[6::2])),
    "o": "output_tokens - "
    + " - ".join(f"coalesce({share}, 0)" for share in _SHARES[7::2])
    + " - CASE WHEN rates ~ '(^|;)t ' THEN coalesce(reasoning_tokens, 0) ELSE 0 END",
    **dict(zip(("r", "w", "w30", "w1", "w12", "t", "ai", "ao", "ii", "io", "vi", "vo"), _SHARES, strict=True)),
    "q": "coalesce(requests, 1)",
}
_LINES = f"""(
    SELECT coalesce(string_agg(concat_ws(' ', split_part(line, ' ', 1),
        CASE split_part(line, ' ', 1) {" ".join(f"WHEN '{code}' THEN {counted}" for code, counted in _COUNTED.items())} END,
        substr(line, 1 + position(' ' IN line))), ';' ORDER BY place), '')
    FROM string_to_table(nullif(rates, ''), ';') WITH ORDINALITY AS lines (line, place)
)"""  # noqa: S608  # made of our own names


def upgrade() -> None:
    # Of 342 bytes that the row of an event took, the names of its price and its bill were 76, gaps and empty
    # documents 32, its token 26.
    op.create_table(
        "shared_texts",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shared_texts"),
    )
    for text, which in ((_NAMED, _PRICED), ("access_token_id", "access_token_id IS NOT NULL")):
        op.execute(
            f"INSERT INTO shared_texts (id, text) SELECT {_ID.format('text')}, text "  # noqa: S608  # our own names
            f"FROM (SELECT DISTINCT {text} AS text FROM usage_logs WHERE {which}) AS found"
        )
    _rebuild(
        _NEW,
        "usage_logs",
        {
            **{name: f"nullif({name}, '{{}}')" for name in _DOCUMENTS},
            "requests": "CASE WHEN bucket_end IS NOT NULL OR requests <> 1 THEN requests END",
            "bill": "nullif(bill, '')",
            "price_id": f"CASE WHEN {_PRICED} THEN {_ID.format(_NAMED)} END",
            "access_token_id": _ID.format("access_token_id"),
        },
    )


def downgrade() -> None:
    names = {
        name: f"nullif(split_part(price.text, chr(31), {place}), '')"
        for place, name in enumerate(("price_source", "price_version", "price_ref"), start=1)
    }
    _rebuild(
        _OLD,
        "usage_logs LEFT JOIN shared_texts AS price ON price.id = price_id "
        "LEFT JOIN shared_texts AS token ON token.id = access_token_id "
        "CROSS JOIN LATERAL (SELECT split_part(price.text, chr(31), 4)) AS priced (rates)",
        {
            **{name: f"coalesce({name}, '{{}}')" for name in _DOCUMENTS},
            "id": "usage_logs.id",
            "requests": "coalesce(requests, CASE WHEN bucket_end IS NULL THEN 1 END)",
            "bill": f"coalesce(bill, {_LINES})",
            **names,
            "access_token_id": "token.text",
        },
    )
    op.drop_table("shared_texts")


def _rebuild(columns: dict[str, str], source: str, values: dict[str, str]) -> None:
    """Make usage_logs and its partitions anew with these columns; `source` is what each partition's rows are read from."""
    partitions = (
        op.get_bind()
        .execute(
            sa.text(
                "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid "
                "WHERE inhparent = 'usage_logs'::regclass ORDER BY 1"
            )
        )
        .all()
    )
    names = ", ".join(f'"{name}"' for name in columns)
    read = ", ".join(values.get(name, f'"{name}"') for name in columns)
    defined = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    for name in ("usage_logs", *(name for name, _ in partitions)):
        op.rename_table(name, f"old_{name}")
    op.execute(f"CREATE TABLE usage_logs ({defined}) PARTITION BY RANGE (timestamp)")
    for name, _ in partitions:
        op.execute(f"CREATE TABLE {name} (LIKE usage_logs INCLUDING ALL)")
        rows = source.replace("usage_logs", f"old_{name} AS usage_logs", 1)
        op.execute(f"INSERT INTO {name} ({names}) SELECT {read} FROM {rows}")  # noqa: S608  # our own names
    op.drop_table("old_usage_logs")
    for name, bounds in partitions:
        op.execute(f"ALTER TABLE usage_logs ATTACH PARTITION {name} {bounds}")
    op.create_primary_key("pk_usage_logs", "usage_logs", ["id", "timestamp"])
    for column, table, rule in (
        ("user_id", "users", "RESTRICT"),
        ("organization_id", "organizations", "SET NULL"),
        ("api_key_id", "api_keys", "SET NULL"),
    ):
        op.create_foreign_key(f"fk_usage_logs_{column}_{table}", "usage_logs", table, [column], ["id"], ondelete=rule)
    for index, where in (
        (("user_id", "provider", "timestamp"), None),
        (("organization_id", "timestamp"), None),
        (("organization_id", "session", "timestamp"), "session IS NOT NULL"),
        (("api_key_id",), "api_key_id IS NOT NULL"),
        (("access_token_id",), "access_token_id IS NOT NULL"),
    ):
        name = "ix_usage_logs_" + "_".join(index if "session" not in index else index[:2])
        op.create_index(name, "usage_logs", list(index), postgresql_where=where and sa.text(where))
    op.create_index(
        "ix_usage_logs_unpriced",
        "usage_logs",
        ["organization_id", "timestamp"],
        postgresql_where=sa.text("cost_source = 'unpriced'"),
    )
    op.create_index(
        "ix_usage_logs_tags",
        "usage_logs",
        ["tags"],
        postgresql_using="gin",
        postgresql_ops={"tags": "jsonb_path_ops"},
        postgresql_where=sa.text("tags <> '{}'::jsonb"),
    )
