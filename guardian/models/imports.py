"""ImportRun: one file that was read into the tracked book: how far, what it added, and which lines were refused."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from guardian.models.base import Row, count_field, enum_field, json_list_field, time_field
from guardian.models.enums import ImportStatus


class ImportRun(Row, table=True):
    """`errors` holds the first refused lines as {"line", "message"}; `rows_refused` counts them all.

    `bytes_read / bytes_total` is the progress. `rows_read` = added + duplicate + skipped + refused.
    """

    __tablename__ = "import_runs"
    __table_args__ = (Index("ix_import_runs_organization_id_created_at", "organization_id", "created_at"),)

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    user_id: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    file_name: str
    format: str | None = None
    status: ImportStatus = enum_field(ImportStatus, "import_status", ImportStatus.RUNNING)
    bytes_total: int | None = count_field(None)
    bytes_read: int = count_field()
    rows_read: int = count_field()
    rows_added: int = count_field()
    rows_duplicate: int = count_field()
    rows_skipped: int = count_field()
    rows_refused: int = count_field()
    errors: list[Any] | None = json_list_field()
    error: str | None = None
    finished_at: datetime | None = time_field(nullable=True)
