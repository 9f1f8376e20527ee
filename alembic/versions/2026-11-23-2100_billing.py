"""billing: what a subscription costs, since when a payment is owed, when Stripe was asked, which invoices were mailed.

Revision ID: b7e20d5c91fa
Revises: 4d9a61c7f0b2
"""

import sqlalchemy as sa

from alembic import op

revision = "b7e20d5c91fa"
down_revision = "4d9a61c7f0b2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("currency", sa.String(), nullable=True))
    op.add_column("subscriptions", sa.Column("amount", sa.Numeric(20, 10), nullable=True))
    op.add_column("subscriptions", sa.Column("past_due_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("subscriptions", sa.Column("read_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_subscriptions_read_at"), "subscriptions", ["read_at"], unique=False)
    op.add_column("invoices", sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("invoices", "mailed_at")
    op.drop_index(op.f("ix_subscriptions_read_at"), table_name="subscriptions")
    op.drop_column("subscriptions", "read_at")
    op.drop_column("subscriptions", "past_due_since")
    op.drop_column("subscriptions", "amount")
    op.drop_column("subscriptions", "currency")
