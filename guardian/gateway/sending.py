"""One call on its way: which key it goes out with, and when it is tried again, with another key or another model."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import Any

from guardian.gateway.http.answer import Answer
from guardian.gateway.http.failures import UpstreamFailure
from guardian.gateway.http.headers import Header
from guardian.gateway.http.pool import Pool
from guardian.gateway.observed_limits import ObservedLimits
from guardian.gateway.outgoing import Route
from guardian.gateway.refusing import Refused
from guardian.providers.failures import retry_after

_BROKEN_AFTER, _REST_SECONDS = 5, 10.0  # failures in a row of one key, and how long it is left alone then
_MOST_RETRIES = 5
_LONGEST_WAIT = 30.0  # seconds; a provider that asks for more is not waited for
# The provider did no work, or says itself that it could not: nothing is billed twice.
_OTHER_KEY = frozenset({401, 403, 429})
_AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
NOT_COVERED = "budget_exceeded"


@dataclass(slots=True)
class Breaker:
    """Leaves keys alone that fail again and again, so that callers do not wait for each failure."""

    failures: dict[str, int] = field(default_factory=dict[str, int])
    until: dict[str, float] = field(default_factory=dict[str, float])

    def closed(self, key_id: str) -> bool:
        """Whether calls may go out; after a rest one may try."""
        until = self.until.get(key_id)
        return until is None or until <= monotonic()

    def resting(self) -> dict[str, float]:
        """The keys that are left alone now, with the seconds that are left; another thread may ask."""
        now = monotonic()
        return {key_id: until - now for key_id, until in list(self.until.items()) if until > now}

    def note(self, key_id: str, *, failed: bool) -> None:
        if not failed:
            if key_id in self.failures:
                self.failures.pop(key_id)
                self.until.pop(key_id, None)
            return
        count = self.failures[key_id] = self.failures.get(key_id, 0) + 1
        if count >= _BROKEN_AFTER:
            self.until[key_id] = monotonic() + _REST_SECONDS


@dataclass(slots=True)
class Attempt:
    """One try: its key, the model where it is not the one asked for, what came of it, and after how many milliseconds.

    `error` NOT_COVERED: it was not tried, because a hard budget has no room for it.
    """

    key_id: str
    model: str | None
    status: int | None = None
    error: str | None = None
    milliseconds: int | None = None

    def told(self) -> dict[str, Any]:
        """For the row; without what there is not."""
        found = {
            "key": self.key_id,
            "model": self.model,
            "status": self.status,
            "error": self.error,
            "milliseconds": self.milliseconds,
        }
        return {name: value for name, value in found.items() if value is not None}


@dataclass(slots=True, kw_only=True)
class Sending:
    """A request that can be sent; `request_for` gives its headers and body for a model (None: as it came) and a route.

    `model` is the one asked for, None where an answer tells nothing of a model's rate limits. `covers` says whether the
    call's budgets have room for another try, before it is made. `retries` and `fallbacks` are what was asked for.
    """

    method: bytes
    target: bytes
    request_for: Callable[[str | None, Route], tuple[Sequence[Header], bytes]]
    covers: Callable[[str | None, Route], Awaitable[bool]]
    model: str | None = None
    retries: int = 0
    fallbacks: Sequence[str] = ()
    attempts: list[Attempt] = field(default_factory=list[Attempt])

    @property
    def made(self) -> Attempt | None:
        """The last one that went out."""
        return next((each for each in reversed(self.attempts) if each.error != NOT_COVERED), None)


@dataclass(slots=True)
class _Way:
    """Where a call is among the keys and models that it may try; `pause` in seconds comes before the next try."""

    routes: Sequence[Route]
    models: list[str | None]
    left: int
    place: int = 0
    tried: int = 0
    pause: float = 0.0

    @property
    def route(self) -> Route:
        return self.routes[self.place]

    async def goes_on(self, sending: Sending, answer: Answer | None) -> bool:
        """Whether there is another try to make after an answer that is an error, or after none; goes there."""
        self.pause = 0.0
        status = answer.status if answer is not None else None
        if status in _OTHER_KEY:
            for place in range(self.place + 1, len(self.routes)):
                if await _covered(sending, self.models[0], self.routes[place]):
                    self.place = place
                    return True
        if status is not None and status not in _AGAIN:
            return False
        wait = _pause(answer, self.tried)
        if self.left and wait is not None and await _covered(sending, self.models[0], self.route):
            self.left, self.pause = self.left - 1, wait
            return True
        while len(self.models) > 1:
            self.models.pop(0)
            self.place = 0
            if await _covered(sending, self.models[0], self.route):
                return True
        return False


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
    way = _Way(usable, [None, *sending.fallbacks], min(sending.retries, _MOST_RETRIES))
    while True:
        route = way.route
        answer: Answer | None = None
        failure: UpstreamFailure | None = None
        try:
            answer = await _once(pool, limits, route, sending, way.models[0])
        except UpstreamFailure as error:
            failure = error
        way.tried += 1
        breaker.note(route.key.id, failed=answer is None or answer.status >= 500)
        if answer is not None and (answer.status < 400 or not await way.goes_on(sending, answer)):
            return answer, route
        if failure is not None and not await way.goes_on(sending, None):
            raise failure
        await _drop(answer)
        if way.pause:
            await asyncio.sleep(way.pause)


async def _once(pool: Pool, limits: ObservedLimits, route: Route, sending: Sending, model: str | None) -> Answer:
    """One try, noted. Raises UpstreamFailure."""
    attempt = Attempt(route.key.id, model)
    sending.attempts.append(attempt)
    began = perf_counter()
    given, body = sending.request_for(model, route)
    headers = [*(pair for pair in given if pair[0] not in route.names), *route.headers]
    target = route.target(sending.target)
    try:
        answer = await pool.send(route.upstream, sending.method, target, headers, body, first_byte=route.timeout)
    except UpstreamFailure as error:
        attempt.error = error.error_class
        raise
    finally:
        attempt.milliseconds = round((perf_counter() - began) * 1000)
    attempt.status = answer.status
    if sending.model is not None:
        limits.note(route.key.id, model or sending.model, answer)
    return answer


async def _covered(sending: Sending, model: str | None, route: Route) -> bool:
    """Whether this may be tried; that it may not is noted."""
    if await sending.covers(model, route):
        return True
    sending.attempts.append(Attempt(route.key.id, model, error=NOT_COVERED))
    return False


async def _drop(answer: Answer | None) -> None:
    """Read an answer that nobody gets, so that its connection stays; a long one is not worth that."""
    if answer is None:
        return
    if answer.is_whole:
        await answer.read()
    else:
        answer.abort()


def _pause(answer: Answer | None, tried: int) -> float | None:
    """Seconds to wait: what the provider asks for, else longer each time, never all at once; None where that is too
    long, or the provider says that another try is of no use.
    """
    if answer is not None:
        said = {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
        if said.get("x-should-retry", "").strip().lower() == "false":
            return None
        if (asked := retry_after(said)) is not None:
            return asked + random.random() * 0.25 if asked <= _LONGEST_WAIT else None  # noqa: S311  # spreading, no secret
    return min(0.25 * 2 ** (tried - 1), 8.0) * (0.5 + random.random())  # noqa: S311  # spreading, no secret
