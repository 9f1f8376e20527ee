"""usage rows: a bill is a short text, shares that are zero take no room, and the index of tokens has no time.

Revision ID: 7e2f9a60b8d4
Revises: 5b1e8c47d0a6
"""

import sqlalchemy as sa

from alembic import op

revision = "7e2f9a60b8d4"
down_revision = "5b1e8c47d0a6"
branch_labels = None
depends_on = None

_SHARES = (
    *("cache_read_tokens", "cache_write_5m_tokens", "cache_write_30m_tokens", "cache_write_1h_tokens"),
    *("cache_write_12h_tokens", "reasoning_tokens", "audio_input_tokens", "audio_output_tokens"),
    *("image_input_tokens", "image_output_tokens", "video_input_tokens", "video_output_tokens"),
)
# As guardian.models.bills has them now.
_CODES = {
    "uncached_input_tokens": "i",
    "output_tokens": "o",
    "cache_read_tokens": "r",
    "cache_write_5m_tokens": "w",
    "cache_write_30m_tokens": "w30",
    "cache_write_1h_tokens": "w1",
    "cache_write_12h_tokens": "w12",
    "reasoning_tokens": "t",
    "audio_input_tokens": "ai",
    "audio_output_tokens": "ao",
    "image_input_tokens": "ii",
    "image_output_tokens": "io",
    "video_input_tokens": "vi",
    "video_output_tokens": "vo",
    "cache_read_audio_tokens": "ra",
    "cache_read_image_tokens": "ri",
    "provider_cost": "c",
    "requests": "q",
    "web_search_requests": "s",
}
_TO_CODE = " ".join(f"WHEN '{unit}' THEN '{code}'" for unit, code in _CODES.items())
_TO_UNIT = " ".join(f"WHEN '{code}' THEN '{unit}'" for unit, code in _CODES.items())

_PACKED = rf"""
CREATE FUNCTION packed_bill(bill jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat_ws(' ',
        CASE unit {_TO_CODE} ELSE '=' || (
            SELECT coalesce(string_agg(
                CASE WHEN letter ~ '^[A-Za-z0-9_]$' THEN letter
                ELSE upper(regexp_replace(encode(convert_to(letter, 'UTF8'), 'hex'), '(..)', '%\1', 'g')) END,
                '' ORDER BY at), '')
            FROM string_to_table(unit, NULL) WITH ORDINALITY AS letters (letter, at)
        ) END,
        trim_scale(quantity), trim_scale(price),
        CASE WHEN multiplier <> 1 OR amount <> quantity * price * multiplier THEN trim_scale(multiplier) END,
        CASE WHEN amount <> quantity * price * multiplier THEN trim_scale(amount) END
    ), ';' ORDER BY place), '')
    FROM jsonb_array_elements(bill) WITH ORDINALITY AS lines (line, place)
    CROSS JOIN LATERAL (SELECT
        line->>'unit' AS unit, CAST(line->>'quantity' AS numeric) AS quantity,
        CAST(line->>'unit_price' AS numeric) AS price, CAST(line->>'multiplier' AS numeric) AS multiplier,
        CAST(line->>'amount' AS numeric) AS amount
    ) AS parts
$$
"""  # noqa: S608  # made of our own names
_UNPACKED = rf"""
CREATE FUNCTION unpacked_bill(bill text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'unit', CASE code {_TO_UNIT} ELSE (
            SELECT coalesce(convert_from(string_agg(
                CASE WHEN part[1] LIKE '\%%' THEN decode(substr(part[1], 2), 'hex') ELSE convert_to(part[1], 'UTF8') END,
                CAST('' AS bytea) ORDER BY at), 'UTF8'), '')
            FROM regexp_matches(substr(code, 2), '%..|.', 'g') WITH ORDINALITY AS found (part, at)
        ) END,
        'quantity', CAST(trim_scale(quantity) AS text), 'unit_price', CAST(trim_scale(price) AS text),
        'multiplier', CAST(trim_scale(multiplier) AS text),
        'amount', CAST(trim_scale(coalesce(amount, quantity * price * multiplier)) AS text)
    ) ORDER BY place), '[]')
    FROM string_to_table(nullif(bill, ''), ';') WITH ORDINALITY AS lines (line, place)
    CROSS JOIN LATERAL (SELECT
        split_part(line, ' ', 1) AS code, CAST(split_part(line, ' ', 2) AS numeric) AS quantity,
        CAST(split_part(line, ' ', 3) AS numeric) AS price,
        coalesce(CAST(nullif(split_part(line, ' ', 4), '') AS numeric), 1) AS multiplier,
        CAST(nullif(split_part(line, ' ', 5), '') AS numeric) AS amount
    ) AS parts
$$
"""  # noqa: S608  # made of our own names


def upgrade() -> None:
    # Of 1,150 bytes that a row of an event took, bill and zeros were 470, and the index of tokens 60 to 100.
    _convert("text", _PACKED, "packed_bill", "''")
    for share in _SHARES:
        op.alter_column("usage_logs", share, existing_type=sa.BigInteger(), nullable=True, server_default=None)
    op.drop_index("ix_usage_logs_access_token_id_timestamp", table_name="usage_logs")
    op.create_index(
        "ix_usage_logs_access_token_id",
        "usage_logs",
        ["access_token_id"],
        postgresql_where=sa.text("access_token_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_usage_logs_access_token_id", table_name="usage_logs")
    op.create_index(
        "ix_usage_logs_access_token_id_timestamp",
        "usage_logs",
        ["access_token_id", "timestamp"],
        postgresql_where=sa.text("access_token_id IS NOT NULL"),
    )
    op.execute(
        f"UPDATE usage_logs SET {', '.join(f'{share} = coalesce({share}, 0)' for share in _SHARES)} "  # noqa: S608
        f"WHERE ({' + '.join(_SHARES)}) IS NULL"
    )
    for share in _SHARES:
        op.alter_column("usage_logs", share, existing_type=sa.BigInteger(), nullable=False, server_default="0")
    _convert("jsonb", _UNPACKED, "unpacked_bill", "'[]'::jsonb")


def _convert(kind: str, function: str, name: str, default: str) -> None:
    op.execute(function)
    op.execute("ALTER TABLE usage_logs ALTER COLUMN bill DROP DEFAULT")
    op.execute(f"ALTER TABLE usage_logs ALTER COLUMN bill TYPE {kind} USING {name}(bill)")
    op.execute(f"ALTER TABLE usage_logs ALTER COLUMN bill SET DEFAULT {default}")
    op.execute(f"DROP FUNCTION {name}")
