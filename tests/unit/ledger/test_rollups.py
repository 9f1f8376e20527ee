"""Rollups: always the sums of their rows, whatever is added, taken away, or interleaved."""

import threading
from decimal import Decimal

from sqlalchemy import select, text
from sqlmodel import Session

from guardian import db
from guardian.embedded.processes import wait_until
from guardian.models import UsageLog
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.services.ledger.sql.tables import USAGE
from guardian.services.ledger.sums.rollups import RollupChanges, disagreements
from guardian.services.ledger.writing.buckets import WriteResult, replace_buckets
from tests.conftest import People
from tests.unit.ledger.making import T0, account, bucket, contents, usage


def rollups(session: Session) -> list[dict[str, object]]:
    query = text('SELECT * FROM usage_rollups ORDER BY hour, model, "rows"')
    return [dict(row) for row in session.connection().execute(query).mappings()]


def test_an_hour_adds_up(session: Session, people: People) -> None:
    known = [usage(0, tokens=1_000_000), usage(0, tokens=500_000, dimensions={"speed": "fast"}, requests=None)]
    unknown = usage(0, tokens=700, model="made-up-model")
    replace_buckets(session, account(people.alice), [bucket(0, *known, unknown), bucket(1, usage(1))])
    in_hour = {row["model"]: row for row in rollups(session) if row["hour"] == T0 and row["cost_source"] != "estimated"}
    assert (in_hour["made-up-model"]["unpriced_rows"], in_hour["made-up-model"]["unpriced_tokens"]) == (1, 770)
    assert in_hour["made-up-model"]["cost"] == 0
    assert (in_hour["gpt-6-sol"]["input_tokens"], in_hour["gpt-6-sol"]["requests"]) == (1_000_000, 100)
    assert disagreements(session) == []


def test_a_rollup_without_rows_is_gone(session: Session, people: People) -> None:
    replace_buckets(session, account(people.alice), [bucket(0, usage()), bucket(1, usage(1))])
    replace_buckets(session, account(people.alice), [bucket(0), bucket(1)])
    assert rollups(session) == []


def test_moving_between_dimensions_empties_the_one_and_fills_the_other(session: Session, people: People) -> None:
    target = account(people.alice)
    replace_buckets(session, target, [bucket(0, usage(model="made-up-model"))])
    replace_buckets(session, target, [bucket(0, usage(model="gpt-6-sol"))])
    assert [(row["model"], row["cost_source"], row["rows"]) for row in rollups(session)] == [
        ("gpt-6-sol", CostSource.COMPUTED, 1)
    ]
    contents(session)


def test_tracked_rows_keep_who_spent(session: Session, people: People) -> None:
    ensure_partitions(session, T0, T0)
    row = UsageLog(
        timestamp=T0,
        provider=Provider.OPENAI,
        model="gpt-6-sol",
        operation="chat",
        origin=UsageOrigin.GATEWAY,
        requests=1,
        input_tokens=10,
        total_tokens=10,
        cost=Decimal("0.00002"),
        cost_source=CostSource.COMPUTED,
        user_id=people.bob.user_id,
        organization_id=people.bob.organization_id,
    )
    session.add(row)
    session.flush()
    changes = RollupChanges()
    changes.add(row.model_dump())
    changes.apply(session)
    assert [found["user_id"] for found in rollups(session)] == [people.bob.user_id]
    assert disagreements(session) == []


def test_a_disagreement_is_found_and_named(session: Session, people: People) -> None:
    replace_buckets(session, account(people.alice), [bucket(0, usage()), bucket(1, usage(1)), bucket(2, usage(2))])
    ids = [row["id"] for row in rollups(session)]
    session.connection().execute(text("UPDATE usage_rollups SET cost = cost + 1 WHERE id = :id"), {"id": ids[0]})
    session.connection().execute(text("DELETE FROM usage_rollups WHERE id = :id"), {"id": ids[1]})
    session.connection().execute(
        text("DELETE FROM usage_logs WHERE timestamp = (SELECT max(timestamp) FROM usage_logs)")
    )
    found = disagreements(session)
    assert len(found) == 3
    assert any("says cost" in one for one in found)
    assert any("is missing" in one for one in found)
    assert any("has no rows" in one for one in found)
    assert disagreements(session, people.charlie.organization_id) == []


def test_writers_at_once_lose_nothing_and_never_block_each_other_for_good(session: Session, people: People) -> None:
    """Four accounts of two organizations, each written by two threads, the rows of each in another order."""
    ensure_partitions(session, T0, T0)
    session.commit()
    errors: list[BaseException] = []

    def write(actor: str, number: int, turn: int) -> None:
        target = account(getattr(people, actor), account_id=f"org-{number}")
        rows = [usage(h, tokens=100 * (turn + 1)) for h in range(6)]
        try:
            for _ in range(3):
                with db.session() as own:
                    stated = [bucket(h, rows[h]) for h in (range(6) if turn else reversed(range(6)))]
                    replace_buckets(own, target, stated)
        except BaseException as error:  # noqa: BLE001  # shown by the test
            errors.append(error)

    threads = [
        threading.Thread(target=write, args=(actor, number, turn))
        for actor in ("alice", "charlie")
        for number in range(2)
        for turn in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(contents(session)["usage_logs"]) == 24


def somebody_waits() -> bool:
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with db.engine().connect() as connection:
        return bool(connection.execute(query).scalar_one())


def test_a_second_writer_of_an_account_waits_and_then_sees_what_the_first_one_wrote(
    session: Session, people: People
) -> None:
    ensure_partitions(session, T0, T0)
    session.commit()  # or else the second writer would wait for the partition
    stated = [bucket(h, usage(h)) for h in range(3)]
    replace_buckets(session, account(people.alice), stated)
    found: list[WriteResult] = []

    def write() -> None:
        with db.session() as own:
            found.append(replace_buckets(own, account(people.alice), stated))

    thread = threading.Thread(target=write)
    thread.start()
    assert wait_until(somebody_waits, 30)
    session.commit()
    thread.join()
    assert found == [WriteResult(read=3, unchanged=3)]
    contents(session)


def test_rollups_are_locked_in_the_order_of_their_keys(session: Session, people: People) -> None:
    """A writer that waits for the first rollup must not hold the second one: that is how circles begin."""
    target = account(people.alice)
    replace_buckets(session, target, [bucket(0, *(usage(model=f"model-{n}") for n in range(9)))])
    session.commit()
    ids = sorted(str(row["id"]) for row in rollups(session))
    session.rollback()
    in_order = text("SELECT id FROM usage_rollups WHERE id = :id FOR UPDATE NOWAIT")
    session.connection().execute(in_order, {"id": ids[0]})
    rows = {row["model"]: row for row in rollups(session)}
    changes = RollupChanges()
    # The last of all keys first.
    for model in sorted(rows, key=lambda model: str(rows[model]["id"]), reverse=True):
        [row] = session.connection().execute(select(USAGE).where(USAGE.c.model == model)).mappings()
        changes.add(dict(row))

    def write() -> None:
        with db.session() as own:
            changes.apply(own)
            own.rollback()

    thread = threading.Thread(target=write)
    thread.start()
    assert wait_until(somebody_waits, 30)
    for id in ids[1:]:
        session.connection().execute(in_order, {"id": id})
    session.rollback()
    thread.join()
