"""The live hub against real Redis and PostgreSQL: bursts, sharing, tenants, tabs that go, a Redis that goes."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session

from guardian import live
from guardian.models import Alert
from guardian.models.enums import AlertFrequency, AlertState, AlertType, ComparisonType
from guardian.queue import connection
from guardian.services.actor import Actor
from guardian.services.people.access import own_sessions, sessions
from guardian.ui.live_hub import LiveHub, Query, Watch
from tests.fakes import seed
from tests.ui.conftest import run_async

EVENTS = frozenset({live.USAGE_UPDATE})


class CountingPage:
    """Stands for a State class: what it reads is whatever `truth` is then."""

    def __init__(self) -> None:
        self.truth = 0
        self.reads: list[tuple[str, Query]] = []

    def _read(self, session: Session, actor: Actor, query: Query) -> int:
        assert session.is_active
        self.reads.append((actor.organization_id, query))
        return self.truth


class Bench:
    """A running hub whose pushes are written down: (tab, view). `listeners` are there once it listens."""

    def __init__(self, listeners: int) -> None:
        self.listeners = listeners
        self.pushed: list[tuple[str, Any]] = []
        self.page = CountingPage()
        self.hub = LiveHub(push=self._push)
        self.handling = asyncio.Lock()  # held while a handler has the tab's State
        self.waiting = 0

    async def _push(self, token: str, _page: Any, view: Any, is_wanted: Callable[[], bool]) -> bool:
        self.waiting += 1
        async with self.handling:
            if not is_wanted():
                return False
            self.pushed.append((token, view))
            return True

    def open(self, token: str, actor: Actor, query: Query = ()) -> None:
        self.hub.watch(token, Watch(self.page, actor, query, EVENTS))

    async def change(self, organization_id: str, event: str = live.USAGE_UPDATE) -> None:
        self.page.truth += 1
        await asyncio.to_thread(live.publish, "org", organization_id, event)

    def seen(self, token: str) -> Any:
        views = [view for tab, view in self.pushed if tab == token]
        return views[-1] if views else None


def run(scenario: Callable[[Bench], Awaitable[None]]) -> Bench:
    """Run the hub, wait until it listens, play the scenario, stop the hub."""

    async def play() -> Bench:
        bench = Bench(listeners() + 1)
        task = asyncio.create_task(bench.hub.run())
        try:
            await until(lambda: listeners() == bench.listeners)
            await scenario(bench)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await until(lambda: listeners() == bench.listeners - 1)
        assert task.cancelled()
        return bench

    return run_async(play())


def listeners() -> int:
    """Connections that are subscribed to something; those of a web process that other tests share are among them."""
    found: Any = connection().client_list(_type="pubsub")
    return len(found)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture
def acme(session: Session) -> seed.Company:
    made = seed.company(session, "Acme")
    session.commit()
    return made


@pytest.fixture
def globex(session: Session) -> seed.Company:
    made = seed.company(session, "Globex")
    session.commit()
    return made


def test_a_burst_is_read_a_few_times_and_ends_with_the_truth(acme: seed.Company) -> None:
    async def scenario(bench: Bench) -> None:
        bench.open("tab", acme.actor)
        for _ in range(60):
            await bench.change(acme.organization.id)
        await until(lambda: bench.seen("tab") == 60)

    bench = run(scenario)
    assert len(bench.page.reads) < 30
    assert [view for _, view in bench.pushed] == sorted(view for _, view in bench.pushed)


def test_pages_that_show_the_same_share_one_read(acme: seed.Company) -> None:
    week: Query = (("range", "7d"),)

    async def scenario(bench: Bench) -> None:
        for number in range(5):
            bench.open(f"month {number}", acme.actor)
        bench.open("week", acme.actor, week)
        await bench.change(acme.organization.id)
        await until(lambda: len(bench.pushed) == 6)

    bench = run(scenario)
    assert sorted(bench.page.reads) == [(acme.organization.id, ()), (acme.organization.id, week)]
    assert {tab for tab, _ in bench.pushed} == {f"month {number}" for number in range(5)} | {"week"}


def test_a_change_is_told_only_to_its_organization_and_only_where_it_matters(
    acme: seed.Company, globex: seed.Company
) -> None:
    async def scenario(bench: Bench) -> None:
        bench.open("ours", acme.actor)
        bench.open("theirs", globex.actor)
        await bench.change(acme.organization.id, live.TEAM_UPDATE)
        await bench.change(acme.organization.id)
        await until(lambda: bench.seen("ours") == 2)
        await bench.change(globex.organization.id)
        await until(lambda: bench.seen("theirs") == 3)

    bench = run(scenario)
    assert [tab for tab, _ in bench.pushed] == ["ours", "theirs"]


def test_a_tab_that_closed_and_a_session_that_ended_get_nothing(session: Session, acme: seed.Company) -> None:
    token, row = sessions.open_session(session, acme.owner, user_agent=None, ip_address=None)
    ended = sessions.actor_for_session(session, token)
    session.commit()
    own_sessions.revoke_session(session, acme.actor, row.id)
    session.commit()

    async def scenario(bench: Bench) -> None:
        for tab, actor in (("stays", acme.actor), ("closed", acme.actor), ("ended", ended)):
            bench.open(tab, actor)
        bench.hub.forget("closed")
        await bench.change(acme.organization.id)
        await until(lambda: bench.seen("stays") == 1)
        await until(lambda: bench.hub.open_pages == 1)

    bench = run(scenario)
    assert [tab for tab, _ in bench.pushed] == ["stays"]


def test_after_redis_was_away_every_page_is_read_anew(acme: seed.Company) -> None:
    async def scenario(bench: Bench) -> None:
        bench.open("tab", acme.actor)
        bench.page.truth = 41
        connection().execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: bench.seen("tab") == 41)
        await until(lambda: listeners() == bench.listeners)
        await bench.change(acme.organization.id)
        await until(lambda: bench.seen("tab") == 42)

    run(scenario)


def test_a_tab_that_moved_on_is_not_pushed_the_old_page(acme: seed.Company) -> None:
    async def scenario(bench: Bench) -> None:
        bench.open("tab", acme.actor, (("range", "7d"),))
        bench.open("tab", acme.actor, (("range", "today"),))
        await bench.change(acme.organization.id)
        await until(lambda: bench.seen("tab") == 1)

    assert run(scenario).page.reads == [(acme.organization.id, (("range", "today"),))]


def test_a_view_that_waited_while_a_handler_read_the_page_is_read_anew(acme: seed.Company) -> None:
    """A key is deleted on a page that a pull of it is about to refresh: it does not come back."""

    async def scenario(bench: Bench) -> None:
        bench.open("tab", acme.actor)
        async with bench.handling:
            await bench.change(acme.organization.id)
            await until(lambda: bench.waiting == 1)
            bench.page.truth = 5
            bench.open("tab", acme.actor)
        await until(lambda: bench.seen("tab") == 5)

    assert run(scenario).pushed == [("tab", 5)]


def test_an_alert_reaches_every_page_of_its_organization_whatever_it_shows(
    session: Session, acme: seed.Company, globex: seed.Company
) -> None:
    rule = Alert(
        name="Spend",
        type=AlertType.COST_THRESHOLD,
        threshold=Decimal(1),
        comparison_type=ComparisonType.GREATER_THAN,
        frequency=AlertFrequency.IMMEDIATE,
        state=AlertState.FIRING,
        user_id=acme.owner.id,
        organization_id=acme.organization.id,
    )
    session.add(rule)
    session.commit()
    told: list[tuple[str, int, tuple[Any, ...]]] = []

    async def scenario(bench: Bench) -> None:
        async def tell(token: str, _page: Any, firing: int, alarms: tuple[Any, ...]) -> None:
            told.append((token, firing, tuple(each["sentence"] for each in alarms)))

        bench.hub.tell = tell
        for token, actor in (("ours", acme.actor), ("ours too", acme.actor), ("theirs", globex.actor)):
            bench.open(token, actor)
        for sentence in ("first", "second"):
            facts = {"alertId": rule.id, "name": "Spend", "state": "firing", "sentence": sentence}
            await asyncio.to_thread(live.publish, "org", acme.organization.id, live.ALERT_TRIGGERED, facts)
        await until(lambda: sum(len(alarms) for _, _, alarms in told) == 4)

    run(scenario)
    assert {token for token, _, _ in told} == {"ours", "ours too"}
    assert {firing for _, firing, _ in told} == {1}
    for tab in ("ours", "ours too"):
        assert [each for token, _, alarms in told if token == tab for each in alarms] == ["first", "second"]
