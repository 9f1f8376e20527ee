"""Entries into the ledger: each once, by organization, priced; one that cannot be stored stops no other."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session, col, select

from guardian import db
from guardian.models import ApiKey, UsageLog, User
from guardian.models.enums import CostSource, Provider
from guardian.models.shared import shared_id
from guardian.services.ledger.ingest.storing import Stored, store
from guardian.services.ledger.sums.rollups import disagreements
from tests.conftest import People
from tests.unit.ledger_ingest.conftest import MOMENT, entry


def rows(session: Session) -> list[UsageLog]:
    return list(session.exec(select(UsageLog).order_by(col(UsageLog.timestamp))))


def test_each_is_stored_once_for_its_organization(session: Session, people: People) -> None:
    alice, charlie = people.alice, people.charlie
    entries = [entry(alice, 1), entry(charlie, 1), entry(alice, 2), entry(alice, 1)]
    stored = store(session, entries)
    assert (stored.added, stored.duplicates, stored.refused) == (3, 1, [])
    assert stored.organizations == {alice.organization_id, charlie.organization_id}
    assert store(session, entries) == Stored(added=0, duplicates=4)
    found = rows(session)
    assert sorted((row.organization_id, row.user_id) for row in found) == sorted(
        [(alice.organization_id, alice.user_id)] * 2 + [(charlie.organization_id, charlie.user_id)]
    )
    assert {(row.cost, row.cost_source, row.access_token_id) for row in found} == {
        (Decimal("11.25"), CostSource.COMPUTED, shared_id("t1"))
    }
    assert found[0].timestamp == MOMENT.replace(microsecond=1)
    assert disagreements(session) == []


def test_a_known_cost_stands_and_unknown_is_not_zero(session: Session, people: People) -> None:
    known = [("0", "computed", "An error answer is not billed."), (None, "unpriced", "Nobody knows its price.")]
    store(session, [entry(people.alice, number, known_cost=cost) for number, cost in enumerate(known)])
    assert [(row.cost, row.cost_source, row.cost_reason) for row in rows(session)] == [
        (Decimal(0), CostSource.COMPUTED, known[0][2]),
        (None, CostSource.UNPRICED, known[1][2]),
    ]
    assert disagreements(session) == []


WRONG = {
    "no organization": {"organization_id": "nobody"},
    "counts that cannot be": {"counts": {"input_tokens": 1, "cache_read_tokens": 2}},
    "a provider of tomorrow": {"provider": "NOBODY"},
    "a time of long ago": {"at": 0},
    "a session as long as a book": {"session": "x" * 501},
    "more dollars than there are": {"provider_cost": "1e30"},
    "a status beyond the column": {"status_code": 2**40},
    "more requests than a column takes": {"requests": 2**63},
    "a number without end": {"units": {"images": "NaN"}},
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_stored_stops_no_other(session: Session, people: People, what: str) -> None:
    entries = [entry(people.alice, number) for number in range(9)]
    entries[5] = entry(people.alice, 5, **WRONG[what])
    stored = store(session, entries)
    assert [place for place, _ in stored.refused] == [5]
    assert stored.refused[0].reason
    assert (stored.added, len(rows(session))) == (8, 8)
    assert disagreements(session) == []


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wrong=st.sets(st.integers(0, 11), max_size=12))
def test_any_number_of_them_wherever_they_are(session: Session, people: People, wrong: set[int]) -> None:
    bad = [{"requests": 2**63}, {"organization_id": "nobody"}]
    entries = [entry(people.alice, number, **(bad[number % 2] if number in wrong else {})) for number in range(12)]
    stored = store(session, entries)
    assert sorted(place for place, _ in stored.refused) == sorted(wrong)
    assert stored.added == 12 - len(wrong)
    assert disagreements(session) == []
    session.rollback()


def test_a_key_that_is_gone_is_left_out_and_a_person_that_is_gone_is_stood_in_for(
    session: Session, people: People
) -> None:
    key = ApiKey(
        user_id=people.alice.user_id, organization_id=people.alice.organization_id, provider=Provider.OPENAI,
        encrypted_key="x",
        iv="x",
        tag="x",
        encryption_key_id="x", hint="1234",
    )  # fmt: skip
    session.add(key)
    session.flush()
    entries = [
        entry(people.alice, 1, api_key_id=key.id),
        entry(people.alice, 2, api_key_id="gone"),
        entry(people.bob, 3, user_id="gone", metadata='{"note":1}'),
    ]
    assert store(session, entries).added == 3
    one, two, three = rows(session)
    assert (one.api_key_id, two.api_key_id) == (key.id, None)
    assert three.user_id == people.alice.user_id  # the owner
    assert (three.meta or {})["_deletedUserId"] == "gone"
    assert (three.meta or {})["note"] == 1


def test_of_an_organization_without_anybody_nothing_can_be_stored(session: Session, people: People) -> None:
    session.connection().execute(text("DELETE FROM team_members WHERE user_id = :id"), {"id": people.charlie.user_id})
    stored = store(session, [entry(people.charlie, 1, user_id="gone"), entry(people.alice, 2)])
    assert (stored.added, [place for place, _ in stored.refused]) == (1, [0])


def test_who_is_named_cannot_be_deleted_meanwhile(session: Session, people: People) -> None:
    """Else the whole batch would fail at its foreign keys."""
    store(session, [entry(people.alice, 1)])
    with Session(db.engine()) as other:
        query = select(User).where(col(User.id) == people.alice.user_id).with_for_update(skip_locked=True)
        assert other.exec(query).all() == []
