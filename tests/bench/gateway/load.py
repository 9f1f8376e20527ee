"""The load: the product's own HTTP client as the caller, which alone asks some 69,000 times a second on a core."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from guardian.gateway.http import Pool, Upstream
from tests.bench.answering import BODY, EVENTS, HEADERS
from tests.bench.figures import percentile

_BODY = b'{"model":"gpt-5.4-mini",%b"messages":[{"role":"user","content":"Hello!"}]}'
TOKENS = 10  # of output, of each call


class Kind(NamedTuple):
    """A request, and the body that has to come back, byte for byte."""

    target: bytes
    body: bytes
    answer: bytes


CALL = Kind(b"/chat/completions", _BODY % b"", BODY)
STREAM = Kind(b"/chat/completions", _BODY % b'"stream":true,', b"".join(EVENTS))


def slow(pause: float) -> Kind:
    """A stream that waits so many seconds before each event but the first."""
    return STREAM._replace(target=b"/chat/completions?pause=%g" % pause)


@dataclass(slots=True)
class Round:
    """Milliseconds of each call: to the first byte of its body, and to its last one; and the seconds of all."""

    first: list[float] = field(default_factory=list[float])
    whole: list[float] = field(default_factory=list[float])
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.whole) / self.seconds

    def p(self, percent: float, *, first: bool = False) -> float:
        return percentile(sorted(self.first if first else self.whole), percent)


class Caller:
    """Calls one base URL with one token. `sent` counts its calls."""

    def __init__(self, pool: Pool, url: str, token: str) -> None:
        self._pool, self._upstream = pool, Upstream.of(url)
        self._headers = [*HEADERS, (b"authorization", b"Bearer " + token.encode())]
        self.sent = 0

    async def calls(self, kind: Kind, count: int, connections: int) -> Round:
        """So many calls over so many connections, which are open when the clock starts."""
        await asyncio.gather(*(self._ask(kind, Round(), 1) for _ in range(connections if connections > 1 else 20)))
        found = Round()
        started = time.perf_counter()
        await asyncio.gather(*(self._ask(kind, found, count // connections) for _ in range(connections)))
        found.seconds = time.perf_counter() - started
        return found

    async def open_at_once(self, kind: Kind, count: int, all_open: Callable[[], None]) -> Round:
        """So many calls, all at the same time; `all_open` is called when the first bytes of the last one are there.

        Raises RuntimeError when one had ended by then.
        """
        found = Round()
        opened = False

        def began() -> None:
            nonlocal opened
            if len(found.first) == count:
                if found.whole:
                    raise RuntimeError(f"{len(found.whole)} streams ended before all {count} had begun.")
                opened = True
                all_open()

        started = time.perf_counter()
        await asyncio.gather(*(self._ask(kind, found, 1, began) for _ in range(count)))
        found.seconds = time.perf_counter() - started
        assert opened
        return found

    async def _ask(self, kind: Kind, into: Round, times: int, began: Callable[[], None] = lambda: None) -> None:
        for _ in range(times):
            started = time.perf_counter()
            answer = await self._pool.send(self._upstream, b"POST", kind.target, self._headers, kind.body)
            self.sent += 1
            parts: list[bytes] = []
            async for part in answer.chunks():
                if not parts:
                    into.first.append((time.perf_counter() - started) * 1000)
                    began()
                parts.append(part)
            into.whole.append((time.perf_counter() - started) * 1000)
            body = b"".join(parts)
            if answer.status != 200 or body != kind.answer:
                raise RuntimeError(f"The answer is not the provider's: {answer.status} {body[:500]!r}")
