"""The time that a rule looks back over, and what that is compared with."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from guardian.periods import DAY, HOUR, CalendarUnit, Window, calendar_period, ceil_hour, rfc3339

_ROLLING: Mapping[str, timedelta] = {
    "15m": timedelta(minutes=15),
    "1h": HOUR,
    "6h": 6 * HOUR,
    "1d": DAY,
    "7d": 7 * DAY,
    "30d": 30 * DAY,
}
_CALENDAR: Mapping[str, CalendarUnit] = {"day": "day", "week": "week", "month": "month"}
_INSTANT = timedelta(microseconds=1)
WEEK = 7 * DAY


def window_of(name: str, moment: datetime, tz: ZoneInfo) -> Window:
    """The window of that name that ends with the moment: the hour in which it lies counts as far as it is known.

    A moment of the past is best a full hour, since what came later in its hour would count too.
    """
    end = ceil_hour(moment)
    unit = _CALENDAR.get(name)
    if unit is None:
        return Window(moment - _ROLLING.get(name, DAY), end)
    # At the stroke of midnight it is the period that has just ended of which there is something to say.
    return Window(calendar_period(moment - _INSTANT, unit, tz).start, end)


def before(name: str, moment: datetime, tz: ZoneInfo) -> Window:
    """The window before that: as long, and of a calendar period as much as has passed of the present one."""
    window = window_of(name, moment, tz)
    unit = _CALENDAR.get(name)
    if unit is None:
        return Window(window.start - _ROLLING.get(name, DAY), window.start)
    start = calendar_period(window.start - _INSTANT, unit, tz).start
    return Window(start, min(start + (moment - window.start), window.start))


def period_of(name: str, window: Window) -> str:
    """What tells one calendar period from the next; nothing for a window that rolls."""
    return rfc3339(window.start) if name in _CALENDAR else ""


def weeks_before(window: Window, moment: datetime, count: int) -> list[Window]:
    """The same hours of the last weeks, the latest first: as far into the running hour as it is now."""
    now = Window(window.start, moment)
    return [Window(now.start - n * WEEK, now.end - n * WEEK) for n in range(1, count + 1)]
