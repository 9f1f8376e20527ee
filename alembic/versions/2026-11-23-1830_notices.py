"""notices: when a message was last tried, which one carried it in a flood, and the mail that it became.

Revision ID: 7d20b9a4c6f1
Revises: c41d7b05e9f3
"""

import sqlalchemy as sa

from alembic import op

revision = "7d20b9a4c6f1"
down_revision = "c41d7b05e9f3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alert_notifications", sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("alert_notifications", sa.Column("digest", sa.String(), nullable=True))
    op.add_column("alert_notifications", sa.Column("email_id", sa.String(), nullable=True))
    op.create_index("ix_alert_notifications_target_tried_at", "alert_notifications", ["target", "tried_at"])
    op.create_index(
        "ix_alert_notifications_email_id",
        "alert_notifications",
        ["email_id"],
        postgresql_where=sa.text("email_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_alert_notifications_email_id", "alert_notifications")
    op.drop_index("ix_alert_notifications_target_tried_at", "alert_notifications")
    for name in ("email_id", "digest", "tried_at"):
        op.drop_column("alert_notifications", name)
