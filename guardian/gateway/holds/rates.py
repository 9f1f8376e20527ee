"""How long a token that called too often has to wait, and its count in this process while Redis is away."""

import math
import time

from guardian.errors import RateLimitError
from guardian.services.people.access.callers import Caller

_MINUTE_MS = 60_000
_MOST_TOKENS = 10_000  # access tokens counted here; past that, those of earlier minutes are forgotten


def too_many(what: str, limit: int, before: int, now: int, elapsed: int) -> RateLimitError:
    """The refusal. `before` and `now` are the counts of the last minute and of this one, `elapsed` ms of it."""
    return RateLimitError(
        _seconds_left(limit, before, now, elapsed),
        f"This access token may use {limit:,} {what} a minute, and has used them. Try again shortly.",
    )


def _seconds_left(limit: int, before: int, now: int, elapsed: int) -> int:
    """Until one more fits: this minute where what the last one left is in the way, else some way into the next."""
    if now + 1 <= limit:
        return _round((before - (limit - 1 - now)) / before * _MINUTE_MS - elapsed) if before else 1
    return _round(_MINUTE_MS - elapsed + max(0, now - (limit - 1)) / now * _MINUTE_MS)


def _round(milliseconds: float) -> int:
    return max(1, math.ceil(milliseconds / 1000))


class LocalRates:
    """The same sliding minute in memory: each process then lets through as much as all of them otherwise.

    By the key of the token's count in Redis: a minute, its requests and tokens, and those of the minute before.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, int, int, int, int]] = {}

    def take(self, key: str, caller: Caller, tokens: int) -> None:
        """Count one call of a token that has limits. Raises RateLimitError."""
        most_requests, most_tokens = caller.requests_per_minute, caller.tokens_per_minute
        if most_requests is None and most_tokens is None:
            return
        minute, elapsed = divmod(int(time.time() * 1000), _MINUTE_MS)
        kept = self._kept.get(key, (minute, 0, 0, 0, 0))
        requests, used, before, used_before = kept[1:] if kept[0] == minute else (0, 0, 0, 0)
        if kept[0] == minute - 1:
            before, used_before = kept[1], kept[2]
        left = (_MINUTE_MS - elapsed) / _MINUTE_MS
        if most_requests is not None and before * left + requests + 1 > most_requests:
            raise too_many("requests", most_requests, before, requests, elapsed)
        if most_tokens is not None and 0 < used_before * left + used > most_tokens - tokens:
            raise too_many("tokens", most_tokens, used_before, used, elapsed)
        if len(self._kept) > _MOST_TOKENS:
            self._kept = {name: kept for name, kept in self._kept.items() if kept[0] >= minute - 1}
        self._kept[key] = (minute, requests + 1, used + tokens, before, used_before)

    def correct(self, key: str, difference: int) -> None:
        """A call that was counted used so many tokens more, or less."""
        if difference and (kept := self._kept.get(key)) is not None:
            minute, requests, used, before, used_before = kept
            self._kept[key] = (minute, requests, max(0, used + difference), before, used_before)
