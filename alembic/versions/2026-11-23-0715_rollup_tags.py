"""rollup tags: team and feature become dimensions of the rollups.

Every row stored until now came from a provider's report and has no tags, so that no stored rollup changes.

Revision ID: 5d1e8b7c40a9
Revises: 0a2e6a281753
"""

import sqlalchemy as sa

from alembic import op

revision = "5d1e8b7c40a9"
down_revision = "0a2e6a281753"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("usage_rollups", sa.Column("team", sa.String(), nullable=True))
    op.add_column("usage_rollups", sa.Column("feature", sa.String(), nullable=True))


def downgrade() -> None:
    # Rollups that differ by these alone would stand side by side and still add up.
    op.drop_column("usage_rollups", "feature")
    op.drop_column("usage_rollups", "team")
