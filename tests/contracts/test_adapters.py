"""What every adapter must do with good answers, whatever the vendor: the same suite for all, over real HTTP."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardian import errors
from guardian.providers.base import BaseProvider
from tests.contracts.vendors import DAY, DAY0, HOUR, T0, VENDORS, Vendor, costs, usage
from tests.fakes.provider_server import FakeProvider

pytestmark = pytest.mark.parametrize("vendor", VENDORS, ids=lambda v: v.name)


def test_a_walk_gives_every_bucket_of_the_window_once_and_in_order(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    for day in range(20):
        vendor.plant(fake, T0 + day * 86400 + 3600 * 5, 100 + day, 10, "key_a")
    buckets = usage(adapter, vendor, days=20)
    assert [b.start for b in buckets] == [DAY0 + n * HOUR for n in range(480)]
    assert all(b.end == b.start + HOUR for b in buckets)
    filled = {b.start: b.records for b in buckets if b.records}
    assert list(filled) == [DAY0 + day * DAY + 5 * HOUR for day in range(20)]
    assert [r.counts.input_tokens for records in filled.values() for r in records] == [100 + d for d in range(20)]


def test_all_pages_of_a_walk_ask_exactly_the_same_question(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    usage(adapter, vendor, days=20)
    asked = fake.requests(vendor.usage_path)
    assert len(asked) == 3
    assert len({tuple(q for q in r.query if q[0] != "page") for r in asked}) == 1
    assert [sum(n == "page" for n, _ in r.query) for r in asked] == [0, 1, 1]


def test_days_of_cost_without_spend_are_reported_empty(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    vendor.plant_cost(fake, T0 + 86400, Decimal("1.25"), "something")
    days = costs(adapter, vendor, days=3)
    assert [d.start for d in days] == [DAY0, DAY0 + DAY, DAY0 + 2 * DAY]
    assert [[r.amount for r in d.records] for d in days] == [[], [Decimal("1.25")], []]


def test_half_an_hour_is_asked_for_as_a_whole_one(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    vendor.plant(fake, T0 + 60, 7, 1, "key_a")
    odd = DAY0 + timedelta(minutes=30)
    (bucket,) = adapter.get_usage(vendor.admin_key, odd, odd + timedelta(minutes=5), vendor.report)
    assert (bucket.start, bucket.end) == (DAY0, DAY0 + HOUR)
    assert bucket.records[0].counts.input_tokens == 7


def test_the_running_hour_and_day_are_in_it(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    now = datetime.now(UTC)
    vendor.plant(fake, int(now.timestamp()) - 1, 11, 1, "key_a")
    vendor.plant_cost(fake, int(now.timestamp()) - 1, Decimal(3), "something")
    later = now + 3 * DAY
    hours = list(adapter.get_usage(vendor.admin_key, now - 2 * HOUR, later, vendor.report))
    assert [r.counts.input_tokens for b in hours for r in b.records] == [11]
    days = list(adapter.get_costs(vendor.admin_key, now - DAY, later))
    assert [r.amount for d in days for r in d.records] == [Decimal(3)]


def test_today_alone_can_be_asked_for(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    now = datetime.now(UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    vendor.plant_cost(fake, int(today.timestamp()), Decimal(3), "today")
    vendor.plant_cost(fake, int(today.timestamp()) - 1, Decimal(5), "yesterday")
    days = list(adapter.get_costs(vendor.admin_key, today, now + DAY))
    assert [r.line_item for d in days for r in d.records] == ["today"]


def test_a_window_in_the_future_asks_nothing(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    ahead = datetime.now(UTC) + 5 * DAY
    assert list(adapter.get_usage(vendor.admin_key, ahead, ahead + DAY, vendor.report)) == []
    assert fake.log == []


def test_restated_and_deleted_rows_show_in_the_next_walk(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor
) -> None:
    kept = vendor.plant(fake, T0, 100, 10, "key_a")
    gone = vendor.plant(fake, T0, 5, 1, "key_b")
    assert usage(adapter, vendor) == usage(adapter, vendor)
    vendor.usage(fake).restate(kept, **{vendor.output_field: 99})
    vendor.usage(fake).delete(gone)
    records = usage(adapter, vendor)[0].records
    assert [(r.external_key_id, r.counts.output_tokens) for r in records] == [("key_a", 99)]


def test_unknown_fields_and_lists_are_ignored(fake: FakeProvider, adapter: BaseProvider, vendor: Vendor) -> None:
    vendor.plant(fake, T0, 100, 10, "key_a")
    plain = usage(adapter, vendor)

    def decorate(body: dict[str, Any]) -> None:
        body["generated_at"] = "now"
        for bucket in body["data"]:
            bucket["note"] = [1, 2]
            for row in bucket["results"]:
                row |= {"user_email": "ada@example.com", "nested": {"a": [None]}}

    fake.alter(vendor.usage_path, decorate)
    assert usage(adapter, vendor) == plain


def test_a_report_that_does_not_exist_is_our_mistake(adapter: BaseProvider, vendor: Vendor) -> None:
    with pytest.raises(errors.ValidationError, match="no usage report named 'nonsense'"):
        list(adapter.get_usage(vendor.admin_key, DAY0, DAY0 + DAY, "nonsense"))


tokens = st.integers(0, 10**12)
planted = st.lists(st.tuples(st.integers(0, 2 * 86400 - 1), tokens, tokens, st.sampled_from(["k1", "k2", "k3"])))


@given(rows=planted)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_whatever_is_planted_comes_out_sound_and_complete(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, rows: list[tuple[int, int, int, str]]
) -> None:
    vendor.usage(fake).clear()
    for at, uncached, output, key in rows:
        vendor.plant(fake, T0 + at, uncached, output, key)
    records = [r for b in usage(adapter, vendor) for r in b.records]
    assert all(r.counts.problems() == [] for r in records)
    for key in ("k1", "k2", "k3"):
        mine = [r.counts for r in records if r.external_key_id == key]
        assert sum(c.input_tokens for c in mine) == sum(u for _, u, _, k in rows if k == key)
        assert sum(c.output_tokens for c in mine) == sum(o for _, _, o, k in rows if k == key)


@given(data=st.data())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_split_order_or_repetition_of_pages_gives_the_same_records(
    fake: FakeProvider, adapter: BaseProvider, vendor: Vendor, data: st.DataObject
) -> None:
    fake.heal()
    vendor.usage(fake).clear()
    for n, (at, uncached, output, _) in enumerate(data.draw(planted)):
        vendor.plant(fake, T0 + at, uncached, output, f"key_{n}")
    plain = usage(adapter, vendor)
    (whole,) = [
        fake.answer(vendor.name.lower(), r.method, r.path, r.query, r.headers, None).body for r in fake.log[-1:]
    ]
    # Every row, and every bucket as an empty one, is put on one or more of the pages.
    pieces = [{**b, "results": [row]} for b in whole["data"] for row in b["results"]]
    pieces += [{**b, "results": []} for b in whole["data"]]
    number = data.draw(st.integers(1, 12))
    pages: list[list[dict[str, Any]]] = [[] for _ in range(number)]
    for piece in pieces:
        for page in data.draw(st.sets(st.integers(0, number - 1), min_size=1, max_size=3)):
            pages[page].append(piece)
    bodies = [
        whole | {"data": page, "has_more": n < number - 1, "next_page": f"p{n}" if n < number - 1 else None}
        for n, page in enumerate(pages)
    ]
    fake.serve(vendor.usage_path, *bodies)
    assert [(b.start, b.end, set(map(repr, b.records))) for b in usage(adapter, vendor)] == [
        (b.start, b.end, set(map(repr, b.records))) for b in plain
    ]
