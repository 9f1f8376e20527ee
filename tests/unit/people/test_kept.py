"""What is kept of small reads: asked of the database once, and never shown again after a change of it is committed."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session

from guardian import db
from guardian.models import User
from guardian.models.enums import KeyStatus, Provider, SyncTrigger, UserRole
from guardian.periods import DAY, utcnow
from guardian.records import TestResult
from guardian.services.actor import Actor
from guardian.services.guard.installation import monitoring, providers
from guardian.services.ledger import pricebook, sync
from guardian.services.ledger.pricebook import NewPrice
from guardian.services.ledger.pricebook.overrides import kept_overrides_of
from guardian.services.ledger.sync import leases, runs
from guardian.services.people import kept, onboarding, places, provider_keys
from tests.conftest import People

GOOD = TestResult(success=True, message="This key works.", kind="admin", account_id="org-1")
BAD = TestResult(success=False, message="Replace it.", metadata={"code": "PROVIDER_KEY_REJECTED"})
MODEL = "gpt-6-sol"


@contextmanager
def statements(about: str) -> Generator[list[str]]:
    """The statements that name this table meanwhile."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if about in statement:
            found.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)


def asked(read: Callable[[Session], Any]) -> Any:
    """The answer of a transaction of its own, as a page asks."""
    with db.session() as own:
        return read(own)


@pytest.fixture
def admin(people: People) -> Actor:
    return replace(people.charlie, role=UserRole.SUPER_ADMIN)


def add_key(people: People) -> str:
    with db.session() as own:
        return provider_keys.add_key(
            own, people.alice, provider=Provider.OPENAI, secret="sk-proj-0123456789abcdef", label="main", tested=GOOD
        ).id


def standing(admin: Actor) -> dict[str, tuple[int, int, int]]:
    lines = asked(lambda own: providers.list_providers(own, admin))
    return {line.provider: (line.keys, line.active, line.troubled) for line in lines}


def test_the_standing_of_providers_is_read_once_for_both_pages(admin: Actor) -> None:
    assert standing(admin) == {}
    with statements("api_keys") as found:
        assert standing(admin) == {}
        assert asked(lambda own: monitoring.monitoring(own, admin)).syncs.troubled_keys == 0
    assert found == []


def test_each_change_of_a_key_is_shown_at_once(admin: Actor, people: People) -> None:
    assert standing(admin) == {}
    key = add_key(people)
    assert standing(admin) == {"OPENAI": (1, 1, 0)}
    changes: tuple[tuple[Callable[[Session], object], dict[str, tuple[int, int, int]]], ...] = (
        (lambda own: provider_keys.record_test(own, people.alice, key, BAD), {"OPENAI": (1, 1, 1)}),
        (lambda own: provider_keys.record_test(own, people.alice, key, GOOD), {"OPENAI": (1, 1, 0)}),
        (lambda own: provider_keys.mark_key(own, key, KeyStatus.EXHAUSTED, "No money."), {"OPENAI": (1, 1, 1)}),
        (lambda own: provider_keys.update_key(own, people.alice, key, is_active=False), {"OPENAI": (1, 0, 0)}),
        (lambda own: provider_keys.delete_key(own, people.alice, key), {}),
    )
    for change, expected in changes:
        asked(change)
        assert standing(admin) == expected
        assert asked(lambda own: monitoring.monitoring(own, admin)).syncs.troubled_keys == sum(
            troubled for _keys, _active, troubled in expected.values()
        )


def test_an_organization_that_is_deleted_takes_its_keys_along(admin: Actor, people: People) -> None:
    add_key(people)
    assert standing(admin) == {"OPENAI": (1, 1, 0)}
    asked(lambda own: places.delete_organization(own, people.alice, "Acme"))
    assert standing(admin) == {}


