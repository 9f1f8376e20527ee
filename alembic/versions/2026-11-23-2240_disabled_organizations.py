"""Organizations that who runs the installation has disabled, with the reason.

Revision ID: 9c24f7e1b3d0
Revises: 7b1c5e0d92aa
"""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "9c24f7e1b3d0"
down_revision: str | None = "7b1c5e0d92aa"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("organizations", sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("organizations", sa.Column("disabled_reason", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("organizations", "disabled_reason")
    op.drop_column("organizations", "disabled_at")
