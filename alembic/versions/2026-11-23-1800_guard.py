"""the guard: states and targets of alerts, budgets that roll or are raised for a while, reports that recur.

Revision ID: 4c9d1e7f3a52
Revises: 7e2f9a60b8d4
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "4c9d1e7f3a52"
down_revision = "7e2f9a60b8d4"
branch_labels = None
depends_on = None

_CHANNELS, _NEW_CHANNELS = ("EMAIL", "SLACK", "WEBHOOK"), ("DISCORD", "TEAMS", "PAGERDUTY")
_OLD_STATES = ("OK", "WARNING", "TRIGGERED", "ACKNOWLEDGED", "SNOOZED", "NO_DATA")
_CHANNEL = postgresql.ENUM(name="notification_channel", create_type=False)
_STATE = postgresql.ENUM(name="alert_state", create_type=False)
_NO_DATA = postgresql.ENUM(name="no_data_rule", create_type=False)
_STATES = ("ok", "pending", "firing", "acknowledged", "snoozed", "recovered", "no_data")


def upgrade() -> None:
    _values("notification_channel", (*_CHANNELS, *_NEW_CHANNELS), ("alert_notifications", "channel", None))
    to_new = "CASE state::text WHEN 'WARNING' THEN 'pending' WHEN 'TRIGGERED' THEN 'firing' ELSE lower(state::text) END"
    _values("alert_state", _STATES, ("alerts", "state", "ok"), using=to_new)
    op.execute("CREATE TYPE no_data_rule AS ENUM ('keep', 'ok', 'notify')")
    _add()


def downgrade() -> None:
    _remove()
    op.execute("DROP TYPE no_data_rule")
    to_old = (
        "CASE state::text WHEN 'pending' THEN 'WARNING' WHEN 'firing' THEN 'TRIGGERED' WHEN 'recovered' THEN 'OK' "
        "ELSE upper(state::text) END"
    )
    _values("alert_state", _OLD_STATES, ("alerts", "state", "OK"), using=to_old)
    op.execute(f"DELETE FROM alert_notifications WHERE channel IN {_NEW_CHANNELS}")  # noqa: S608
    _values("notification_channel", _CHANNELS, ("alert_notifications", "channel", None))


def _add() -> None:
    op.create_table(
        "notification_targets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("kind", _CHANNEL, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("encrypted_config", sa.String(), nullable=False),
        sa.Column("iv", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("hint", sa.String(), server_default="", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("disabled_reason", sa.String(), nullable=True),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failure_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column(
            "metadata", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_notification_targets_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_targets")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_notification_targets_organization_id_name")),
    )
    op.create_table(
        "alert_groups",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("group_key", sa.String(), server_default="", nullable=False),
        sa.Column("state", _STATE, server_default="ok", nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("transitions", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("value", sa.Numeric(precision=20, scale=10), nullable=True),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by_id", sa.String(), nullable=True),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["acknowledged_by_id"],
            ["users.id"],
            name=op.f("fk_alert_groups_acknowledged_by_id_users"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name=op.f("fk_alert_groups_alert_id_alerts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_groups")),
        sa.UniqueConstraint("alert_id", "group_key", name=op.f("uq_alert_groups_alert_id_group_key")),
    )
    op.create_table(
        "alert_transitions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("group_key", sa.String(), server_default="", nullable=False),
        sa.Column("number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("from_state", _STATE, nullable=False),
        sa.Column("to_state", _STATE, nullable=False),
        sa.Column("value", sa.Numeric(precision=20, scale=10), nullable=True),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column(
            "notice", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name=op.f("fk_alert_transitions_alert_id_alerts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_alert_transitions_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_alert_transitions_user_id_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_transitions")),
        sa.UniqueConstraint(
            "alert_id", "group_key", "number", name=op.f("uq_alert_transitions_alert_id_group_key_number")
        ),
    )
    op.create_index(
        "ix_alert_transitions_organization_id_created_at",
        "alert_transitions",
        ["organization_id", "created_at"],
        unique=False,
    )
    op.add_column("alert_notifications", sa.Column("organization_id", sa.String(), nullable=True))
    op.add_column("alert_notifications", sa.Column("target", sa.String(), server_default="", nullable=False))
    op.add_column(
        "alert_notifications",
        sa.Column(
            "attempts_made",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
        ),
    )
    op.add_column("alert_notifications", sa.Column("not_before", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint(
        op.f("uq_alert_notifications_alert_id_transition_channel"), "alert_notifications", type_="unique"
    )
    op.create_index(
        op.f("ix_alert_notifications_organization_id"), "alert_notifications", ["organization_id"], unique=False
    )
    op.create_index(
        "ix_alert_notifications_waiting",
        "alert_notifications",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('PENDING', 'SENDING')"),
    )
    op.create_unique_constraint(
        op.f("uq_alert_notifications_alert_id_transition_channel_target"),
        "alert_notifications",
        ["alert_id", "transition", "channel", "target"],
    )
    op.create_foreign_key(
        op.f("fk_alert_notifications_organization_id_organizations"),
        "alert_notifications",
        "organizations",
        ["organization_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.add_column("alerts", sa.Column("metric", sa.String(), nullable=True))
    op.add_column(
        "alerts",
        sa.Column(
            "scope", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=True
        ),
    )
    op.add_column("alerts", sa.Column("group_by", sa.String(), nullable=True))
    op.add_column("alerts", sa.Column("window", sa.String(), server_default="1d", nullable=False))
    op.add_column("alerts", sa.Column("min_requests", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("alerts", sa.Column("recover_threshold", sa.Numeric(precision=10, scale=2), nullable=True))
    op.add_column("alerts", sa.Column("pending_minutes", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("alerts", sa.Column("renotify_minutes", sa.BigInteger(), nullable=True))
    op.add_column("alerts", sa.Column("no_data", _NO_DATA, server_default="keep", nullable=False))
    op.add_column(
        "alerts",
        sa.Column(
            "channel_ids", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=True
        ),
    )
    op.add_column(
        "alerts",
        sa.Column(
            "webhook_secrets",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
        ),
    )
    op.add_column("budgets", sa.Column("rolling_days", sa.Integer(), nullable=True))
    op.add_column("budgets", sa.Column("raised_limit", sa.Numeric(precision=20, scale=10), nullable=True))
    op.add_column("budgets", sa.Column("raised_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("budgets", sa.Column("raise_reason", sa.String(), nullable=True))
    op.add_column("budgets", sa.Column("raised_by_id", sa.String(), nullable=True))
    op.create_foreign_key(
        op.f("fk_budgets_raised_by_id_users"), "budgets", "users", ["raised_by_id"], ["id"], ondelete="SET NULL"
    )
    op.add_column("email_logs", sa.Column("kind", sa.String(), server_default="", nullable=False))
    op.add_column("reports", sa.Column("kind", sa.String(), server_default="custom", nullable=False))
    op.add_column("reports", sa.Column("scope", sa.String(), server_default="", nullable=False))
    op.create_index(
        "uq_reports_recurring",
        "reports",
        ["organization_id", "kind", "scope", "period_start"],
        unique=True,
        postgresql_where=sa.text("kind <> 'custom'"),
    )


def _remove() -> None:
    op.drop_index("uq_reports_recurring", table_name="reports", postgresql_where=sa.text("kind <> 'custom'"))
    op.drop_column("reports", "scope")
    op.drop_column("reports", "kind")
    op.drop_column("email_logs", "kind")
    op.drop_constraint(op.f("fk_budgets_raised_by_id_users"), "budgets", type_="foreignkey")
    op.drop_column("budgets", "raised_by_id")
    op.drop_column("budgets", "raise_reason")
    op.drop_column("budgets", "raised_until")
    op.drop_column("budgets", "raised_limit")
    op.drop_column("budgets", "rolling_days")
    op.drop_column("alerts", "webhook_secrets")
    op.drop_column("alerts", "channel_ids")
    op.drop_column("alerts", "no_data")
    op.drop_column("alerts", "renotify_minutes")
    op.drop_column("alerts", "pending_minutes")
    op.drop_column("alerts", "recover_threshold")
    op.drop_column("alerts", "min_requests")
    op.drop_column("alerts", "window")
    op.drop_column("alerts", "group_by")
    op.drop_column("alerts", "scope")
    op.drop_column("alerts", "metric")
    op.drop_constraint(
        op.f("fk_alert_notifications_organization_id_organizations"), "alert_notifications", type_="foreignkey"
    )
    op.drop_constraint(
        op.f("uq_alert_notifications_alert_id_transition_channel_target"), "alert_notifications", type_="unique"
    )
    op.drop_index(
        "ix_alert_notifications_waiting",
        table_name="alert_notifications",
        postgresql_where=sa.text("status IN ('PENDING', 'SENDING')"),
    )
    op.drop_index(op.f("ix_alert_notifications_organization_id"), table_name="alert_notifications")
    op.create_unique_constraint(
        op.f("uq_alert_notifications_alert_id_transition_channel"),
        "alert_notifications",
        ["alert_id", "transition", "channel"],
        postgresql_nulls_not_distinct=False,
    )
    op.drop_column("alert_notifications", "not_before")
    op.drop_column("alert_notifications", "attempts_made")
    op.drop_column("alert_notifications", "target")
    op.drop_column("alert_notifications", "organization_id")
    op.drop_index("ix_alert_transitions_organization_id_created_at", table_name="alert_transitions")
    op.drop_table("alert_transitions")
    op.drop_table("alert_groups")
    op.drop_table("notification_targets")


def _values(enum: str, values: tuple[str, ...], where: tuple[str, str, str | None], using: str | None = None) -> None:
    """Make the enum anew with those values, and change the column that has it."""
    table, column, default = where
    op.execute(f"ALTER TYPE {enum} RENAME TO {enum}_before")
    op.execute(f"CREATE TYPE {enum} AS ENUM {values}")
    if default is not None:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT")
    words = using or f"{column}::text"
    op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {enum} USING CAST({words} AS {enum})")
    if default is not None:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT '{default}'")
    op.execute(f"DROP TYPE {enum}_before")
