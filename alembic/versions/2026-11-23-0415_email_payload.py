"""what a queued mail says.

Revision ID: b7e2d1c05f38
Revises: 4c1f0a7d92be
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "b7e2d1c05f38"
down_revision = "4c1f0a7d92be"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "email_logs", sa.Column("payload", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("email_logs", "payload")
