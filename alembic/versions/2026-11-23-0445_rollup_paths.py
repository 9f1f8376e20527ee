"""rollup paths: where the tracked book begins is one look, and grouping by many dimensions is planned as it is.

Revision ID: 0f7c3a9e51d2
Revises: 6d2b90c1e7f4
"""

import sqlalchemy as sa

from alembic import op

revision = "0f7c3a9e51d2"
down_revision = "6d2b90c1e7f4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without it, an organization that only syncs would read all of its rollups to learn that nothing was tracked.
    op.create_index(
        "ix_usage_rollups_tracked",
        "usage_rollups",
        ["organization_id", "hour"],
        unique=False,
        postgresql_where=sa.text("origin <> 'sync'"),
    )
    # The planner multiplies the dimensions as if they were independent, and then sorts 30,000 rows that it takes for as
    # many groups (43 ms) where it should hash them into 400 (21 ms).
    op.execute(
        "CREATE STATISTICS st_usage_rollups_dimensions (ndistinct) "
        "ON provider, model, operation, project_id, external_key_id, service_tier FROM usage_rollups"
    )


def downgrade() -> None:
    op.execute("DROP STATISTICS st_usage_rollups_dimensions")
    op.drop_index("ix_usage_rollups_tracked", table_name="usage_rollups")
