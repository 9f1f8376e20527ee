"""One call on its way: which key it goes out with, and when it is tried again, with another key or another model."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from guardian.gateway.http.answer import Answer
from guardian.gateway.http.failures import UpstreamFailure
from guardian.gateway.http.headers import Header
from guardian.gateway.http.pool import Pool
from guardian.gateway.observed_limits import ObservedLimits
from guardian.gateway.outgoing import Route
from guardian.gateway.refusing import Refused

_BROKEN_AFTER, _REST_SECONDS = 5, 10.0  # failures in a row of one key, and how long it is left alone then
_MOST_RETRIES = 5
_LONGEST_WAIT = 30.0  # seconds; a provider that asks for more is not waited for
# The provider did no work, or says itself that it could not: nothing is billed twice.
_OTHER_KEY = frozenset({401, 403, 429})
_AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504, 529})


@dataclass(slots=True)
class Breaker:
    """Leaves keys alone that fail again and again, so that callers do not wait for each failure."""

    failures: dict[str, int] = field(default_factory=dict[str, int])
    until: dict[str, float] = field(default_factory=dict[str, float])

    def closed(self, key_id: str) -> bool:
        """Whether calls may go out; after a rest one may try."""
        until = self.until.get(key_id)
        return until is None or until <= time.monotonic()

    def note(self, key_id: str, *, failed: bool) -> None:
        if not failed:
            if key_id in self.failures:
                self.failures.pop(key_id)
                self.until.pop(key_id, None)
            return
        count = self.failures[key_id] = self.failures.get(key_id, 0) + 1
        if count >= _BROKEN_AFTER:
            self.until[key_id] = time.monotonic() + _REST_SECONDS


@dataclass(slots=True)
class Attempt:
    """One try: its key, the model where it is not the one asked for, and what came of it."""

    key_id: str
    model: str | None
    status: int | None = None
    error: str | None = None

    def told(self) -> dict[str, Any]:
        """For the row; without what there is not."""
        found = {"key": self.key_id, "model": self.model, "status": self.status, "error": self.error}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(slots=True, kw_only=True)
class Sending:
    """A request that can be sent; `body_for` gives its body for a model (None: as it came) and a route.

    `model` is the one asked for, None where an answer tells nothing of a model's rate limits. `retries` and `fallbacks`
    are what the caller asked for. A body that is an iterator goes out once.
    """

    method: bytes
    target: bytes
    headers: Sequence[Header]
    body_for: Callable[[str | None, Route], bytes | AsyncIterator[bytes]]
    model: str | None = None
    length: int | None = None
    retries: int = 0
    fallbacks: Sequence[str] = ()
    repeatable: bool = True
    attempts: list[Attempt] = field(default_factory=list[Attempt])


async def send(
    pool: Pool, breaker: Breaker, limits: ObservedLimits, routes: Sequence[Route], sending: Sending
) -> tuple[Answer, Route]:
    """The first answer that is none to try again after, and the route it came by.

    Raises UpstreamFailure after the last try that got none, Refused when every key rests after failures.
    """
    usable = [route for route in routes if breaker.closed(route.key.id)]
    if not usable:
        message = "The provider fails again and again with every key that is stored for it. Try again in a moment."
        raise Refused("unavailable", message, retry_after=int(_REST_SECONDS), error_class="provider_resting")
    models: list[str | None] = [None, *sending.fallbacks]
    left = min(sending.retries, _MOST_RETRIES)
    place, tried = 0, 0
    while True:
        route = usable[place]
        attempt = Attempt(route.key.id, models[0])
        sending.attempts.append(attempt)
        tried += 1
        answer: Answer | None = None
        failure: UpstreamFailure | None = None
        try:
            answer = await _once(pool, limits, route, sending, models[0])
        except UpstreamFailure as error:
            failure, attempt.error = error, error.error_class
        status = answer.status if answer is not None else 0
        attempt.status = status or None
        breaker.note(route.key.id, failed=failure is not None or status >= 500)
        if answer is not None and status < 400:
            return answer, route
        if sending.repeatable:
            if status in _OTHER_KEY and place + 1 < len(usable):
                place += 1
                await _drop(answer)
                continue
            again = (failure is not None and not failure.sent) or failure is not None or status in _AGAIN
            wait = _pause(answer, tried)
            if again and left and wait is not None:
                left -= 1
                await _drop(answer)
                await asyncio.sleep(wait)
                continue
            if again and len(models) > 1:
                models.pop(0)
                place = 0
                await _drop(answer)
                continue
        if failure is not None:
            raise failure
        assert answer is not None
        return answer, route


async def _once(pool: Pool, limits: ObservedLimits, route: Route, sending: Sending, model: str | None) -> Answer:
    headers = [*(pair for pair in sending.headers if pair[0] not in route.names), *route.headers]
    body = sending.body_for(model, route)
    sent = pool.send(route.upstream, sending.method, route.target(sending.target), headers, body, length=sending.length)
    answer = await sent
    if sending.model is not None:
        limits.note(route.key.id, model or sending.model, answer)
    return answer


async def _drop(answer: Answer | None) -> None:
    """Read an answer that nobody gets, so that its connection stays; a long one is not worth that."""
    if answer is None:
        return
    if answer.is_whole:
        await answer.read()
    else:
        answer.abort()


def _pause(answer: Answer | None, tried: int) -> float | None:
    """Seconds to wait: what the provider asks for, else longer each time, never all at once; None for too long."""
    asked = answer.header(b"retry-after") if answer is not None else None
    if asked is not None and asked.strip().isdigit():
        seconds = float(asked)
        return seconds + random.random() * 0.25 if seconds <= _LONGEST_WAIT else None  # noqa: S311  # spreading, no secret
    return min(0.25 * 2 ** (tried - 1), 8.0) * (0.5 + random.random())  # noqa: S311  # spreading, no secret
