"""What is known by a name is one call, whatever else has the same first half of its hash."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session

from guardian.services.ledger.ingest import once
from guardian.services.ledger.ingest.entries import call_of
from guardian.services.ledger.ingest.once import EVENT, Outcome, add_once, keys_of
from tests.conftest import People
from tests.unit.ledger_ingest.conftest import entry


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=1, max_size=12), cut=st.integers(0, 12))
def test_names_that_share_a_key_stay_apart(
    session: Session, people: People, told: list[tuple[int, int]], cut: int
) -> None:
    """`told` are (name, content); all names share their first key, and no other: as one in 2**64 pairs of them does."""

    def colliding(organization_id: str, name: tuple[str, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
        (_, rest), other = keys_of(organization_id, name)
        return (7, rest), other

    nested = session.begin_nested()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(once, "keys_of", colliding)
        found: list[Outcome] = []
        for some in (told[:cut], told[cut:]):
            calls = [
                call_of(entry(people.alice, name, identity=(EVENT, f"e-{name}"), session=f"s-{content}"))
                for name, content in some
            ]
            found += add_once(session, people.alice.organization_id, calls, {}).outcomes
    first: dict[int, int] = {}
    for (name, content), outcome in zip(told, found, strict=True):
        new = name not in first
        kept = first.setdefault(name, content)
        assert outcome is (Outcome.ADDED if new else Outcome.SAME if kept == content else Outcome.DIFFERS)
    count = session.connection().execute(text("SELECT count(*), count(DISTINCT rest) FROM known_events")).one()
    assert tuple(count) == (len(first), len(first))
    assert session.connection().execute(text("SELECT count(*) FROM usage_logs")).scalar() == len(first)
    nested.rollback()


def test_a_name_has_two_keys_that_do_not_tell_each_other() -> None:
    one, other = keys_of("o", (EVENT, "e-1"))
    assert one != keys_of("o", (EVENT, "e-2"))[0] != keys_of("p", (EVENT, "e-2"))[0]
    assert one[0] != other[0]
    assert one[1] != other[1]
