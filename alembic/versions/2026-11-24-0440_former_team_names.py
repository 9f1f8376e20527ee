"""The names that a team had: its budgets and alerts go on counting what is told under them.

Revision ID: 3e8d51c7a9f2
Revises: 9c24f7e1b3d0
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "3e8d51c7a9f2"
down_revision: str | None = "9c24f7e1b3d0"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    former = sa.Column("former_names", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
    op.add_column("teams", former)


def downgrade() -> None:
    op.drop_column("teams", "former_names")
