"""Hold and what it is made of; the calls of this process that are not in the ledger yet; who waits for room."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_UP, Decimal

from guardian.periods import Window
from guardian.services.guard.budgets import HardBudget
from guardian.services.people.access.callers import Caller

_UNIT = Decimal(10) ** -10
_MOST_CALL, _MOST = 10**17, 9 * 10**18  # $10,000,000 and $900,000,000: what is added up stays within 64 bits
# Somebody else's settling is not heard: the first in line looks again this often.
_LOOK_SECONDS = 0.05

# How much the journal has ever taken, and how much of it is in the ledger, in the same unit, both only growing.
Progress = Callable[[], tuple[int, int]]


def units_up(amount: Decimal) -> int:
    """Dollars as whole ten-billionths, upwards: a worst case must not come out too small."""
    return min(_MOST_CALL, max(0, int((amount / _UNIT).to_integral_value(ROUND_UP))))


def units_of(amount: Decimal) -> int:
    """Dollars as whole ten-billionths, rounded as the ledger does."""
    return min(_MOST, max(0, int((amount / _UNIT).to_integral_value(ROUND_HALF_EVEN))))


def dollars(units: int) -> Decimal:
    return units * _UNIT


@dataclass(slots=True)
class Item:
    """A hold's part in one budget: the counter of its period, the limit that stood when the call came, and the epoch of
    the counter that it counts in.
    """

    budget: HardBudget
    window: Window
    key: str
    limit: Decimal
    epoch: str = ""


@dataclass(slots=True)
class Hold:
    """What one call keeps free. `counted` is False for a call that was let through while Redis was away."""

    id: str = ""
    items: tuple[Item, ...] = ()
    worst: int = 0
    rate_key: str = ""
    minute: int = 0
    tokens: int = 0
    counted: bool = False
    over: bool = False

    @property
    def keys(self) -> list[str]:
        """In Redis: the token's count, then counter and deadlines of each budget."""
        return [self.rate_key, *(key for item in self.items for key in (item.key, item.key + ":due"))]

    def wishes(self, caller: Caller, lease: float) -> list[str | int]:
        """What scripts.RESERVE takes."""
        rates = (caller.requests_per_minute, caller.tokens_per_minute)
        limits = ["" if each is None else each for each in rates]
        found: list[str | int] = [self.id, int(lease * 1000), *limits, self.tokens, str(self.worst)]
        for item in self.items:
            found += (str(units_of(item.limit) - self.worst), item.epoch)
        return found

    @property
    def takes(self) -> bool:
        """Whether there is anything to settle."""
        return bool(self.items or self.rate_key)


NOTHING = Hold(over=True)


class Unshipped:
    """What calls of this process cost that were settled and are not in the ledger yet, by counter."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._calls: deque[tuple[int, str, int]] = deque()
        self._readers: list[int] = []

    def note(self, key: str, units: int) -> None:
        if self._progress is not None and units:
            taken, shipped = self._progress()
            self._calls.append((taken, key, units))
            oldest = min([shipped, *self._readers])
            while self._calls and self._calls[0][0] <= oldest:
                self._calls.popleft()

    def mark(self) -> int:
        """From now until `forget(mark)`, what is not shipped now is remembered."""
        mark = self._progress()[1] if self._progress else 0
        self._readers.append(mark)
        return mark

    def forget(self, mark: int) -> None:
        self._readers.remove(mark)

    async def shipped(self, key: str, seconds: float) -> None:
        """Wait until all of the counter's calls that were settled are in the ledger, so long at most."""
        until = time.monotonic() + seconds
        while self._progress is not None and time.monotonic() < until:
            if max((at for at, name, _ in self._calls if name == key), default=0) <= self._progress()[1]:
                return
            await asyncio.sleep(_LOOK_SECONDS)

    def since(self, key: str, mark: int) -> int:
        """The sum of what was not shipped at the mark, and of what came later."""
        return sum(units for position, name, units in self._calls if name == key and position > mark)


class Waiting:
    """Calls that wait for room in a budget, first come first served."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    async def wait(self, key: str, seconds: float, *, again: bool) -> None:
        """Until room was made, or it is time to look anyway. Who looked in vain stays the first in line (`again`)."""
        queue = self._queues.setdefault(key, deque())
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if again:
            queue.appendleft(mine)
        else:
            queue.append(mine)
        first = queue[0] is mine
        try:
            await asyncio.wait([mine], timeout=min(seconds, _LOOK_SECONDS) if first else seconds)
        except asyncio.CancelledError:
            if mine.done():
                self.wake(key)
            raise
        finally:
            if not mine.done():
                mine.cancel()
                queue.remove(mine)
            if not queue and self._queues.get(key) is queue:
                del self._queues[key]

    def wake(self, key: str) -> None:
        """Let the first one look. Whoever gets room lets the next one look."""
        queue = self._queues.get(key)
        while queue:
            waiting = queue.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return
