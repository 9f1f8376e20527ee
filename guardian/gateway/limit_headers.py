"""Rate limits as providers state them in the headers of an answer, in one shape.

OpenAI, xAI, Azure, Groq: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, the reset a duration ("6m0s").
Anthropic: `anthropic-ratelimit-{requests,tokens,…}-{limit,remaining,reset}`, and the same after `anthropic-priority-`,
the reset a time. Mistral: `x-ratelimit-*-req-minute`. OpenRouter: `x-ratelimit-limit` alone, the reset ms since 1970.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from guardian.gateway.http.headers import Header
from guardian.services.people.views import RateLimit, RateLimits

_PATTERNS = (
    re.compile(r"(?:x-)?ratelimit-(?P<part>limit|remaining|reset)(?:-(?P<name>[a-z0-9-]+))?"),
    re.compile(r"anthropic-(?:ratelimit-)?(?P<name>[a-z0-9-]+)-(?P<part>limit|remaining|reset)"),
)
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_TOO_MANY = 429
_EPOCH, _EPOCH_MS = 10**8, 10**11  # numbers below the first are seconds from now, below the second since 1970
_MOST_LIMITS, _LONGEST = 20, 40  # of one answer, and of a name: a server of anybody's may send anything
_LONGEST_SPAN = 366 * 86_400.0  # seconds


def limits_in(headers: Sequence[Header], status: int, model: str, observed: datetime) -> RateLimits | None:
    """What an answer of `status` that came at `observed` says; None where it says nothing."""
    found: dict[str, dict[str, Any]] = {}
    waits: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name = raw_name.lower().decode("latin-1")
        value = raw_value.decode("latin-1").strip()
        if name in ("retry-after", "retry-after-ms"):
            waits[name] = value
            continue
        matched = next((match for pattern in _PATTERNS if (match := pattern.fullmatch(name))), None)
        if matched is None:
            continue
        told = _when(value, observed) if matched["part"] == "reset" else _number(value)
        limit = (matched["name"] or "requests")[:_LONGEST]
        if told is not None and (limit in found or len(found) < _MOST_LIMITS):
            found.setdefault(limit, {})[matched["part"]] = told
    refused = status == _TOO_MANY
    if not found and not refused:
        return None
    return RateLimits(
        model=model,
        observed_at=observed,
        limits=tuple(
            RateLimit(
                name=name, limit=parts.get("limit"), remaining=parts.get("remaining"), resets_at=parts.get("reset")
            )
            for name, parts in sorted(found.items())
        ),
        refused=refused,
        retry_at=_retry(waits, observed) if refused else None,
    )


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 15 else None


def _when(value: str, now: datetime) -> datetime | None:
    """A duration, a number of seconds or milliseconds, or a time."""
    try:
        number = float(value)
    except ValueError:
        matched = _DURATION.fullmatch(value)
        if matched is None or not value:
            return _instant(value)
        days, hours, minutes, seconds, ms = (float(part or 0) for part in matched.groups())
        return _after(now, days * 86_400 + hours * 3_600 + minutes * 60 + seconds + ms / 1_000)
    if number < _EPOCH:
        return _after(now, number)
    return _after(now, (number if number < _EPOCH_MS else number / 1_000) - now.timestamp())


def _retry(waits: dict[str, str], now: datetime) -> datetime | None:
    """When a refusal says to come again; milliseconds are the more exact word."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = waits.get(name, "")
        try:
            return _after(now, float(value) * unit)
        except ValueError:
            if value and name == "retry-after":
                return _http_date(value)
    return None


def _after(now: datetime, seconds: float) -> datetime | None:
    if not -_LONGEST_SPAN < seconds < _LONGEST_SPAN:  # nan, too
        return None
    return now + timedelta(seconds=seconds)


def _instant(value: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _http_date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
