"""books explained: re-pricing, closed months, exchange rates, imports, saved views, video tokens, balances.

Revision ID: 0a2e6a281753
Revises: 0f7c3a9e51d2
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0a2e6a281753"
down_revision = "0f7c3a9e51d2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "closed_months",
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_by_id", sa.String(), nullable=True),
        sa.Column("spend", sa.Numeric(precision=20, scale=10), nullable=False),
        sa.Column("tracked", sa.Numeric(precision=20, scale=10), nullable=True),
        sa.Column("reported", sa.Numeric(precision=20, scale=10), nullable=True),
        sa.Column("billed", sa.Numeric(precision=20, scale=10), nullable=True),
        sa.Column(
            "lines", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=True
        ),
        sa.Column("note", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["closed_by_id"], ["users.id"], name=op.f("fk_closed_months_closed_by_id_users"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_closed_months_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "month", name=op.f("pk_closed_months")),
    )
    op.create_table(
        "exchange_rates",
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("per_dollar", sa.Numeric(precision=20, scale=10), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("created_by_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name=op.f("fk_exchange_rates_created_by_id_users"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_exchange_rates_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "currency", "day", name=op.f("pk_exchange_rates")),
    )
    op.create_table(
        "import_runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=True),
        sa.Column(
            "status",
            sa.Enum("running", "finished", "failed", name="import_status"),
            server_default="running",
            nullable=False,
        ),
        sa.Column("bytes_total", sa.BigInteger(), nullable=True),
        sa.Column("bytes_read", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_read", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_added", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_duplicate", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_skipped", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_refused", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "errors", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=True
        ),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_import_runs_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_import_runs_user_id_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_runs")),
    )
    op.create_index(
        "ix_import_runs_organization_id_created_at", "import_runs", ["organization_id", "created_at"], unique=False
    )
    op.create_table(
        "reprice_runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("requested_by_id", sa.String(), nullable=True),
        sa.Column(
            "status",
            sa.Enum("queued", "running", "finished", "applied", "undone", "failed", name="reprice_status"),
            server_default="queued",
            nullable=False,
        ),
        sa.Column("dry_run", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider", postgresql.ENUM(name="provider", create_type=False), nullable=True),
        sa.Column("model_pattern", sa.String(), nullable=True),
        sa.Column("price_version", sa.String(), nullable=True),
        sa.Column("rows_read", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cost_before", sa.Numeric(precision=20, scale=10), server_default="0", nullable=False),
        sa.Column("cost_after", sa.Numeric(precision=20, scale=10), server_default="0", nullable=False),
        sa.Column("unpriced_before", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unpriced_after", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "summary", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=True
        ),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_reprice_runs_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_id"], ["users.id"], name=op.f("fk_reprice_runs_requested_by_id_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reprice_runs")),
    )
    op.create_index(
        "ix_reprice_runs_organization_id_created_at", "reprice_runs", ["organization_id", "created_at"], unique=False
    )
    op.create_table(
        "saved_views",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("shared", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_saved_views_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_saved_views_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
    )
    op.create_index("ix_saved_views_organization_id_page", "saved_views", ["organization_id", "page"], unique=False)
    op.create_table(
        "reprice_changes",
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("usage_id", sa.String(), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "before", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=True
        ),
        sa.Column(
            "after", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_reprice_changes_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["reprice_runs.id"], name=op.f("fk_reprice_changes_run_id_reprice_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "run_id", "usage_id", name=op.f("pk_reprice_changes")),
    )
    op.add_column("provider_accounts", sa.Column("balance", sa.Numeric(precision=20, scale=10), nullable=True))
    op.add_column("provider_accounts", sa.Column("balance_currency", sa.String(), nullable=True))
    op.add_column("provider_accounts", sa.Column("balance_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("usage_logs", sa.Column("video_input_tokens", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("usage_logs", sa.Column("video_output_tokens", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index(
        "ix_usage_logs_organization_id_session",
        "usage_logs",
        ["organization_id", "session", "timestamp"],
        unique=False,
        postgresql_where=sa.text("session IS NOT NULL"),
    )
    op.create_index(
        "ix_usage_logs_tags",
        "usage_logs",
        ["tags"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"tags": "jsonb_path_ops"},
        postgresql_where=sa.text("tags <> '{}'::jsonb"),
    )
    op.add_column("usage_rollups", sa.Column("video_input_tokens", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column(
        "usage_rollups", sa.Column("video_output_tokens", sa.BigInteger(), server_default="0", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("usage_rollups", "video_output_tokens")
    op.drop_column("usage_rollups", "video_input_tokens")
    op.drop_index(
        "ix_usage_logs_tags",
        table_name="usage_logs",
        postgresql_using="gin",
        postgresql_ops={"tags": "jsonb_path_ops"},
        postgresql_where=sa.text("tags <> '{}'::jsonb"),
    )
    op.drop_index(
        "ix_usage_logs_organization_id_session",
        table_name="usage_logs",
        postgresql_where=sa.text("session IS NOT NULL"),
    )
    op.drop_column("usage_logs", "video_output_tokens")
    op.drop_column("usage_logs", "video_input_tokens")
    op.drop_column("provider_accounts", "balance_at")
    op.drop_column("provider_accounts", "balance_currency")
    op.drop_column("provider_accounts", "balance")
    op.drop_table("reprice_changes")
    op.drop_index("ix_saved_views_organization_id_page", table_name="saved_views")
    op.drop_table("saved_views")
    op.drop_index("ix_reprice_runs_organization_id_created_at", table_name="reprice_runs")
    op.drop_table("reprice_runs")
    op.drop_index("ix_import_runs_organization_id_created_at", table_name="import_runs")
    op.drop_table("import_runs")
    op.drop_table("exchange_rates")
    op.drop_table("closed_months")
    op.execute("DROP TYPE reprice_status")
    op.execute("DROP TYPE import_status")
