"""What the gateway knows of its callers: changed at once when it is told so, even while it was reading."""

import asyncio
import threading
from collections.abc import Mapping

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from guardian import db
from guardian.errors import UnavailableError
from guardian.gateway import directory
from guardian.gateway.directory import Directory
from guardian.models.enums import Provider
from guardian.records import TestResult
from guardian.services.people import provider_keys
from tests.conftest import People, Servers

GOOD = TestResult(success=True, message="This key works.", kind="inference")


def add(label: str, people: People) -> None:
    with db.session() as session:
        provider_keys.add_key(
            session,
            people.alice,
            provider=Provider.OPENAI,
            secret=f"sk-proj-{label}-0123456789",
            label=label,
            tested=GOOD,
        )


def labels(found: directory.Belongings) -> list[str | None]:
    return [route.key.label for route in found.routes.get(Provider.OPENAI, ())]


@pytest.fixture
def slow_to_forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but a message makes it read again."""
    monkeypatch.setattr(directory, "FRESH_SECONDS", 3_600.0)
    monkeypatch.setattr(directory, "_REFRESH_SECONDS", 3_600.0)


@pytest.mark.usefixtures("slow_to_forget")
def test_a_changed_key_is_known_as_soon_as_it_is_told(environment: Servers, people: People, session: Session) -> None:
    session.commit()

    async def work() -> None:
        known = Directory(environment.redis_url)
        known.start()
        try:
            assert labels(await known.belongings(people.alice.organization_id)) == []
            async with asyncio.timeout(20):
                number = 0
                # The first message may come before it listens.
                while not (found := labels(await known.belongings(people.alice.organization_id))):
                    await asyncio.to_thread(add, f"k{number}", people)
                    number += 1
                    await asyncio.sleep(0.1)
            assert found
        finally:
            await known.close()

    asyncio.run(work())


@pytest.mark.usefixtures("slow_to_forget")
def test_what_was_read_before_a_change_is_not_kept_after_it(
    environment: Servers, people: People, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.commit()
    read, changed = threading.Event(), threading.Event()
    load = directory.load_belongings

    def slowly(organizations: list[str]) -> Mapping[str, object]:
        found = load(organizations)
        read.set()
        assert changed.wait(20)
        return found

    monkeypatch.setattr(directory, "load_belongings", slowly)

    async def work() -> None:
        known = Directory(environment.redis_url)
        try:
            asked = asyncio.create_task(known.belongings(people.alice.organization_id))
            await asyncio.to_thread(read.wait, 20)
            await asyncio.to_thread(add, "new", people)
            known.forget(people.alice.organization_id)
            changed.set()
            await asked
            assert labels(await known.belongings(people.alice.organization_id)) == ["new"]
        finally:
            await known.close()

    asyncio.run(work())


def test_what_is_known_holds_while_the_database_is_away(
    environment: Servers, people: People, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is read again once it is back: nothing that keeps it fresh gives up."""
    session.commit()
    add("first", people)
    away, asked, read = threading.Event(), threading.Event(), threading.Event()
    load = directory.load_belongings

    def loaded(organizations: list[str]) -> Mapping[str, object]:
        if not away.is_set():
            read.set()
            return load(organizations)
        asked.set()
        with db.session():
            raise OperationalError("SELECT 1", None, Exception("the connection is closed"))

    monkeypatch.setattr(directory, "load_belongings", loaded)
    monkeypatch.setattr(directory, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(directory, "_REFRESH_SECONDS", 0.05)
    mine = people.alice.organization_id

    async def work() -> None:
        known = Directory(environment.redis_url)
        assert labels(await known.belongings(mine)) == ["first"]
        away.set()
        assert labels(await known.belongings(mine)) == ["first"]
        known.start()
        try:
            asked.clear()
            assert await asyncio.to_thread(asked.wait, 20)
            assert labels(await known.belongings(mine)) == ["first"]
            read.clear()
            away.clear()
            assert await asyncio.to_thread(read.wait, 20)
        finally:
            await known.close()

    asyncio.run(work())


def test_nobody_waits_again_for_a_database_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def load(keys: list[str]) -> Mapping[str, object]:
        asked.extend(keys)
        if len(asked) > 1:
            raise UnavailableError("The database does not answer.")
        return {"known": "value"}

    shelf = directory._Shelf(load)  # pyright: ignore[reportPrivateUsage]  # each try of a hanging one takes seconds
    monkeypatch.setattr(directory, "FRESH_SECONDS", 0.0)

    async def work() -> None:
        assert [await shelf.get("known") for _ in range(4)] == ["value"] * 4
        assert asked == ["known", "known"]
        with pytest.raises(UnavailableError):
            await shelf.get("unknown")

    asyncio.run(work())
