"""The budgets' counters in Redis: found, rebuilt from the ledger when they are gone, and kept true.

The counter of a rolling budget stays the same one while its window moves, and is rebuilt from the ledger every one to
two minutes: what it had 60 s ago and the ledger has not, now that these calls are long in it, has left the window (or
was counted too high), and is taken off. So it is too high by what left the window within the last two minutes and by
what was spent within one of them, and too low never, but for what a gateway ships later than a minute, which comes with
the next rebuilding. A gateway that finds a counter that nobody has kept rebuilds it before the call that asks.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import structlog
from sqlalchemy.exc import SQLAlchemyError

from guardian import db
from guardian.errors import UnavailableError
from guardian.gateway.holds import scripts
from guardian.gateway.holds.holding import Hold, Item, Progress, Unshipped, units_of
from guardian.gateway.holds.line import Line
from guardian.periods import Window, utcnow
from guardian.services.guard.budgets import HardBudget, Spent, spent_of

_KEEP = timedelta(days=2)  # a counter outlives its period: long calls are settled in the one that they began in
_QUIET_SECONDS = 60
_SHIPPING_SECONDS = 5.0  # a journal is in the ledger within two; without a ledger there is nothing to read either
LEDGER_ERRORS = (SQLAlchemyError, UnavailableError, OSError)

Load = Callable[[HardBudget, datetime], Spent]

log = structlog.get_logger(__name__)


def load_spent(budget: HardBudget, moment: datetime) -> Spent:
    """What the ledger says of the period around a moment; for threads. Raises UnavailableError, SQLAlchemyError."""
    with db.session() as session:
        return spent_of(session, [budget], moment)[budget.id]


@dataclass(slots=True)
class _Known:
    """The counter of a budget's current period; `epoch` "" until it was entered."""

    budget: HardBudget
    window: Window
    key: str
    epoch: str = ""

    @property
    def rolls(self) -> bool:
        return self.budget.rolling_days is not None


class Counters:
    """The counters that this process uses. `open` gives its holds that are not settled."""

    def __init__(
        self,
        line: Line,
        open: Callable[[], Iterable[Hold]],
        *,
        load: Load = load_spent,
        progress: Progress | None = None,
        lease: float,
        now: Callable[[], datetime] = utcnow,
    ) -> None:
        self._line, self._open, self._load, self._lease, self._now = line, open, load, int(lease * 1000), now
        self.unshipped = Unshipped(progress)
        self._process = secrets.token_hex(6)
        self._known: dict[str, _Known] = {}  # by key
        self._current: dict[str, _Known] = {}  # by budget
        self._entering: dict[str, asyncio.Task[None]] = {}

    def item(self, budget: HardBudget) -> Item:
        """A call's part in the budget's period of now."""
        known, now = self._current.get(budget.id), self._now()
        if known is None or known.budget is not budget or not known.window.start <= now < known.window.end:
            window = budget.window(now)
            key = budget.counter(window)
            known = self._known.get(key) or _Known(budget, window, key)
            known.budget, known.window = budget, window
            self._current[budget.id] = self._known[key] = known
        return Item(budget, known.window, known.key, budget.limit_at(now), known.epoch)

    def epoch(self, key: str) -> str:
        return known.epoch if (known := self._known.get(key)) else ""

    def forget(self, item: Item) -> None:
        """The counter that the item counts in is gone; unless it was found out already."""
        if (known := self._known.get(item.key)) and known.epoch == item.epoch:
            known.epoch = ""

    async def enter(self, item: Item) -> None:
        """Make the item count in the counter as it is now. Raises RedisError, and one of LEDGER_ERRORS."""
        known = self._known.setdefault(item.key, _Known(item.budget, item.window, item.key))
        if not known.epoch:
            task = self._entering.get(item.key)
            if task is None:
                task = self._entering[item.key] = asyncio.create_task(self._enter(known))
                task.add_done_callback(lambda _: self._entering.pop(item.key, None))
            await asyncio.shield(task)

    async def _enter(self, known: _Known) -> None:
        """What is not shipped is noted before the ledger is read: a call that is shipped meanwhile may count twice,
        which errs to the safe side, but never not at all. So that it does not, what was settled is shipped first.
        """
        mark = self.unshipped.mark()
        try:
            found = await self._join(known, "", "0", mark)
        finally:
            self.unshipped.forget(mark)
        if found:
            # What a process before this one let through while Redis was away, and took with it, is in the ledger.
            await self._refresh(known, first=not known.rolls)
            return
        await self.unshipped.shipped(known.key, _SHIPPING_SECONDS)
        mark = self.unshipped.mark()
        try:
            spent = await self._read(known)
            await self._join(known, str(units_of(spent.gateway)), str(units_of(spent.other)), mark)
        finally:
            self.unshipped.forget(mark)

    async def _join(self, known: _Known, spent: str, other: str, mark: int) -> bool:
        """Enter the counter, or make it from what was `spent`; False where it has to be read first."""
        mine = [(hold, item) for hold in self._open() if hold.counted for item in hold.items if item.key == known.key]
        told = [str(each) for hold, _ in mine for each in (hold.id, hold.worst)]
        pending = str(self.unshipped.since(known.key, mark))
        epoch = cast(
            "str | None",
            await self._line.run(
                scripts.ENTER,
                [known.key, known.key + ":due"],
                *(spent, other, secrets.token_hex(6), self._process, pending, _until(known), self._lease, *told),
            ),
        )
        if epoch is None:
            return False
        known.epoch = epoch
        for _, item in mine:
            item.epoch = epoch
        return True

    async def refresh(self) -> None:
        """Bring in what came by other ways than calls, and forget periods that are over."""
        now = self._now()
        for known in list(self._known.values()):
            if known.window.end + _KEEP < now:
                del self._known[known.key]
            elif known.epoch and (known.rolls or known.window.start <= now < known.window.end):
                await self._refresh(known)

    async def _refresh(self, known: _Known, *, first: bool = False) -> None:
        mark = self.unshipped.mark()
        try:
            rebuilt = ""
            if known.rolls:
                rebuilt = cast("str", await self._line.run(scripts.MARK, [known.key], known.epoch, _QUIET_SECONDS))
            spent = await self._read(known)
            gateway = units_of(spent.gateway) + self.unshipped.since(known.key, mark)
            keys = [known.key, known.key + ":due"]
            other = str(units_of(spent.other))
            facts = (known.epoch, str(gateway), other, _QUIET_SECONDS, _until(known), rebuilt, int(first))
            await self._line.run(scripts.REFRESH, keys, *facts)
        except LEDGER_ERRORS as error:
            log.warning("holds.not_refreshed", budget=known.budget.id, error=str(error).partition("\n")[0])
        finally:
            self.unshipped.forget(mark)

    async def _read(self, known: _Known) -> Spent:
        """What the ledger has of the counter's period; of a rolling one as it is now."""
        return await asyncio.to_thread(self._load, known.budget, self._now() if known.rolls else known.window.start)


def _until(known: _Known) -> str:
    return str(int((known.window.end + _KEEP).timestamp()))
