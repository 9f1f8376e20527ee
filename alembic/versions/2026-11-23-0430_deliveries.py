"""deliveries: mails wait in the database, syncs count failures in a row, billed quantities may be large.

Revision ID: 6d2b90c1e7f4
Revises: b7e2d1c05f38
"""

import sqlalchemy as sa

from alembic import op

revision = "6d2b90c1e7f4"
down_revision = "b7e2d1c05f38"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("email_logs", sa.Column("attempts", sa.Integer(), server_default="0", nullable=False))
    op.add_column("email_logs", sa.Column("not_before", sa.DateTime(timezone=True), nullable=True))
    op.add_column("email_logs", sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("email_logs", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_email_logs_waiting",
        "email_logs",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('PENDING', 'SENDING')"),
    )
    op.add_column("sync_runs", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
    op.alter_column(
        "provider_costs", "quantity", type_=sa.Numeric(30, 10), existing_type=sa.Numeric(20, 10), existing_nullable=True
    )


def downgrade() -> None:
    # A quantity that does not fit is forgotten: it informs, and no amount depends on it.
    op.alter_column(
        "provider_costs",
        "quantity",
        type_=sa.Numeric(20, 10),
        existing_type=sa.Numeric(30, 10),
        existing_nullable=True,
        postgresql_using="CASE WHEN abs(quantity) < 1e10 THEN quantity END",
    )
    op.drop_column("sync_runs", "failures")
    op.drop_index("ix_email_logs_waiting", table_name="email_logs")
    for column in ("sent_at", "lease_until", "not_before", "attempts"):
        op.drop_column("email_logs", column)
