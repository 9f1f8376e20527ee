"""report notices: a message to a channel may be about a report instead of an alert.

Revision ID: 3d9a6b41e8c7
Revises: 6f1c83b2ad57
"""

import sqlalchemy as sa

from alembic import op

revision = "3d9a6b41e8c7"
down_revision = "6f1c83b2ad57"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("alert_notifications", "alert_id", nullable=True)
    op.add_column("alert_notifications", sa.Column("report_id", sa.String(), nullable=True))
    op.create_foreign_key(
        op.f("fk_alert_notifications_report_id_reports"),
        "alert_notifications",
        "reports",
        ["report_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index(
        "uq_alert_notifications_report",
        "alert_notifications",
        ["report_id", "target"],
        unique=True,
        postgresql_where=sa.text("report_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("DELETE FROM alert_notifications WHERE alert_id IS NULL")
    op.drop_index("uq_alert_notifications_report", table_name="alert_notifications")
    op.drop_constraint(op.f("fk_alert_notifications_report_id_reports"), "alert_notifications", type_="foreignkey")
    op.drop_column("alert_notifications", "report_id")
    op.alter_column("alert_notifications", "alert_id", nullable=False)
