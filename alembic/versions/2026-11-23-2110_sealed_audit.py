"""sealed audit: the end of each chain, which our key seals from its next row on; the log is found by action and thing.

Revision ID: 6f1c83b2ad57
Revises: b7e20d5c91fa
"""

import sqlalchemy as sa

from alembic import op

revision = "6f1c83b2ad57"
down_revision = "b7e20d5c91fa"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "activity_heads",
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("mac", sa.String(), server_default="", nullable=False),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_activity_heads")),
    )
    op.execute(
        "INSERT INTO activity_heads (chain, sequence, hash) "
        "SELECT DISTINCT ON (chain) chain, sequence, hash FROM activity_logs ORDER BY chain, sequence DESC"
    )
    op.create_index("ix_activity_logs_chain_action", "activity_logs", ["chain", "action", "sequence"])
    op.create_index("ix_activity_logs_chain_resource_id", "activity_logs", ["chain", "resource_id", "sequence"])


def downgrade() -> None:
    op.drop_index("ix_activity_logs_chain_resource_id", table_name="activity_logs")
    op.drop_index("ix_activity_logs_chain_action", table_name="activity_logs")
    op.drop_table("activity_heads")
