"""self-hosted plans: organizations from before there were plans to buy have all of the product, and keep it.

Revision ID: 4d9a61c7f0b2
Revises: e939ef568793
"""

from alembic import op

revision = "4d9a61c7f0b2"
down_revision = "e939ef568793"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE organizations SET plan = 'ENTERPRISE' WHERE plan = 'FREE' AND stripe_customer_id IS NULL")


def downgrade() -> None:
    op.execute("UPDATE organizations SET plan = 'FREE' WHERE plan = 'ENTERPRISE' AND stripe_customer_id IS NULL")
