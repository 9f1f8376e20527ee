"""days: sums of whole days, kept by a job; what uses a key of the vault is found without reading every month.

The tables are empty until the job has been there: everything is read from the rollups until then, as before.

Revision ID: 8f2a6c91d3b7
Revises: 5d1e8b7c40a9
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "8f2a6c91d3b7"
down_revision = "5d1e8b7c40a9"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "usage_days",
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("accounts", sa.ARRAY(sa.String()), nullable=False),
        sa.Column(
            "hidden", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=True
        ),
        sa.Column("version", sa.String(), nullable=False),
        _organization("usage_days"),
        sa.PrimaryKeyConstraint("organization_id", "start", name=op.f("pk_usage_days")),
    )
    op.create_table(
        "usage_changes",
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        _organization("usage_changes"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_usage_changes")),
    )
    op.create_index("ix_usage_changes_organization_id_hour", "usage_changes", ["organization_id", "hour"])
    op.create_table(
        "usage_cells",
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("cut", sa.SmallInteger(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("a", sa.String(), nullable=True),
        sa.Column("b", sa.String(), nullable=True),
        sa.Column("more", sa.ARRAY(sa.String()), nullable=True),
        sa.Column("cost", sa.Numeric(precision=20, scale=10), nullable=False),
        sa.Column("estimated_cost", sa.Numeric(precision=20, scale=10), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_read_tokens", sa.BigInteger(), nullable=False),
        sa.Column("unpriced_rows", sa.BigInteger(), nullable=False),
        sa.Column("unpriced_tokens", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        _organization("usage_cells"),
    )
    op.create_index("ix_usage_cells_organization_id_cut_start", "usage_cells", ["organization_id", "cut", "start"])
    op.create_index(
        "ix_usage_cells_a",
        "usage_cells",
        ["organization_id", "cut", "a", "start"],
        postgresql_where=sa.text("more IS NULL"),
    )
    op.create_index(
        "ix_usage_cells_b",
        "usage_cells",
        ["organization_id", "cut", "b", "start"],
        postgresql_where=sa.text("more IS NULL AND b IS NOT NULL"),
    )
    # A key is deleted in 13 months of ten million rows without reading those of other keys.
    op.create_index(
        "ix_usage_logs_api_key_id",
        "usage_logs",
        ["api_key_id"],
        postgresql_where=sa.text("api_key_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_usage_logs_api_key_id", table_name="usage_logs")
    op.drop_table("usage_cells")
    op.drop_table("usage_changes")
    op.drop_table("usage_days")


def _organization(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id"],
        ["organizations.id"],
        name=op.f(f"fk_{table}_organization_id_organizations"),
        ondelete="CASCADE",
    )
