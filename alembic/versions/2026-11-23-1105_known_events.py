"""events of senders: each is known by its id, whatever time it is told with.

Revision ID: 5b1e8c47d0a6
Revises: d90f3b6e17c2
"""

import sqlalchemy as sa

from alembic import op

revision = "5b1e8c47d0a6"
down_revision = "d90f3b6e17c2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_events",
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_known_events"),
    )


def downgrade() -> None:
    op.drop_table("known_events")