def test_a_pull_that_ends_is_shown_at_once(admin: Actor, people: People) -> None:
    key = add_key(people)

    def last() -> Any:
        return asked(lambda own: providers.list_providers(own, admin))[0].last_pull

    assert last() is None
    end = utcnow()
    run = asked(lambda own: sync.request_sync(own, people.alice, key, trigger=SyncTrigger.DEMAND))
    claim = asked(lambda own: leases.claim(own, run.id))
    assert claim is not None
    assert last() is None
    asked(lambda own: runs.finish(own, claim))
    assert last() >= end


def price(people: People) -> str:
    wanted = NewPrice(
        provider=Provider.OPENAI, model_pattern=MODEL, valid_from=utcnow() - DAY, percent_of_list=Decimal(50)
    )
    return asked(lambda own: pricebook.add_override(own, people.alice, wanted)).id


def agreed(actor: Actor) -> str | None:
    (found,) = asked(lambda own: pricebook.look_up(own, actor, MODEL, Provider.OPENAI))
    return found.override and found.override.id


def test_a_look_up_reads_the_agreed_prices_once(people: People) -> None:
    assert agreed(people.alice) is None
    with statements("price_overrides") as found:
        assert agreed(people.bob) is None
    assert found == []


def test_a_price_that_is_agreed_ended_or_deleted_is_looked_up_at_once(people: People) -> None:
    assert (agreed(people.alice), agreed(people.charlie)) == (None, None)
    made = price(people)
    assert (agreed(people.alice), agreed(people.bob), agreed(people.charlie)) == (made, made, None)
    asked(lambda own: pricebook.end_override(own, people.alice, made))
    assert agreed(people.alice) is None
    made = price(people)
    assert agreed(people.alice) == made
    asked(lambda own: pricebook.delete_override(own, people.alice, made))
    assert agreed(people.alice) is None


def test_a_kept_price_is_kept_digit_for_digit(people: People) -> None:
    wanted = NewPrice(
        provider=Provider.OPENAI,
        model_pattern=MODEL,
        valid_from=utcnow() - DAY,
        prices={"input_tokens": Decimal("1.234567890123")},
    )
    asked(lambda own: pricebook.add_override(own, people.alice, wanted, confirm=True))
    for _ in range(2):
        (found,) = asked(lambda own: kept_overrides_of(own, people.alice.organization_id, Provider.OPENAI))
        assert found.prices == wanted.prices
        assert found.valid_from == wanted.valid_from


def test_a_person_s_own_part_of_the_dashboard_is_read_once(people: People) -> None:
    assert asked(lambda own: onboarding.wishes(own, people.alice)).dismissed is False
    with statements("users") as found:
        assert asked(lambda own: onboarding.wishes(own, people.alice)).dismissed is False
    assert found == []
    asked(lambda own: onboarding.update_onboarding(own, people.alice, dismissed=True))
    assert asked(lambda own: onboarding.wishes(own, people.alice)).dismissed is True
    asked(lambda own: onboarding.skip(own, people.alice, "budget"))
    assert asked(lambda own: onboarding.wishes(own, people.alice)).skipped == {"budget"}
    assert asked(lambda own: onboarding.wishes(own, people.bob)) == onboarding.Wishes()


def test_what_is_not_committed_is_neither_hidden_nor_kept(people: People) -> None:
    assert asked(lambda own: onboarding.wishes(own, people.alice)).dismissed is False

    def undone() -> None:
        with db.session() as own:
            onboarding.update_onboarding(own, people.alice, dismissed=True)
            assert onboarding.wishes(own, people.alice).dismissed is True
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    assert asked(lambda own: onboarding.wishes(own, people.alice)).dismissed is False


def test_a_row_that_is_about_to_be_written_is_reason_enough_to_read_anew(people: People) -> None:
    with db.session() as own:
        assert kept.read(own, "usage:x", lambda: 1, owner="x") == 1
        own.add(User(email="new@acme.test"))
        assert kept.read(own, "usage:x", lambda: 2, owner="x") == 2
