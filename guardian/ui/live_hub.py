"""The live hub: one subscriber per web process turns messages on Redis into fresh figures on the open pages.

A message says only that something changed. The hub waits out the burst, reads what the pages of that organization show,
once per kind of page, URL and permissions, and pushes the result. There is no polling and no task per tab.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import structlog
from redis.exceptions import RedisError

from guardian import db, live
from guardian.errors import GuardianError
from guardian.live import LiveMessage
from guardian.services.actor import Actor
from guardian.services.guard.alerts import firing_count
from guardian.services.people.access.sessions import actors_for_sessions

# The first message is answered at once, those that follow within this time together.
COALESCE_SECONDS = 0.2
_BACKOFF_SECONDS = (0.2, 10.0)

Query: TypeAlias = tuple[tuple[str, str], ...]
# Whose change it is: ("org", organization id) or ("user", user id).
Owner: TypeAlias = tuple[str, str]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Watch:
    """What one open page shows: its State class, who looks, its URL's parameters, and what makes it stale."""

    page: Any
    actor: Actor
    query: Query
    events: frozenset[str]

    def concerns(self, owner: Owner) -> bool:
        return owner in (("org", self.actor.organization_id), ("user", self.actor.user_id))


# Give a view to one page, unless it is not wanted once its State is free: (client token, State class, view, is wanted).
# Whether it was given.
Push: TypeAlias = Callable[[str, Any, Any, Callable[[], bool]], Awaitable[bool]]
# What a message says of an alert: alertId, name, state, sentence.
Alarm: TypeAlias = Mapping[str, Any]
# Tell one page of alerts, whatever it shows: (client token, State class, how many fire now, what came).
Tell: TypeAlias = Callable[[str, Any, int, tuple[Alarm, ...]], Awaitable[None]]


