"""Any split, order, repetition or restatement of what a provider says ends in the ledger of one clean pull."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session

from guardian import db
from guardian.periods import HOUR
from guardian.records import CostBucket, CostRecord, UsageBucket, UsageCounts, UsageRecord
from guardian.services.ledger.writing.buckets import replace_buckets, replace_costs
from tests.conftest import People
from tests.unit.ledger.making import T0, account, contents, cost, usage

HOURS, DAYS = 5, 3
# What tells rows of one bucket apart, by number; the last model has no price.
KINDS = [(model, project) for model in ("gpt-6-sol", "gpt-5.4-mini", "made-up-model") for project in (None, "proj_web")]

counts = st.builds(
    lambda uncached, cached, out, searches: UsageCounts(
        input_tokens=uncached + cached,
        cache_read_tokens=cached,
        output_tokens=out,
        units={"web_search_requests": Decimal(searches)} if searches else {},
    ),
    *[st.integers(0, 5_000_000)] * 3,
    st.integers(0, 3),
)
# A state of the provider's reports: rows by bucket and kind. Buckets without rows are listed too.
states = st.fixed_dictionaries(
    {
        "usage": st.dictionaries(st.tuples(st.integers(0, HOURS - 1), st.sampled_from(KINDS)), counts, max_size=8),
        "costs": st.dictionaries(
            st.tuples(st.integers(0, DAYS - 1), st.sampled_from(["a", "b"])),
            st.decimals("-5", "500", places=10, allow_nan=False),
            max_size=4,
        ),
    }
)
State = dict[str, dict[tuple[int, object], object]]


def usage_buckets(state: State) -> list[UsageBucket]:
    rows: dict[int, list[UsageRecord]] = {hour: [] for hour in range(HOURS)}
    for (hour, (model, project)), stated in state["usage"].items():  # type: ignore[misc]
        rows[hour].append(usage(hour, model=model, project_id=project, counts=stated))
    return [
        UsageBucket(series="completions", start=T0 + h * HOUR, end=T0 + (h + 1) * HOUR, records=tuple(found))
        for h, found in rows.items()
    ]


def cost_buckets(state: State) -> list[CostBucket]:
    rows: dict[int, list[CostRecord]] = {day: [] for day in range(DAYS)}
    for (day, item), amount in state["costs"].items():
        rows[day].append(cost(day, str(amount), line_item=str(item)))
    return [
        CostBucket(start=T0 + d * 24 * HOUR, end=T0 + (d + 1) * 24 * HOUR, records=tuple(found))
        for d, found in rows.items()
    ]


@contextmanager
def undone() -> Iterator[Session]:
    """A transaction that is rolled back, so that every example begins with the same empty ledger."""
    with Session(db.engine(), expire_on_commit=False) as session:
        yield session
        session.rollback()


def write(session: Session, people: People, state: State) -> None:
    replace_buckets(session, account(people.alice), usage_buckets(state))
    replace_costs(session, account(people.alice), cost_buckets(state))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data(), history=st.lists(states, max_size=2), final=states)
def test_any_way_of_saying_it_gives_the_same_ledger(
    people: People, data: st.DataObject, history: list[State], final: State
) -> None:
    with undone() as session:
        write(session, people, final)
        clean = contents(session)
    with undone() as session:
        for earlier in history:
            write(session, people, earlier)
        said = usage_buckets(final)
        # Rows of one bucket in any order, the bucket perhaps cut in two, everything perhaps said twice.
        pieces: list[UsageBucket] = []
        for one in said:
            rows = data.draw(st.permutations(one.records))
            cut = data.draw(st.integers(0, len(rows)))
            pieces += [replace(one, records=tuple(part)) for part in (rows[:cut], rows[cut:])]
        pieces += data.draw(st.lists(st.sampled_from(said), max_size=3))
        pieces = list(data.draw(st.permutations(pieces)))
        # A bucket that was cut must come in one write: a part of it would be taken for all of it.
        groups = data.draw(st.lists(st.integers(0, 2), min_size=HOURS, max_size=HOURS))
        for group in data.draw(st.permutations([0, 1, 2])):
            replace_buckets(
                session,
                account(people.alice),
                [p for p in pieces if groups[int((p.start - T0) / HOUR)] == group],
            )
            contents(session)
        costs = data.draw(st.permutations(cost_buckets(final)))
        for one_cost in [*costs, *data.draw(st.lists(st.sampled_from(costs), max_size=2))]:
            replace_costs(session, account(people.alice), [one_cost])
        assert contents(session) == clean
        # And saying it all again is no news.
        before = session.connection().execute(text("SELECT count(*), max(xmin::text::bigint) FROM usage_logs")).one()
        assert not replace_buckets(session, account(people.alice), usage_buckets(final)).altered
        assert not replace_costs(session, account(people.alice), cost_buckets(final)).altered
        after = session.connection().execute(text("SELECT count(*), max(xmin::text::bigint) FROM usage_logs")).one()
        assert after == before


def test_the_comparison_sees_a_difference(people: People) -> None:
    """The property above is worth nothing if `contents` were blind."""
    one: State = {"usage": {(0, KINDS[0]): UsageCounts(input_tokens=5)}, "costs": {}}
    two: State = {"usage": {(0, KINDS[0]): UsageCounts(input_tokens=6)}, "costs": {}}
    with undone() as session:
        write(session, people, one)
        first = contents(session)
        write(session, people, two)
        with pytest.raises(AssertionError):
            assert contents(session) == first
