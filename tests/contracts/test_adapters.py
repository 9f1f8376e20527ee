"""What every adapter must do with good answers, whatever the vendor: the same suite for all, over real HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardian import errors
from guardian.providers.base import BaseProvider
from tests.contracts.vendors import (
    DAY,
    DAY0,
    HOUR,
    T0,
    VENDORS,
    Vendor,
    cost_report,
    costs,
    usage,
    usage_report,
)
from tests.fakes.provider_server import FakeProvider


def those(has: Callable[[Vendor], Any]) -> pytest.MarkDecorator:
    """Run for the vendors that have it."""
    return pytest.mark.parametrize("vendor", [v for v in VENDORS if has(v)], ids=lambda v: v.name)


with_usage = those(lambda v: v.usage)
with_pages = those(lambda v: v.usage and v.usage.small_pages)
with_costs = those(lambda v: v.costs)


def plant_20_days(fake: FakeProvider, vendor: Vendor) -> None:
    """A row on each of 20 days, at five o'clock, which make three pages."""
    report = usage_report(vendor)
    assert report.small_pages
    report.small_pages(fake)
    for day in range(20):
        report.plant(fake, T0 + day * 86400 + 3600 * 5, 100 + day, 10, "key_a")


@with_pages
def test_a_walk_gives_every_bucket_of_the_window_once_and_in_order(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    plant_20_days(fake, vendor)
    buckets = usage(adapter, vendor, days=20)
    assert [b.start for b in buckets] == [DAY0 + n * HOUR for n in range(480)]
    assert all(b.end == b.start + HOUR for b in buckets)
    filled = {b.start: b.records for b in buckets if b.records}
    assert list(filled) == [DAY0 + day * DAY + 5 * HOUR for day in range(20)]
    assert [r.counts.input_tokens for records in filled.values() for r in records] == [100 + d for d in range(20)]


@with_pages
def test_all_pages_of_a_walk_ask_exactly_the_same_question(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    plant_20_days(fake, vendor)
    report = usage_report(vendor)
    usage(adapter, vendor, days=20)
    asked = fake.requests(report.path)
    assert len(asked) == 3
    assert len({tuple(q for q in r.query if q[0] != report.page_param) for r in asked}) == 1
    assert [sum(n == report.page_param for n, _ in r.query) for r in asked] == [0, 1, 1]


@with_costs
def test_days_of_cost_without_spend_are_reported_empty(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    cost_report(vendor).plant(fake, T0 + 86400, Decimal("1.25"), "something")
    days = costs(adapter, vendor, days=3)
    assert [d.start for d in days] == [DAY0, DAY0 + DAY, DAY0 + 2 * DAY]
    assert [[r.amount for r in d.records] for d in days] == [[], [Decimal("1.25")], []]


@with_usage
def test_hours_without_usage_are_reported_empty(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    buckets = usage(adapter, vendor)
    assert [b.start for b in buckets] == [DAY0 + n * HOUR for n in range(48)]
    assert all(b.records == () for b in buckets)


@with_usage
def test_half_an_hour_is_asked_for_as_a_whole_one(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    report = usage_report(vendor)
    report.plant(fake, T0 + 60, 7, 1, "key_a")
    odd = DAY0 + timedelta(minutes=30)
    (bucket,) = adapter.get_usage(report.key, odd, odd + timedelta(minutes=5), report.report)
    assert (bucket.start, bucket.end) == (DAY0, DAY0 + HOUR)
    assert bucket.records[0].counts.input_tokens == 7


@with_usage
def test_the_running_hour_is_in_it(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    now, report = datetime.now(UTC), usage_report(vendor)
    report.plant(fake, int(now.timestamp()) - 1, 11, 1, "key_a")
    hours = list(adapter.get_usage(report.key, now - 2 * HOUR, now + 3 * DAY, report.report))
    assert [r.counts.input_tokens for b in hours for r in b.records] == [11]


@with_costs
def test_the_running_day_is_in_it(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    now, report = datetime.now(UTC), cost_report(vendor)
    report.plant(fake, int(now.timestamp()) - 1, Decimal(3), "something")
    days = list(adapter.get_costs(report.key, now - DAY, now + 3 * DAY))
    assert [r.amount for d in days for r in d.records] == [Decimal(3)]


@with_costs
def test_today_alone_can_be_asked_for(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    now, report = datetime.now(UTC), cost_report(vendor)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    report.plant(fake, int(today.timestamp()), Decimal(3), "today")
    report.plant(fake, int(today.timestamp()) - 1, Decimal(5), "yesterday")
    days = list(adapter.get_costs(report.key, today, now + DAY))
    assert [r.line_item for d in days for r in d.records] == ["today"]


@with_usage
def test_a_window_in_the_future_asks_nothing(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    ahead, report = datetime.now(UTC) + 5 * DAY, usage_report(vendor)
    assert list(adapter.get_usage(report.key, ahead, ahead + DAY, report.report)) == []
    assert fake.log == []


@with_usage
def test_restated_and_deleted_rows_show_in_the_next_walk(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    report = usage_report(vendor)
    kept = report.plant(fake, T0, 100, 10, "key_a")
    gone = report.plant(fake, T0, 5, 1, "key_b")
    assert usage(adapter, vendor) == usage(adapter, vendor)
    report.restate(fake, kept, 99)
    report.delete(fake, gone)
    records = usage(adapter, vendor)[0].records
    assert [(report.key_of(r), r.counts.output_tokens) for r in records] == [("key_a", 99)]


@with_usage
def test_unknown_fields_of_usage_are_ignored(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    report = usage_report(vendor)
    report.plant(fake, T0, 100, 10, "key_a")
    plain = usage(adapter, vendor)

    def decorate(body: dict[str, Any]) -> None:
        body["generated_at"] = "now"
        report.change(body, "note", {"a": [None], "email": "ada@example.com"})

    fake.alter(report.path, decorate)
    assert usage(adapter, vendor) == plain


@with_costs
def test_unknown_fields_of_costs_are_ignored(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    report = cost_report(vendor)
    report.plant(fake, T0, Decimal(3), "something")
    plain = costs(adapter, vendor)

    def decorate(body: dict[str, Any]) -> None:
        body["generated_at"] = "now"
        report.change(body, "note", "more")

    fake.alter(report.path, decorate)
    assert costs(adapter, vendor) == plain


@with_usage
def test_a_report_that_does_not_exist_is_our_mistake(adapter: BaseProvider, vendor: Vendor) -> None:
    with pytest.raises(errors.ValidationError, match="no usage report named 'nonsense'"):
        list(adapter.get_usage(usage_report(vendor).key, DAY0, DAY0 + DAY, "nonsense"))


tokens = st.integers(0, 10**12)
planted = st.lists(st.tuples(st.integers(0, 2 * 86400 - 1), tokens, tokens, st.sampled_from(["k1", "k2", "k3"])))
many = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@with_usage
@given(rows=planted)
@many
def test_whatever_is_planted_comes_out_sound_and_complete(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, rows: list[tuple[int, int, int, str]]
) -> None:
    report = usage_report(vendor)
    report.clear(fake)
    for at, uncached, output, key in rows:
        report.plant(fake, T0 + at, uncached, output, key)
    records = [r for b in usage(adapter, vendor) for r in b.records]
    assert all(r.counts.problems() == [] for r in records)
    for key in ("k1", "k2", "k3"):
        mine = [r.counts for r in records if report.key_of(r) == key]
        assert sum(c.input_tokens for c in mine) == sum(u for _, u, _, k in rows if k == key)
        assert sum(c.output_tokens for c in mine) == sum(o for _, _, o, k in rows if k == key)


@with_pages
@given(data=st.data())
@many
def test_any_split_order_or_repetition_of_pages_gives_the_same_records(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, data: st.DataObject
) -> None:
    report = usage_report(vendor)
    assert report.pieces
    assert report.page
    fake.heal()
    report.clear(fake)
    for n, (at, uncached, output, _) in enumerate(data.draw(planted)):
        report.plant(fake, T0 + at, uncached, output, f"key_{n}")
    plain = usage(adapter, vendor)
    r = fake.requests(report.path)[-1]
    whole = fake.answer(r.vendor, r.method, r.target, r.query, r.headers, None).body
    # Every piece is put on one or more of the pages.
    number = data.draw(st.integers(1, 12))
    pages: list[list[dict[str, Any]]] = [[] for _ in range(number)]
    for piece in report.pieces(whole):
        for page in data.draw(st.sets(st.integers(0, number - 1), min_size=1, max_size=3)):
            pages[page].append(piece)
    bodies = [report.page(page, f"p{n}" if n < number - 1 else None) for n, page in enumerate(pages)]
    fake.serve(report.path, *bodies)
    assert [(b.start, b.end, set(map(repr, b.records))) for b in usage(adapter, vendor)] == [
        (b.start, b.end, set(map(repr, b.records))) for b in plain
    ]
