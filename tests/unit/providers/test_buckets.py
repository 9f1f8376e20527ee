"""Buckets: rows of one identity, pages that repeat, windows of whole hours."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guardian.errors import ProviderContractBroken
from guardian.models.enums import Provider
from guardian.periods import DAY, HOUR, Window, floor_day, floor_hour
from guardian.providers.reports.buckets import (
    Buckets,
    add_cost,
    add_usage,
    aligned,
    cost_identity,
    page_bound,
    usage_identity,
)
from guardian.providers.reports.reading import Row
from guardian.records import CostRecord, UsageCounts, UsageRecord

T0 = datetime(2026, 11, 1, tzinfo=UTC)
UNIX = int(T0.timestamp())


def usage(row: Row, start: datetime, end: datetime) -> UsageRecord:
    return UsageRecord(
        provider=Provider.OPENAI,
        operation="completion",
        model=row.text("model"),
        start=start,
        end=end,
        counts=UsageCounts(input_tokens=row.count("n"), units={"images": Decimal(1)}),
        requests=row.maybe_count("requests"),
    )


def page(*buckets: tuple[int, int, list[dict[str, Any]]]) -> Row:
    data = [{"s": UNIX + a * 3600, "e": UNIX + b * 3600, "results": rows} for a, b, rows in buckets]
    return Row({"data": data}, "The report")


def collect(*pages: Row, hours: int = 4) -> list[tuple[int, list[tuple[str, int]]]]:
    found = Buckets[UsageRecord](Window(T0, T0 + hours * HOUR), "The report", usage_identity, add_usage)
    for one in pages:
        found.take(one, "s", "e", usage)
    return [((s - T0) // HOUR, [(r.model, r.counts.input_tokens) for r in records]) for s, _, records in found]


def a(n: int) -> dict[str, Any]:
    return {"model": "a", "n": n, "requests": 1}


def b(n: int) -> dict[str, Any]:
    return {"model": "b", "n": n, "requests": 1}


def test_buckets_are_sorted_and_empty_ones_kept() -> None:
    assert collect(page((1, 2, [a(1)]), (0, 1, []))) == [(0, []), (1, [("a", 1)])]


def test_a_bucket_on_two_pages_is_the_union_and_the_later_row_wins() -> None:
    assert collect(page((0, 1, [a(1), b(2)])), page((0, 1, [a(5)]))) == [(0, [("a", 5), ("b", 2)])]


def test_two_rows_of_one_identity_on_one_page_are_added_up() -> None:
    found = Buckets[UsageRecord](Window(T0, T0 + HOUR), "The report", usage_identity, add_usage)
    found.take(page((0, 1, [a(1), a(2)])), "s", "e", usage)
    ((_, _, (record,)),) = found
    assert (record.counts.input_tokens, record.requests, record.counts.units) == (3, 2, {"images": 2})


def test_uncounted_requests_stay_uncounted_when_added() -> None:
    one = usage(Row({"model": "a", "n": 1}, ""), T0, T0 + HOUR)
    assert add_usage(one, one).requests is None


def test_costs_of_one_identity_are_added_and_unlike_quantities_forgotten() -> None:
    def line(amount: str, quantity: int | None, unit: str | None) -> CostRecord:
        return CostRecord(
            provider=Provider.OPENAI,
            start=T0,
            end=T0 + DAY,
            amount=Decimal(amount),
            line_item="x",
            quantity=None if quantity is None else Decimal(quantity),
            quantity_unit=unit,
        )

    assert cost_identity(line("1", 1, "tokens")) == cost_identity(line("2", None, None))
    assert add_cost(line("0.1", 1, "tokens"), line("0.2", 2, "tokens")) == line("0.3", 3, "tokens")
    assert add_cost(line("0.1", 1, "tokens"), line("0.2", 2, "images")) == line("0.3", None, None)


def test_buckets_that_only_touch_the_window_from_outside_are_dropped_unread() -> None:
    broken = [{"model": None}]
    assert collect(page((-1, 0, broken), (0, 1, [a(1)]), (4, 5, broken))) == [(0, [("a", 1)])]


def test_a_wider_bucket_that_reaches_into_the_window_is_kept_whole() -> None:
    assert collect(page((-10, 14, [a(1)])), hours=4) == [(-10, [("a", 1)])]


def test_overlapping_buckets_are_refused() -> None:
    with pytest.raises(ProviderContractBroken, match="overlap"):
        collect(page((0, 1, []), (0, 24, [])))


def test_a_bucket_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ProviderContractBroken, match="ends before it starts"):
        collect(page((1, 1, [])))


def test_windows_are_widened_to_whole_buckets() -> None:
    half = timedelta(minutes=30)
    assert aligned(T0 + half, T0 + HOUR + half, floor_hour, HOUR) == Window(T0, T0 + 2 * HOUR)
    assert aligned(T0, T0 + HOUR, floor_hour, HOUR) == Window(T0, T0 + HOUR)
    assert aligned(T0 + half, T0 + HOUR, floor_day, DAY) == Window(T0, T0 + DAY)


def test_the_bound_of_pages_leaves_room_for_one_bucket_per_page() -> None:
    assert page_bound(Window(T0, T0 + 90 * DAY), HOUR) >= 90 * 24
    assert page_bound(Window(T0, T0), HOUR) >= 1
