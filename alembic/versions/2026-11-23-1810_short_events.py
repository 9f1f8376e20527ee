"""known events: 96 bits of the hash of a name and 32 of its content instead of 128 and 64, and an index of 64.

Revision ID: c41d7b05e9f3
Revises: 4c9d1e7f3a52
"""

import sqlalchemy as sa

from alembic import op

revision = "c41d7b05e9f3"
down_revision = "4c9d1e7f3a52"
branch_labels = None
depends_on = None

_BITS = "CAST('x' || replace(CAST(key AS text), '-', '') AS bit(128))"


def upgrade() -> None:
    # Of 92 bytes that an event took, the wider hashes and their index were 20.
    op.create_table(
        "short_events",
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("rest", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Integer(), nullable=False),
    )
    op.execute(f"""
        INSERT INTO short_events (key, rest, fingerprint)
        SELECT DISTINCT ON (1) CAST(substring({_BITS} FROM 1 FOR 64) AS bigint), CAST(substring({_BITS} FROM 65 FOR 32) AS integer),
            CAST(substring(CAST(fingerprint AS bit(64)) FROM 33) AS integer)
        FROM known_events ORDER BY 1
    """)  # noqa: S608  # made of our own names
    op.drop_table("known_events")
    op.rename_table("short_events", "known_events")
    op.create_primary_key("pk_known_events", "known_events", ["key"])


def downgrade() -> None:
    """The 32 bits of a name that are not kept stay zero: an event that is told again is still no second call, since its
    row is there; only under another time than before it would be one.
    """
    op.create_table(
        "long_events",
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), nullable=False),
    )
    op.execute("""
        INSERT INTO long_events (key, fingerprint)
        SELECT CAST(encode(int8send(key) || int4send(rest) || int4send(0), 'hex') AS uuid), fingerprint
        FROM known_events
    """)
    op.drop_table("known_events")
    op.rename_table("long_events", "known_events")
    op.create_primary_key("pk_known_events", "known_events", ["key"])