@dataclass
class LiveHub:
    """The registry of open pages of this process and the task that feeds them."""

    subscribe: Callable[[], AsyncIterator[LiveMessage]] = live.subscribe
    push: Push | None = None
    tell: Tell | None = None
    _alarms: dict[str, list[Alarm]] = field(default_factory=dict[str, list[Alarm]])
    _tellers: dict[str, "asyncio.Task[None]"] = field(default_factory=dict[str, "asyncio.Task[None]"])
    _pages: dict[str, Watch] = field(default_factory=dict[str, Watch])
    _stale: dict[Owner, set[str]] = field(default_factory=dict[Owner, set[str]])
    _tasks: dict[Owner, "asyncio.Task[None]"] = field(default_factory=dict["Owner", "asyncio.Task[None]"])

    def watch(self, token: str, watch: Watch) -> None:
        """Keep the page of this browser tab fresh from now on, in place of the one it showed before."""
        self._pages[token] = watch

    def forget(self, token: str) -> None:
        """The tab is gone."""
        self._pages.pop(token, None)

    def shows(self, token: str, page: Any) -> bool:
        """Whether this tab shows that page now, and not another one that was opened meanwhile."""
        watch = self._pages.get(token)
        return watch is not None and watch.page is page

    def page_of(self, token: str) -> Any:
        """The State class of the page that this tab shows; None where it shows none that is kept fresh."""
        watch = self._pages.get(token)
        return watch.page if watch else None

    @property
    def open_pages(self) -> int:
        return len(self._pages)

    async def run(self) -> None:
        """Listen until cancelled; when Redis goes away, listen again as soon as it is back and read every page anew."""
        failures = 0
        try:
            while True:
                try:
                    async for message in self.subscribe():
                        failures = 0
                        self._note((message.scope, message.id), message.event)
                        if message.event == live.ALERT_TRIGGERED:
                            self._raise_alarm(message.id, message.data)
                except (RedisError, OSError) as error:
                    log.warning("live.subscriber_lost", error=str(error))
                failures += 1
                first, longest = _BACKOFF_SECONDS
                await asyncio.sleep(min(longest, first * 2**failures) * random.uniform(0.5, 1))  # noqa: S311
                self._note_everything()
        finally:
            await self._stop()

    def _note_everything(self) -> None:
        # What was published while nobody listened is lost, so every page may be stale.
        for watch in list(self._pages.values()):
            for event in watch.events:
                self._note(("org", watch.actor.organization_id), event)
            self._raise_alarm(watch.actor.organization_id)

    def _note(self, owner: Owner, event: str) -> None:
        if not any(event in w.events and w.concerns(owner) for w in self._pages.values()):
            return
        self._stale.setdefault(owner, set()).add(event)
        if owner not in self._tasks:
            self._tasks[owner] = asyncio.create_task(self._serve(owner), name=f"live {owner[0]}")

    async def _serve(self, owner: Owner) -> None:
        try:
            while events := self._stale.pop(owner, None):
                await self._refresh(owner, events)
                await asyncio.sleep(COALESCE_SECONDS)
        finally:
            del self._tasks[owner]

    async def _refresh(self, owner: Owner, events: set[str]) -> None:
        stale = {t: w for t, w in self._pages.items() if w.events & events and w.concerns(owner)}
        try:
            views = await asyncio.to_thread(partial(_read, stale))
        except GuardianError as error:
            log.warning("live.read_failed", error=error.message, code=error.code)
            return
        await asyncio.gather(*(self._deliver(token, watch, views) for token, watch in stale.items()))

    async def _deliver(self, token: str, watch: Watch, views: Mapping[str, Any]) -> None:
        def is_wanted() -> bool:
            return self._pages.get(token) is watch

        if self.push is None:
            return
        if is_wanted() and token not in views:
            self.forget(token)
        try:
            shown = is_wanted() and await self.push(token, watch.page, views[token], is_wanted)
        except (RedisError, OSError) as error:
            log.warning("live.push_failed", error=str(error))
            return
        # The tab went, or a handler has read its page meanwhile: of two views nobody knows which one is the newer.
        latest = self._pages.get(token)
        if latest is not None and not shown:
            for event in latest.events:
                self._note(("org", latest.actor.organization_id), event)

    def _raise_alarm(self, organization_id: str, *alarms: Alarm) -> None:
        """Every open page of that organization is to know, also where it shows something else."""
        if not any(watch.actor.organization_id == organization_id for watch in self._pages.values()):
            return
        self._alarms.setdefault(organization_id, []).extend(alarms)
        if organization_id not in self._tellers:
            self._tellers[organization_id] = asyncio.create_task(self._tell(organization_id), name="live alerts")

    async def _tell(self, organization_id: str) -> None:
        try:
            while (alarms := self._alarms.pop(organization_id, None)) is not None:
                pages = {t: w for t, w in self._pages.items() if w.actor.organization_id == organization_id}
                try:
                    firing = await asyncio.to_thread(partial(_firing, pages))
                except GuardianError as error:
                    log.warning("live.alerts_not_read", error=error.message, code=error.code)
                    continue
                await asyncio.gather(*(self._tell_one(t, pages[t], firing[t], tuple(alarms)) for t in firing))
                await asyncio.sleep(COALESCE_SECONDS)
        finally:
            del self._tellers[organization_id]

    async def _tell_one(self, token: str, watch: Watch, firing: int, alarms: tuple[Alarm, ...]) -> None:
        if self._pages.get(token) is not watch or self.tell is None:
            return
        try:
            await self.tell(token, watch.page, firing, alarms)
        except (RedisError, OSError) as error:
            log.warning("live.alert_not_told", error=str(error))

    async def _stop(self) -> None:
        for task in [*self._tasks.values(), *self._tellers.values()]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _firing(watches: Mapping[str, Watch]) -> dict[str, int]:
    """How many alerts fire, by the token of each page whose session is not over; all are of one organization."""
    with db.session() as session:
        actors = actors_for_sessions(session, {w.actor.session_id for w in watches.values() if w.actor.session_id})
        found: dict[str, int] = {}
        count: int | None = None
        for token, watch in watches.items():
            actor = actors.get(watch.actor.session_id or "")
            if actor is not None and actor.organization_id == watch.actor.organization_id:
                count = firing_count(session, actor) if count is None else count
                found[token] = count
        return found


def _read(watches: Mapping[str, Watch]) -> dict[str, Any]:
    """The view of each page by its token, pages that show the same sharing one; none for a session that is over."""
    with db.session() as session:
        actors = actors_for_sessions(session, {w.actor.session_id for w in watches.values() if w.actor.session_id})
        views: dict[tuple[Any, ...], Any] = {}
        found: dict[str, Any] = {}
        for token, watch in watches.items():
            actor = actors.get(watch.actor.session_id or "")
            if actor is None or actor.organization_id != watch.actor.organization_id:
                continue
            reading = (watch.page, actor.organization_id, actor.permissions, watch.query)
            if reading not in views:
                views[reading] = watch.page._read(session, actor, watch.query)
            found[token] = views[reading]
        return found


hub = LiveHub()
