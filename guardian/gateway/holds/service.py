"""Holds: reserve before a call, settle after it; the package says what that guarantees."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import count

from redis.exceptions import RedisError

from guardian.gateway.holds import scripts
from guardian.gateway.holds.counters import LEDGER_ERRORS, Counters, Load, load_spent
from guardian.gateway.holds.debts import Debts
from guardian.gateway.holds.holding import NOTHING, Hold, Item, Progress, Waiting, units_of, units_up
from guardian.gateway.holds.keeping import Keeping
from guardian.gateway.holds.line import Line
from guardian.gateway.holds.rates import LocalRates
from guardian.gateway.holds.refusals import away, exceeded, require_price, too_often
from guardian.models.enums import Provider
from guardian.periods import utcnow
from guardian.services.guard.budgets import HardBudget
from guardian.services.people.access.callers import Caller

LEASE_SECONDS = 30.0
WAIT_SECONDS = 2.0
_MOST_REBUILDS = 10  # of counters within one call: more often than this Redis loses them for good

Budgets = Callable[[str], Awaitable[Sequence[HardBudget]]]


class Holds:
    """`budgets` gives an organization's hard budgets from memory. `progress` tells how far this process's journal is in
    the ledger; without it nothing is taken to be under way there. `wait` is how long a call waits at most for room that
    others hold.
    """

    def __init__(
        self,
        redis_url: str,
        budgets: Budgets,
        *,
        progress: Progress | None = None,
        load: Load = load_spent,
        lease: float = LEASE_SECONDS,
        wait: float = WAIT_SECONDS,
        now: Callable[[], datetime] = utcnow,
    ) -> None:
        self._budgets, self._lease, self._wait = budgets, lease, wait
        self._line = Line(redis_url)
        self._open: dict[str, Hold] = {}
        self._counters = Counters(self._line, self._open.values, load=load, progress=progress, lease=lease, now=now)
        self._debts = Debts(self._line)
        self._keeping = Keeping(self._line, self._counters, self._debts, self._open.values, lease)
        self._waiting, self._rates = Waiting(), LocalRates()
        self._process, self._numbers = secrets.token_hex(5), count()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Renew the leases of calls under way; `reserve` does it with the first call."""
        if not self._tasks:
            lines = (self._keeping.renew_always(), self._keeping.refresh_always())
            self._tasks = [asyncio.create_task(each) for each in lines]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(RedisError):
            await self._debts.pay()
        await self._line.close()

    async def reserve(
        self,
        caller: Caller,
        provider: Provider,
        model: str,
        tags: Mapping[str, str],
        key_id: str | None,
        worst: Decimal | None,
        tokens: int = 0,
    ) -> Hold:
        """Hold `worst` dollars in every hard budget that applies, and count one call and its tokens for the token.

        `worst` None: no price is known of the model; budgets refuse that unless they say otherwise, and then hold
        nothing for it. Decimal(0) is for what is free. Raises BudgetExceeded, RateLimitError, and UnavailableError for
        a budget that is closed while Redis, or the ledger for a lost counter, is away.
        """
        found = await self._budgets(caller.organization_id)
        mine = [budget for budget in found if budget.applies(caller, provider, model, tags, key_id)] if found else []
        if not mine and caller.requests_per_minute is None and caller.tokens_per_minute is None:
            return NOTHING
        return await self._reserve(caller, mine, provider, model, worst, tokens)

    async def _reserve(
        self,
        caller: Caller,
        mine: Sequence[HardBudget],
        provider: Provider,
        model: str,
        worst: Decimal | None,
        tokens: int,
    ) -> Hold:
        items = tuple(self._counters.item(budget) for budget in mine)
        if worst is None:
            require_price(items, provider, model)
        self.start()
        hold = Hold(
            id=f"{self._process}{next(self._numbers):x}",
            items=items,
            worst=units_up(worst or Decimal(0)),
            rate_key=f"rate:{{{caller.organization_id}}}:{caller.token_id}",
            tokens=tokens,
        )
        try:
            return await self._take(hold, caller)
        except (RedisError, *LEDGER_ERRORS):
            return self._without_redis(hold, caller)

    async def exchange(
        self,
        hold: Hold,
        caller: Caller,
        provider: Provider,
        model: str,
        tags: Mapping[str, str],
        key_id: str | None,
        worst: Decimal | None,
    ) -> Hold:
        """The hold for another try of the same call, with another key or model; what is held is given back.

        The same one where its budgets apply to that, too, and it is enough. Raises as `reserve`, but for rates: the
        call was counted. Nothing is held then any more.
        """
        found = await self._budgets(caller.organization_id)
        mine = [budget for budget in found if budget.applies(caller, provider, model, tags, key_id)] if found else []
        same = [budget.id for budget in mine] == [item.budget.id for item in hold.items]
        enough = not mine or (worst is not None and units_up(worst) <= hold.worst)
        if same and enough and not hold.over:
            return hold
        await self._close(hold, 0, None)
        unlimited = replace(caller, requests_per_minute=None, tokens_per_minute=None)
        if not mine and caller == unlimited:
            return NOTHING
        following = await self._reserve(unlimited, mine, provider, model, worst, hold.tokens)
        if hold.counted:
            following.minute = hold.minute  # in which its tokens were counted
        return following

    async def settle(self, hold: Hold, cost: Decimal | None, tokens: int | None = None) -> None:
        """The call is over and cost so much; None where that is unknown, which counts as its worst case.

        Call it when the call's record is in the journal. `tokens` are those that it used, if known.
        """
        await self._close(hold, hold.worst if cost is None else units_of(cost), tokens)

    async def release(self, hold: Hold) -> None:
        """The call was not made. Its request stays counted, its tokens do not."""
        await self._close(hold, 0, 0)

    async def _take(self, hold: Hold, caller: Caller) -> Hold:
        deadline, again = time.monotonic() + self._wait, False
        try:
            while (full := await self._try(hold, caller)) is not None:
                item, spent, held = full
                left = deadline - time.monotonic()
                alone = spent + hold.worst > units_of(item.limit)
                if alone or left <= 0:
                    raise exceeded(item, spent, held, hold.worst, alone=alone)
                await self._waiting.wait(item.key, left, again=again)
                again = True
        finally:
            # Whatever became of this one, the next in line has its turn.
            for item in hold.items if again else ():
                self._waiting.wake(item.key)
        return hold

    async def _try(self, hold: Hold, caller: Caller) -> tuple[Item, int, int] | None:
        """Take it all, or tell the first budget without room, what is spent of it, and held. Raises RateLimitError."""
        for _ in range(_MOST_REBUILDS):
            if self._debts.any:
                await self._debts.pay()  # Redis is back: what was let through meanwhile counts before anything else
            for item in hold.items:
                if not item.epoch or item.epoch != self._counters.epoch(item.key):
                    await self._counters.enter(item)
                    item.epoch = self._counters.epoch(item.key)
            answer = await self._line.run(scripts.RESERVE, hold.keys, *hold.wishes(caller, self._lease))
            if answer[0] == "rate":
                raise too_often(caller, answer)
            if answer[0] == "full":
                return hold.items[int(answer[1])], int(answer[2]) + int(answer[3]), int(answer[4])
            if answer[0] == "enter":
                self._counters.forget(hold.items[int(answer[1])])
                continue
            hold.minute, hold.counted = int(answer[1]), True
            if all(item.epoch == self._counters.epoch(item.key) for item in hold.items):
                self._open[hold.id] = hold
                return None
            # Another call of this process has found the counter gone meanwhile: once more, in the new one.
        raise RedisError("counters vanish as soon as they are made")

    def _without_redis(self, hold: Hold, caller: Caller) -> Hold:
        """Each budget's own word: let through, uncounted for now, or refused."""
        for item in hold.items:
            if item.budget.closed:
                raise away(item)
        self._rates.take(hold.rate_key, caller, hold.tokens)
        hold.counted = False
        return hold

    async def _close(self, hold: Hold, units: int, tokens: int | None) -> None:
        if hold.over:
            return
        hold.over = True
        self._open.pop(hold.id, None)
        for item in hold.items:
            self._counters.unshipped.note(item.key, units)
        difference = 0 if tokens is None else tokens - hold.tokens
        if not hold.counted:
            self._rates.correct(hold.rate_key, difference)
            for item in hold.items:
                self._debts.owe_uncounted(item.key, self._counters.epoch(item.key), units)
            return
        try:
            for item in await self._debts.settle(hold, units, difference):
                await self._settle_anew(hold, item, units)
        except RedisError:
            self._debts.owe(hold, units, difference)
        except LEDGER_ERRORS:
            # The next call that needs the counter rebuilds it, from the journal's rest or from the ledger.
            pass
        for item in hold.items:
            self._waiting.wake(item.key)

    async def _settle_anew(self, hold: Hold, item: Item, units: int) -> None:
        """The counter is a new one. It has this call's cost already, unless its hold was carried over there."""
        before = item.epoch
        self._counters.forget(item)
        await self._counters.enter(item)
        if item.epoch != before:
            await self._debts.settle(
                Hold(id=hold.id, items=(item,), worst=hold.worst, rate_key=hold.rate_key), units, 0
            )
