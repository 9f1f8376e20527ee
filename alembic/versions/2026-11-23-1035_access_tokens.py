"""access tokens: what each may call and how often; which token a call came with.

Revision ID: c41d7e02b95a
Revises: 8f2a6c91d3b7
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "c41d7e02b95a"
down_revision = "8f2a6c91d3b7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("access_tokens", _list("allowed_providers"))
    op.add_column("access_tokens", _list("allowed_models"))
    op.add_column("access_tokens", sa.Column("requests_per_minute", sa.BigInteger(), nullable=True))
    op.add_column("access_tokens", sa.Column("tokens_per_minute", sa.BigInteger(), nullable=True))
    op.add_column("usage_logs", sa.Column("access_token_id", sa.String(), nullable=True))
    # Partial: rows that were reported or imported have no token, and the index is free for them.
    op.create_index(
        "ix_usage_logs_access_token_id_timestamp",
        "usage_logs",
        ["access_token_id", "timestamp"],
        postgresql_where=sa.text("access_token_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_usage_logs_access_token_id_timestamp", table_name="usage_logs")
    op.drop_column("usage_logs", "access_token_id")
    for name in ("tokens_per_minute", "requests_per_minute", "allowed_models", "allowed_providers"):
        op.drop_column("access_tokens", name)


def _list(name: str) -> sa.Column[list[str]]:
    return sa.Column(
        name, postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
    )
