"""Queries of BigQuery: waited for, paged, never run twice, and refused where an answer does not fit."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guardian import errors
from guardian.providers.base import BaseProvider
from guardian.records import CostRecord
from tests.fakes.google_keys import PROJECT, key_file
from tests.fakes.provider_server import FakeProvider

KEY = key_file()
DAY0 = datetime(2026, 11, 1, tzinfo=UTC)
T0 = int(DAY0.timestamp())
QUERIES = f"/bigquery/v2/projects/{PROJECT}/queries"
TEXT = "Gemini 3.8 Flash Global Text Output - Predictions"


def lines(google: BaseProvider) -> list[CostRecord]:
    return [r for b in google.get_costs(KEY, DAY0, DAY0 + timedelta(days=1)) for r in b.records]


def test_a_query_that_takes_long_is_waited_for(fake: FakeProvider, google: BaseProvider) -> None:
    fake.google.bigquery.plant(T0, "1.5", TEXT)
    fake.google.bigquery.waits = 3
    assert [r.amount for r in lines(google)] == [Decimal("1.5")]
    polls = [r for r in fake.requests(QUERIES) if r.method == "GET"]
    assert len(polls) == 3
    assert all(("location", "EU") in r.query for r in polls)


def test_a_query_that_never_ends_is_left_for_later(fake: FakeProvider, google: BaseProvider) -> None:
    fake.google.bigquery.waits = 10**9
    with pytest.raises(errors.ProviderUnavailable, match=r"billing export was not ready .* passes by itself"):
        lines(google)
    assert len(fake.requests(QUERIES)) < 50


def test_all_pages_of_a_query_are_read(fake: FakeProvider, google: BaseProvider) -> None:
    for n in range(25):
        fake.google.bigquery.plant(T0 + n, 1, f"SKU {n:02}")
    fake.google.bigquery.page_rows = 10
    assert sorted(r.line_item for r in lines(google)) == [f"SKU {n:02}" for n in range(25)]
    pages = [dict(r.query).get("pageToken") for r in fake.requests(QUERIES)]
    assert pages == [None, "rows_10", "rows_20"]


def test_a_row_that_comes_twice_counts_once(fake: FakeProvider, google: BaseProvider) -> None:
    fake.google.bigquery.plant(T0, 1, TEXT)
    fake.google.bigquery.plant(T0, 2, TEXT, unit="requests")

    def repeat(body: dict[str, Any]) -> None:
        body["rows"] *= 2

    fake.alter(QUERIES, repeat)
    assert sum(r.amount for r in lines(google)) == 3


def test_a_lost_answer_does_not_run_the_query_twice(fake: FakeProvider, google: BaseProvider) -> None:
    fake.reset(QUERIES, times=1)
    lines(google)
    first, second = (r.body or {} for r in fake.requests(QUERIES))
    assert first["requestId"] == second["requestId"]
    lines(google)
    assert (fake.requests(QUERIES)[-1].body or {})["requestId"] != first["requestId"]


def cells(body: dict[str, Any]) -> None:
    body["rows"][0]["f"].pop()


def no_columns(body: dict[str, Any]) -> None:
    del body["schema"]


def no_end(body: dict[str, Any]) -> None:
    del body["jobComplete"]


def no_job(body: dict[str, Any]) -> None:
    del body["jobReference"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (cells, "a row of 12 values for 13 columns"),
        (no_columns, "lacks the field schema"),
        (no_end, "lacks the field jobComplete"),
        (no_job, "lacks the field jobReference"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(
    fake: FakeProvider, google: BaseProvider, change: Any, words: str
) -> None:
    fake.google.bigquery.plant(T0, 1, TEXT)
    fake.alter(QUERIES, change)
    with pytest.raises(errors.ProviderContractBroken, match=words):
        lines(google)
