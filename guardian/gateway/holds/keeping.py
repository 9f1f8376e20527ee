"""What goes on behind the calls: leases are renewed, what is owed is paid, and counters are brought up to date."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable

from redis.exceptions import RedisError

from guardian.gateway.holds import scripts
from guardian.gateway.holds.counters import LEDGER_ERRORS, Counters
from guardian.gateway.holds.debts import Debts
from guardian.gateway.holds.holding import Hold, Item
from guardian.gateway.holds.line import Line

REFRESH_SECONDS = 60.0


class Keeping:
    """`open` gives the holds of calls under way; `lease` in seconds."""

    def __init__(
        self, line: Line, counters: Counters, debts: Debts, open: Callable[[], Iterable[Hold]], lease: float
    ) -> None:
        self._line, self._counters, self._debts, self._open, self._lease = line, counters, debts, open, lease

    async def renew_always(self) -> None:
        while True:
            await asyncio.sleep(self._lease / 3)
            with contextlib.suppress(RedisError, *LEDGER_ERRORS):
                await self._renew()

    async def _renew(self) -> None:
        await self._debts.pay()
        counters: dict[str, tuple[Item, list[str]]] = {}
        for hold in self._open():
            for item in hold.items:
                counters.setdefault(item.key, (item, []))[1].append(hold.id)
        for key, (item, ids) in counters.items():
            lease = int(self._lease * 1000)
            if not await self._line.run(scripts.RENEW, [key, key + ":due"], item.epoch, lease, *ids):
                self._counters.forget(item)
                await self._counters.enter(item)

    async def refresh_always(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            with contextlib.suppress(RedisError):
                await self._counters.refresh()
