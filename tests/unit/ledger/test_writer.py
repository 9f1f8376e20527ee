"""replace_buckets and replace_costs: the ledger says exactly what the provider said last, and is touched no more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlmodel import Session

from guardian import db
from guardian.errors import ProviderContractBroken
from guardian.models import User
from guardian.models.enums import CostSource, Provider
from guardian.periods import DAY
from guardian.pricing.overrides import Override
from guardian.records import UsageCounts
from guardian.services.ledger.bills.rows import whole_rows
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.services.ledger.sql.tables import COSTS, USAGE
from guardian.services.ledger.writing.buckets import WriteResult, replace_buckets, replace_costs
from tests.conftest import People
from tests.unit.ledger.making import T0, account, bucket, contents, cost, cost_bucket, usage


def rows(session: Session) -> list[dict[str, object]]:
    found = session.connection().execute(select(USAGE).order_by(USAGE.c.timestamp)).mappings()
    return whole_rows(session, [dict(row) for row in found])


def test_a_row_has_what_was_stated_its_price_and_its_bill(session: Session, people: People) -> None:
    record = usage(
        tokens=1_000_000,
        external_key_id="key_Ab1",
        external_user_id="user_1",
        service_tier="default",
        dimensions={"context_window": "0-200k"},
        counts=UsageCounts(input_tokens=1_000_000, cache_read_tokens=400_000, output_tokens=50_000, reasoning_tokens=7),
    )
    assert replace_buckets(session, account(people.alice), [bucket(0, record)]) == WriteResult(read=1, added=1)
    [row] = rows(session)
    # 600k × $2 + 400k × $0.20 + 50k × $10, per million.
    assert row["cost"] == Decimal("1.78")
    assert row["cost_source"] is CostSource.COMPUTED
    assert sum(Decimal(line["amount"]) for line in row["bill"]) == row["cost"]  # type: ignore[attr-defined]
    assert (row["timestamp"], row["bucket_end"]) == (T0, T0 + timedelta(hours=1))
    assert (row["total_tokens"], row["cache_read_tokens"], row["reasoning_tokens"]) == (1_050_000, 400_000, 7)
    assert (row["origin"], row["series"], row["requests"]) == ("sync", "completions", 100)
    assert (row["project_id"], row["external_key_id"], row["external_user_id"]) == ("proj_web", "key_Ab1", "user_1")
    assert row["metadata"] == {"context_window": "0-200k"}
    assert row["api_key_id"] is None
    contents(session)


def test_what_is_billed_but_is_no_token_is_kept_digit_for_digit(session: Session, people: People) -> None:
    counts = UsageCounts(units={"seconds": Decimal("12.50"), "images": Decimal("3.0")})
    record = usage(counts=counts, operation="images", model="nobody-knows-it")
    replace_buckets(session, account(people.alice), [bucket(0, record)])
    assert rows(session)[0]["units"] == {"seconds": "12.5", "images": "3"}
    again = replace(record, counts=replace(counts, units={"images": Decimal(3), "seconds": Decimal("12.5")}))
    assert not replace_buckets(session, account(people.alice), [bucket(0, again)]).altered


def test_the_same_word_twice_changes_nothing(session: Session, people: People) -> None:
    stated = [bucket(h, usage(h), usage(h, project_id="proj_etl")) for h in range(5)]
    replace_buckets(session, account(people.alice), stated)
    session.commit()
    before = contents(session)
    versions = text("SELECT id, xmin::text, ctid::text FROM usage_logs ORDER BY id")
    written = session.connection().execute(versions).all()
    result = replace_buckets(session, account(people.alice), stated)
    assert result == WriteResult(read=10, unchanged=10)
    session.commit()
    assert session.connection().execute(versions).all() == written  # not even rewritten
    assert contents(session) == before


def test_restated_rows_change_missing_ones_go_and_other_buckets_stay(session: Session, people: People) -> None:
    target = account(people.alice)
    replace_buckets(
        session,
        target,
        [bucket(0, usage(0), usage(0, project_id="proj_etl")), bucket(1, usage(1)), bucket(2, usage(2))],
    )
    result = replace_buckets(session, target, [bucket(0, usage(0, tokens=9_000)), bucket(1)])
    assert result == WriteResult(read=1, changed=1, removed=2)
    assert [(r["timestamp"], r["input_tokens"]) for r in rows(session)] == [
        (T0, 9_000),
        (T0 + timedelta(hours=2), 1_000),
    ]
    contents(session)


def test_a_row_that_comes_twice_counts_once_as_last_stated(session: Session, people: People) -> None:
    split = [bucket(0, usage(0, tokens=100)), bucket(0, usage(0, tokens=200), usage(0, project_id="proj_etl"))]
    assert replace_buckets(session, account(people.alice), split) == WriteResult(read=2, added=2)
    assert sorted(r["input_tokens"] for r in rows(session)) == [200, 1_000]  # type: ignore[type-var]


def test_every_dimension_tells_rows_apart(session: Session, people: People) -> None:
    kinds = [
        usage(),
        usage(model="gpt-6-luna"),
        usage(operation="embeddings"),
        usage(project_id=None),
        usage(project_id=""),
        usage(external_key_id="key_1"),
        usage(external_user_id="key_1"),
        usage(service_tier="batch"),
        usage(dimensions={"size": "1024x1024"}),
        usage(dimensions={"size": "1024", "x": "1024"}),
    ]
    assert replace_buckets(session, account(people.alice), [bucket(0, *kinds)]).added == len(kinds)
    assert replace_buckets(session, account(people.alice), [bucket(0, *kinds[::-1])]).unchanged == len(kinds)


def test_series_accounts_and_organizations_do_not_touch_each_other(session: Session, people: People) -> None:
    mine, theirs = account(people.alice), account(people.charlie)
    other = account(people.alice, account_id="org-other")
    for target in (mine, theirs, other):
        replace_buckets(session, target, [bucket(0, usage())])
    replace_buckets(session, mine, [bucket(0, usage(), series="embeddings")])
    assert len(rows(session)) == 4
    replace_buckets(session, mine, [bucket(0)])
    assert len(rows(session)) == 3
    contents(session)


def test_two_keys_of_one_account_do_not_double(session: Session, people: People) -> None:
    replace_buckets(session, account(people.alice), [bucket(0, usage())])
    result = replace_buckets(session, account(people.bob), [bucket(0, usage())])
    assert result == WriteResult(read=1, unchanged=1)
    replace_buckets(session, account(people.bob), [bucket(0, usage(tokens=5))])
    assert [r["user_id"] for r in rows(session)] == [people.alice.user_id]
    contents(session)


def test_another_bucket_width_takes_the_place_of_the_first(session: Session, people: People) -> None:
    target = account(people.alice)
    replace_buckets(session, target, [bucket(0, usage(0, width=DAY, tokens=24_000), width=DAY)])
    hours = [bucket(h, usage(h)) for h in range(24)]
    assert replace_buckets(session, target, hours) == WriteResult(read=24, added=24, removed=1)
    day = bucket(0, usage(0, width=DAY, tokens=24_000), width=DAY)
    assert replace_buckets(session, target, [day]) == WriteResult(read=1, added=1, removed=24)
    assert sum(r["input_tokens"] for r in rows(session)) == 24_000  # type: ignore[misc]
    contents(session)


@pytest.mark.parametrize("hour", [0, 7, 23])
def test_a_part_of_a_wider_row_is_refused_and_nothing_is_lost(session: Session, people: People, hour: int) -> None:
    target = account(people.alice)
    replace_buckets(session, target, [bucket(0, usage(0, width=DAY), width=DAY)])
    session.commit()
    before = contents(session)
    with pytest.raises(ProviderContractBroken, match=r"only a part of 2026-11-01 00:00 to 2026-11-02 00:00 UTC"):
        replace_buckets(session, target, [bucket(hour, usage(hour))])
    session.rollback()
    assert contents(session) == before
    # The neighbours are none of its business.
    assert replace_buckets(session, target, [bucket(-1, usage(-1)), bucket(24, usage(24))]).added == 2


def test_buckets_that_overlap_and_rows_outside_their_bucket_are_refused(session: Session, people: People) -> None:
    target = account(people.alice)
    with pytest.raises(ProviderContractBroken, match="overlap"):
        replace_buckets(session, target, [bucket(0, width=DAY), bucket(3, usage(3))])
    with pytest.raises(ProviderContractBroken, match="has a row of"):
        replace_buckets(session, target, [bucket(0, usage(1))])
    with pytest.raises(ProviderContractBroken, match="ANTHROPIC record"):
        replace_buckets(session, target, [bucket(0, usage(provider=Provider.ANTHROPIC))])


def test_unknown_is_never_zero_and_is_priced_once_a_price_is_known(session: Session, people: People) -> None:
    target = account(people.alice)
    stated = [bucket(0, usage(model="made-up-model", tokens=2_000_000))]
    replace_buckets(session, target, stated)
    [row] = rows(session)
    assert (row["cost"], row["cost_source"]) == (None, CostSource.UNPRICED)
    assert "made-up-model" in str(row["cost_reason"])
    assert replace_buckets(session, target, stated) == WriteResult(read=1, unchanged=1)
    agreed = Override(
        id="o1",
        provider=Provider.OPENAI,
        model_pattern="made-up-*",
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        prices={"input_tokens": Decimal(1), "output_tokens": Decimal(2)},
    )
    assert replace_buckets(session, replace(target, overrides=(agreed,)), stated).changed == 1
    assert rows(session)[0]["cost"] == Decimal("2.4")
    contents(session)


def test_a_priced_row_keeps_its_price_until_its_facts_change(session: Session, people: People) -> None:
    target = account(people.alice)
    replace_buckets(session, target, [bucket(0, usage(tokens=1_000_000))])
    half = Override(
        id="o1",
        provider=Provider.OPENAI,
        model_pattern="*",
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        percent_of_list=Decimal(50),
    )
    cheaper = replace(target, overrides=(half,))
    assert replace_buckets(session, cheaper, [bucket(0, usage(tokens=1_000_000))]).unchanged == 1
    assert rows(session)[0]["cost"] == Decimal(3)
    replace_buckets(session, cheaper, [bucket(0, usage(tokens=2_000_000))])
    assert rows(session)[0]["cost"] == Decimal(3)
    assert rows(session)[0]["price_source"] != "genai-prices"


def test_the_providers_own_cost_is_a_fact(session: Session, people: People) -> None:
    target = account(people.alice)
    replace_buckets(session, target, [bucket(0, usage(provider_cost=Decimal("0.5")))])
    assert replace_buckets(session, target, [bucket(0, usage(provider_cost=Decimal("0.5")))]).unchanged == 1
    assert replace_buckets(session, target, [bucket(0, usage(provider_cost=Decimal("0.75")))]).changed == 1
    assert (rows(session)[0]["cost"], rows(session)[0]["cost_source"]) == (Decimal("0.75"), CostSource.PROVIDER)
    contents(session)


def test_months_without_a_partition_get_one(session: Session, people: People) -> None:
    replace_buckets(session, account(people.alice), [bucket(-24 * 400, usage(-24 * 400)), bucket(0, usage())])
    assert len(rows(session)) == 2
    assert ensure_partitions(session, T0 - timedelta(days=400), T0) == []


def test_absurd_amounts_are_refused_in_words(session: Session, people: People) -> None:
    with pytest.raises(ProviderContractBroken, match="cannot be believed"):
        replace_buckets(session, account(people.alice), [bucket(0, usage(tokens=2**62))])


def test_nothing_listed_is_nothing_said(session: Session, people: People) -> None:
    replace_buckets(session, account(people.alice), [bucket(0, usage())])
    assert replace_buckets(session, account(people.alice), []) == WriteResult()
    assert replace_costs(session, account(people.alice), []) == WriteResult()
    assert len(rows(session)) == 1


def test_the_billed_book_follows_the_same_rules(session: Session, people: People) -> None:
    target = account(people.alice)
    credit = cost(0, "-0.5", line_item="credit")
    tokens = cost(0, "0.7", quantity=Decimal(350_000_000_000_000), quantity_unit="tokens")
    first = [cost_bucket(0, tokens, credit), cost_bucket(1, cost(1))]
    assert replace_costs(session, target, first) == WriteResult(read=3, added=3)
    assert replace_costs(session, target, first) == WriteResult(read=3, unchanged=3)
    result = replace_costs(session, target, [cost_bucket(0, replace(tokens, amount=Decimal("0.8")))])
    assert result == WriteResult(read=1, changed=1, removed=1)
    billed = session.connection().execute(select(COSTS.c.billed_cost).order_by(COSTS.c.period_start)).scalars().all()
    assert billed == [Decimal("0.8"), Decimal("1.00")]
    replace_costs(session, account(people.charlie), [cost_bucket(0)])
    assert len(session.connection().execute(select(COSTS)).all()) == 2


def test_the_owner_of_a_reported_row_is_not_who_spent(session: Session, people: People) -> None:
    replace_buckets(session, account(people.alice), [bucket(0, usage())])
    assert [row[-1] for row in contents(session, without=())["usage_logs"]] != []
    found = session.connection().execute(text("SELECT user_id, api_key_id FROM usage_rollups")).all()
    assert found == [(None, None)]
    assert session.get(User, people.alice.user_id) is not None


def test_a_month_begins_while_somebody_reads(session: Session, people: People) -> None:
    """An export of hours reads the table in one transaction; what is written meanwhile does not wait for it."""
    assert rows(session) == []  # the reader's transaction stays open
    with db.session() as writer:
        writer.connection().execute(text("SET lock_timeout = '5s'"))
        assert ensure_partitions(writer, T0, T0) == [f"usage_logs_{T0:%Y_%m}"]
        replace_buckets(writer, account(people.alice), [bucket(0, usage(0))])
    assert len(rows(session)) == 1


def test_a_month_made_later_is_as_the_others(session: Session) -> None:
    ensure_partitions(session, T0, T0)
    count = text(
        "SELECT (SELECT count(*) FROM pg_index WHERE indrelid = t.oid), "
        "(SELECT count(*) FROM pg_constraint WHERE conrelid = t.oid), "
        "(SELECT count(*) FROM pg_attrdef WHERE adrelid = t.oid) "
        "FROM pg_class t WHERE relname = :name"
    )
    whole, month = (
        tuple(session.connection().execute(count, {"name": name}).one())
        for name in ("usage_logs", f"usage_logs_{T0:%Y_%m}")
    )
    assert month == whole
    assert all(whole)
