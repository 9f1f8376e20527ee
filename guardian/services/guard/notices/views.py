"""What people see of channels and of what becomes of a test: never a setting that is secret."""

from dataclasses import dataclass
from datetime import datetime

from guardian.models.enums import NotificationChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetView:
    """A channel. `hint` tells it apart from others of its kind; `disabled_reason` is why it was switched off by itself.

    One that takes `reports` is told of weekly and monthly ones. `previous_secret_until` is until when the secret before
    the current one signs too; None where it does not.
    """

    id: str
    kind: NotificationChannel
    name: str
    hint: str
    is_active: bool
    disabled_reason: str | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str | None
    previous_secret_until: datetime | None
    created_at: datetime
    reports: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one attempt. `status` is the server's (0: none), `error` empty where the message was taken."""

    status: int
    error: str
    seconds: float
    permanent: bool = False
    gone: bool = False
    retry_after: float | None = None
    reference: str = ""

    @property
    def taken(self) -> bool:
        return not self.error
