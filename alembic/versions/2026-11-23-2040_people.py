"""people: teams, the billing role, second factors, impersonation, repeated requests, and what Stripe has told.

Revision ID: e939ef568793
Revises: 8d35f0c2a7be
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "e939ef568793"
down_revision = "8d35f0c2a7be"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TYPE team_role ADD VALUE IF NOT EXISTS 'BILLING'")
    op.create_table(
        "stripe_events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_events")),
    )
    op.create_index(op.f("ix_stripe_events_taken_at"), "stripe_events", ["taken_at"], unique=False)
    op.create_table(
        "teams",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "default_tags",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_teams_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_teams_organization_id_name")),
    )
    # Names that people were given before there were teams.
    op.execute(
        "INSERT INTO teams (id, organization_id, name) "
        "SELECT DISTINCT ON (organization_id, team) 'c' || substr(md5(organization_id || team), 1, 24), organization_id, team "
        "FROM team_members WHERE team IS NOT NULL"
    )
    op.create_table(
        "idempotent_requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_idempotent_requests_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_idempotent_requests_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotent_requests")),
        sa.UniqueConstraint(
            "organization_id", "user_id", "key", name=op.f("uq_idempotent_requests_organization_id_user_id_key")
        ),
    )
    op.create_index(op.f("ix_idempotent_requests_created_at"), "idempotent_requests", ["created_at"], unique=False)
    op.create_index(op.f("ix_idempotent_requests_user_id"), "idempotent_requests", ["user_id"], unique=False)
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("encrypted_secret", sa.String(), nullable=False),
        sa.Column("iv", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("encryption_key_id", sa.String(), nullable=True),
        sa.Column(
            "recovery_hashes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_second_factors_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factors")),
    )
    op.add_column("access_tokens", sa.Column("team", sa.String(), nullable=True))
    op.create_foreign_key(
        op.f("fk_access_tokens_organization_id_team_teams"),
        "access_tokens",
        "teams",
        ["organization_id", "team"],
        ["organization_id", "name"],
        onupdate="CASCADE",
        ondelete="SET NULL (team)",
    )
    op.add_column("accounts", sa.Column("email", sa.String(), nullable=True))
    op.add_column("accounts", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("invitations", sa.Column("team", sa.String(), nullable=True))
    op.add_column(
        "invitations", sa.Column("sent_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    )
    op.create_foreign_key(
        op.f("fk_invitations_organization_id_team_teams"),
        "invitations",
        "teams",
        ["organization_id", "team"],
        ["organization_id", "name"],
        onupdate="CASCADE",
        ondelete="SET NULL (team)",
    )
    op.add_column("sessions", sa.Column("method", sa.String(), server_default="password", nullable=False))
    op.add_column("sessions", sa.Column("impersonator_id", sa.String(), nullable=True))
    op.add_column("sessions", sa.Column("impersonation_reason", sa.String(), nullable=True))
    op.create_foreign_key(
        op.f("fk_sessions_impersonator_id_users"), "sessions", "users", ["impersonator_id"], ["id"], ondelete="CASCADE"
    )
    op.create_foreign_key(
        op.f("fk_team_members_organization_id_team_teams"),
        "team_members",
        "teams",
        ["organization_id", "team"],
        ["organization_id", "name"],
        onupdate="CASCADE",
        ondelete="SET NULL (team)",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_team_members_organization_id_team_teams"), "team_members", type_="foreignkey")
    op.drop_constraint(op.f("fk_sessions_impersonator_id_users"), "sessions", type_="foreignkey")
    op.drop_column("sessions", "impersonation_reason")
    op.drop_column("sessions", "impersonator_id")
    op.drop_column("sessions", "method")
    op.drop_constraint(op.f("fk_invitations_organization_id_team_teams"), "invitations", type_="foreignkey")
    op.drop_column("invitations", "sent_at")
    op.drop_column("invitations", "team")
    op.drop_column("accounts", "last_used_at")
    op.drop_column("accounts", "email")
    op.drop_constraint(op.f("fk_access_tokens_organization_id_team_teams"), "access_tokens", type_="foreignkey")
    op.drop_column("access_tokens", "team")
    op.drop_table("second_factors")
    op.drop_index(op.f("ix_idempotent_requests_user_id"), table_name="idempotent_requests")
    op.drop_index(op.f("ix_idempotent_requests_created_at"), table_name="idempotent_requests")
    op.drop_table("idempotent_requests")
    op.drop_table("teams")
    op.drop_index(op.f("ix_stripe_events_taken_at"), table_name="stripe_events")
    op.drop_table("stripe_events")
    # An enum's value cannot be taken away: the type is made anew.
    op.execute("ALTER TYPE team_role RENAME TO old_team_role")
    op.execute("CREATE TYPE team_role AS ENUM ('OWNER', 'ADMIN', 'MEMBER', 'VIEWER')")
    for table in ("team_members", "invitations"):
        op.execute(f"ALTER TABLE {table} ALTER role DROP DEFAULT")
        op.execute(
            f"ALTER TABLE {table} ALTER role TYPE team_role "
            "USING (CASE role::text WHEN 'BILLING' THEN 'VIEWER' ELSE role::text END)::team_role"
        )
        op.execute(f"ALTER TABLE {table} ALTER role SET DEFAULT 'MEMBER'")
    op.execute("DROP TYPE old_team_role")
