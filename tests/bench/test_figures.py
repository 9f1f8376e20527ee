"""The bench's own arithmetic, and that its ledger is the same every time and agrees with the product's rollups."""

from random import Random
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, select

from guardian.models.enums import TeamRole, UserRole
from guardian.models.usage import UsageLog, UsageRollup
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.ledger.sums.rollups import RollupChanges
from tests.bench import generate
from tests.bench.figures import figure, interleave, percentile, table


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert [percentile(range(1, 101), p) for p in (0, 50, 95, 99, 100)] == [1, 50, 95, 99, 100]
    assert percentile([7.0], 95) == 7.0
    assert percentile([1, 2, 3], 50) == 2


def test_callers_take_turns_and_are_told_the_round() -> None:
    seen: list[tuple[str, int]] = []
    taken = interleave(2, a=lambda n: seen.append(("a", n)), b=lambda n: seen.append(("b", n)))
    assert seen == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert {name: len(times) for name, times in taken.items()} == {"a": 2, "b": 2}


def test_the_table_says_what_was_missed_and_the_ratio() -> None:
    slow, fast = figure("slow", [40, 60], target=50, beside="fast"), figure("fast", [20], target=50)
    _, first, second = table([slow, fast]).splitlines()
    assert "< 50 MISSED" in first
    assert first.endswith("2.00 x fast")
    assert "< 50 met" in second


def test_rounds_are_judged_by_their_middle_and_rates_by_what_they_reach() -> None:
    rate = figure("calls", [4_000, 6_000, 6_500], target=5_000, unit="/s", more=True)
    assert (rate.best, rate.p50, rate.p95) == (6_500, 6_000, 4_000)
    assert rate.verdict == ">= 5000 MISSED"
    assert figure("calls", [4_000, 6_000, 6_500], target=5_000, more=True, rounds=True).verdict == ">= 5000 met"
    assert figure("added", [0.4, 0.5, 0.9], target=0.6, rounds=True).verdict == "< 0.6 met"
    assert figure("added", [0.4, 0.5, 0.9], target=0.6).verdict == "< 0.6 MISSED"
    assert figure("added", [1]).verdict == ""
    assert "6,000.00" in table([rate])


def stored_rollups(session: Session) -> list[Any]:
    """All but their ids, which in the bench are not the product's."""
    session.expunge_all()
    found = session.exec(select(UsageRollup)).all()
    return sorted(
        tuple(str(value) for name, value in sorted(row.model_dump().items()) if name != "id") for row in found
    )


def test_the_ledger_has_the_rows_asked_for_and_the_product_s_rollups(session: Session) -> None:
    now = utcnow()
    tenants = generate.tenants(session)
    generate.fill(session, tenants, now, 1_000)
    rows = session.exec(select(UsageLog)).all()
    assert len(rows) == 1_000
    assert {row.organization_id for row in rows} == {tenant.actor.organization_id for tenant in tenants}
    found = stored_rollups(session)
    session.connection().execute(text("DELETE FROM usage_rollups"))
    changes = RollupChanges()
    for row in rows:
        changes.add(row.model_dump())
    changes.apply(session)
    assert found == stored_rollups(session)


def test_the_same_seed_gives_the_same_rows() -> None:
    actor = Actor("user", "organization", UserRole.USER, TeamRole.OWNER)
    now = utcnow()
    one, same, other = (list(generate.generated(Random(seed), actor, 50, now)) for seed in (1, 1, 2))
    assert one == same
    assert one != other
