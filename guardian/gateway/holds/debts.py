"""What could not be told to Redis because it was away: told when it is back, once."""

import asyncio
import secrets
from typing import cast

from guardian.gateway.holds import scripts
from guardian.gateway.holds.holding import Hold, Item
from guardian.gateway.holds.line import Line


class Debts:
    """Settlements, at once or later. One that belongs to a lost counter is dropped: who rebuilds it counts the call."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._holds: list[tuple[Hold, int, int]] = []
        self._sums: dict[tuple[str, str], int] = {}  # by counter and epoch, of calls that were never held
        self._batches: list[tuple[str, str, str, int]] = []
        self._paying = asyncio.Lock()

    async def settle(self, hold: Hold, units: int, tokens: int) -> list[Item]:
        """Spend instead of hold; the items whose counter is another one by now. Raises RedisError."""
        epochs = [item.epoch for item in hold.items]
        stale = await self._line.run(scripts.SETTLE, hold.keys, hold.id, str(units), hold.minute, str(tokens), *epochs)
        return [hold.items[at] for at in cast("list[int]", stale)]

    def owe(self, hold: Hold, units: int, tokens: int) -> None:
        self._holds.append((hold, units, tokens))

    def owe_uncounted(self, key: str, epoch: str, units: int) -> None:
        """To the counter as it is known now: one that is made anew later has the call from elsewhere."""
        if units and epoch:
            self._sums[key, epoch] = self._sums.get((key, epoch), 0) + units

    @property
    def any(self) -> bool:
        return bool(self._holds or self._sums or self._batches)

    async def pay(self) -> None:
        """Tell Redis what is owed, one after the other. Raises RedisError; what was not told stays owed."""
        async with self._paying:
            await self._pay()

    async def _pay(self) -> None:
        while self._holds:
            await self.settle(*self._holds[0])
            self._holds.pop(0)
        sums, self._sums = self._sums, {}
        self._batches += [(key, epoch, secrets.token_hex(6), units) for (key, epoch), units in sums.items()]
        while self._batches:
            key, epoch, batch, units = self._batches[0]
            await self._line.run(scripts.OWE, [key], epoch, batch, str(units))
            self._batches.pop(0)
