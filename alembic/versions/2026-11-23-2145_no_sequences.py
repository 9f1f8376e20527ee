"""The ids of shared texts are made of the texts: the sequence that came with their column goes.

Revision ID: 7b1c5e0d92aa
Revises: 3d9a6b41e8c7
"""

from collections.abc import Sequence

from alembic import op

revision: str = "7b1c5e0d92aa"
down_revision: str | None = "3d9a6b41e8c7"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("ALTER TABLE shared_texts ALTER COLUMN id DROP DEFAULT")
    op.execute("DROP SEQUENCE IF EXISTS shared_texts_id_seq")


def downgrade() -> None:
    op.execute("CREATE SEQUENCE shared_texts_id_seq OWNED BY shared_texts.id")
    op.execute("ALTER TABLE shared_texts ALTER COLUMN id SET DEFAULT nextval('shared_texts_id_seq')")
