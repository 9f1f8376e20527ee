"""What the imports' services give: frozen values, ready for a page or for JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from guardian.models.enums import ImportStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportView:
    """One file. `progress` from 0 to 1, of its bytes. `rows_read` = added + duplicate + skipped + refused.

    `errors` are the first 1,000 refused lines: {"line", "message"}, and "file" in an archive. `notes` are sentences.
    """

    id: str
    file_name: str
    format: str | None
    status: ImportStatus
    progress: float
    bytes_total: int | None
    bytes_read: int
    rows_read: int
    rows_added: int
    rows_duplicate: int
    rows_skipped: int
    rows_refused: int
    errors: tuple[Mapping[str, object], ...]
    notes: tuple[str, ...]
    error: str | None
    user_id: str | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
