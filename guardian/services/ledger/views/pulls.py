"""What is told of pulls, and how old they leave the figures."""

from dataclasses import dataclass
from datetime import datetime

from guardian.models.enums import SyncStatus, SyncTrigger


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRunView:
    """One pull, for people: `progress` from 0 to 1."""

    id: str
    api_key_id: str
    key_label: str
    provider: str
    trigger: SyncTrigger
    status: SyncStatus
    progress: float
    window_start: datetime
    window_end: datetime
    rows_read: int
    rows_added: int
    rows_changed: int
    rows_removed: int
    error: str | None
    error_code: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    not_before: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old the figures are: `as_of` is the end of the last finished pull, None before the first."""

    as_of: datetime | None
    next_pull: datetime
    running: tuple[SyncRunView, ...]
    failing: tuple[SyncRunView, ...]
