"""A key's rate limits as its card shows them: what the provider last said, a line for each model."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from guardian.services.people.views import RateLimit, RateLimits
from guardian.ui import format
from guardian.ui.rows import NO_MOMENT, Moment

_MOST_LINES = 5


@dataclass(frozen=True)
class LimitLine:
    """`told` is what was left when it was `seen`; `tone` is warn where calls were refused or nothing was left."""

    model: str = ""
    told: str = ""
    tone: str = ""
    seen: Moment = NO_MOMENT


def limit_lines(found: Sequence[RateLimits], now: datetime, tz: ZoneInfo) -> list[LimitLine]:
    """The models that were called last."""
    return [
        LimitLine(
            each.model or "Other calls", _told(each, now, tz), _tone(each, now), Moment.of(each.observed_at, now, tz)
        )
        for each in found[:_MOST_LINES]
    ]


def limits_note(found: Sequence[RateLimits]) -> str:
    """What the lines leave out; empty where that is nothing."""
    if not found:
        return "Not known yet: no answer through the gateway has told them."
    left = len(found) - _MOST_LINES
    return "" if left <= 0 else f"and {left} model{'s' if left > 1 else ''} called before"


def _told(found: RateLimits, now: datetime, tz: ZoneInfo) -> str:
    said = [_limit(each, now, tz) for each in found.limits]
    if found.refused:
        until = f" until {format.clock(found.retry_at, now, tz)}" if found.retry_at and found.retry_at > now else ""
        said.insert(0, f"refused as too often{until}")
    return "; ".join(said)


def _limit(limit: RateLimit, now: datetime, tz: ZoneInfo) -> str:
    name = limit.name.replace("-", " ")
    if limit.remaining is None and limit.limit is None:
        said = name
    elif limit.remaining is None:
        said = f"{format.number(limit.limit or 0)} {name}"
    else:
        of = "" if limit.limit is None else f" of {format.number(limit.limit)}"
        said = f"{format.number(limit.remaining)}{of} {name} left"
    if limit.resets_at is None:
        return said
    # Seconds later it is another number: what was seen is said, and that it is over.
    return (
        f"{said}, reset since" if limit.resets_at <= now else f"{said} until {format.clock(limit.resets_at, now, tz)}"
    )


def _tone(found: RateLimits, now: datetime) -> str:
    """What is over is no warning any more."""
    refused = found.refused and (found.retry_at is None or found.retry_at > now)
    empty = any(each.remaining == 0 and each.resets_at is not None and each.resets_at > now for each in found.limits)
    return "warn" if refused or empty else ""
