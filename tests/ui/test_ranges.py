"""What a URL's range means, in the organization's own days."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from guardian.errors import ValidationError
from guardian.ui import ranges

AUCKLAND = ZoneInfo("Pacific/Auckland")
# 1 November in Auckland, still 31 October in UTC.
NOW = datetime(2025, 10, 31, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, date(2025, 11, 1), date(2025, 11, 1)),
        ({"range": "nonsense"}, date(2025, 11, 1), date(2025, 11, 1)),
        ({"range": "today"}, date(2025, 11, 1), date(2025, 11, 1)),
        ({"range": "7d"}, date(2025, 10, 26), date(2025, 11, 1)),
        ({"range": "last-month"}, date(2025, 10, 1), date(2025, 10, 31)),
        ({"range": "90d"}, date(2025, 8, 4), date(2025, 11, 1)),
        ({"from": "2025-09-03", "to": "2025-09-04"}, date(2025, 9, 3), date(2025, 9, 4)),
    ],
)
def test_presets_are_local_days(query: dict[str, str], first: date, last: date) -> None:
    found = ranges.from_query(query, NOW, AUCKLAND)
    assert (found.first, found.last) == (first, last)


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2025-09-04", "to": "2025-09-03"},
        {"from": "2025-09-04"},
        {"from": "yesterday", "to": "2025-09-04"},
        {"from": "2020-01-01", "to": "2025-09-04"},
    ],
)
def test_a_span_that_makes_no_sense_is_the_default(query: dict[str, str]) -> None:
    assert ranges.from_query(query, NOW, AUCKLAND).preset == ranges.DEFAULT


def test_labels() -> None:
    assert ranges.from_query({"range": "7d"}, NOW, AUCKLAND).label == "7 days"
    custom = {"from": "2025-09-03", "to": "2025-09-04"}
    assert ranges.from_query(custom, NOW, AUCKLAND).label == "3 Sep 2025 – 4 Sep 2025"
    custom = {"from": "2025-09-03", "to": "2025-09-03"}
    assert ranges.from_query(custom, NOW, AUCKLAND).label == "3 Sep 2025"


def test_a_custom_range_goes_into_the_address() -> None:
    assert ranges.custom_href("2025-09-03", "2025-09-04", "/dashboard") == "/dashboard?from=2025-09-03&to=2025-09-04"


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("", "2025-09-04", "first and a last"),
        ("2025-09-05", "2025-09-04", "after the last"),
        ("2024-01-01", "2025-09-04", "at most 366 days"),
    ],
)
def test_a_custom_range_that_makes_no_sense_is_refused_in_words(first: str, last: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ranges.custom_href(first, last, "/dashboard")
