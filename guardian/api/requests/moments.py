"""Times in a request: an instant with its offset, or a whole local day."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from guardian.errors import ValidationError
from guardian.periods import DAY, local_midnight

_YEARS = range(1900, 9000)  # at either end of the calendar a time has no other zone


def start_of(text: str | None, field: str, tz: ZoneInfo) -> datetime | None:
    """The instant, or the first instant of the local day. Raises ValidationError on that field."""
    day = _day(text)
    return local_midnight(day, tz) if day else _instant(text, field)


def end_of(text: str | None, field: str, tz: ZoneInfo) -> datetime | None:
    """The instant, or the end of the local day, which is therefore within. Raises ValidationError on that field."""
    day = _day(text)
    return local_midnight(day + DAY, tz) if day else _instant(text, field)


def _day(text: str | None) -> date | None:
    if text is None or len(text) != 10:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in _YEARS else None


def _instant(text: str | None, field: str) -> datetime | None:
    """`2026-11-01T00:00:00Z`; without an offset it is UTC."""
    if not text:
        return None
    try:
        # A "+" that was not encoded arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        if "T" in text and moment.year in _YEARS:
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except ValueError:
        pass
    message = "Write a day like 2026-11-01, or an instant like 2026-11-01T00:00:00Z."
    raise ValidationError(message, details=[{"field": field, "message": message}])
