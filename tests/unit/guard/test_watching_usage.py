"""What rules measure of usage: the calls in their window and scope, each once, by group; unknown is not zero."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session

from guardian.models.enums import AlertType, ComparisonType, UsageOrigin
from guardian.periods import DAY, HOUR
from tests.conftest import People
from tests.unit.guard.ledger import add_calls
from tests.unit.guard.watching import add_alert, reading, value, values

NOW = datetime(2026, 11, 18, 12, 34, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CHANGE = ComparisonType.PERCENT_CHANGE


@pytest.mark.parametrize(
    ("window", "total"),
    [("15m", 1), ("1h", 3), ("6h", 7), ("1d", 15), ("7d", 31), ("30d", 63), ("day", 7), ("week", 15), ("month", 63)],
)
def test_a_window_has_its_calls(session: Session, people: People, window: str, total: int) -> None:
    """NOW is a Wednesday."""
    ago = (14 * MINUTE, 59 * MINUTE, 6 * HOUR - MINUTE, DAY - MINUTE, 7 * DAY - MINUTE, 17 * DAY, 40 * DAY)
    for place, back in enumerate(ago):
        add_calls(session, people.alice, NOW - back, str(2**place))
    assert value(session, add_alert(session, people.alice, window=window), NOW) == total


@pytest.mark.parametrize("at", [NOW, NOW.replace(minute=0), NOW.replace(minute=59, second=59)])
@pytest.mark.parametrize(("window", "width"), [("15m", 15 * MINUTE), ("1h", HOUR), ("1d", DAY), ("7d", 7 * DAY)])
def test_a_window_begins_to_the_instant(
    session: Session, people: People, at: datetime, window: str, width: timedelta
) -> None:
    for place, off in enumerate((-1, 0, 1)):
        add_calls(session, people.alice, at - width + off * timedelta(microseconds=1), str(10**place))
    assert value(session, add_alert(session, people.alice, window=window), at) == 110


@pytest.mark.parametrize(
    ("scope", "total"),
    [
        ({"type": "organization"}, 31),
        ({"type": "team", "value": "web"}, 2),
        ({"type": "tag", "value": "feature=search"}, 4),
        ({"type": "tag", "value": "stage=live"}, 8),
        ({"type": "model", "value": "claude-*"}, 1),
        ({"type": "model", "value": "CLAUDE-opus-4-5"}, 1),
        ({"type": "token", "value": "t1"}, 8),
        ({"type": "provider", "value": "OPENAI"}, 31),
        ({"type": "provider", "value": "XAI"}, 0),
        ({"type": "key", "value": "nothing"}, 0),
    ],
)
def test_each_scope_counts_its_calls(session: Session, people: People, scope: dict[str, str], total: int) -> None:
    add_calls(session, people.alice, NOW - HOUR, "1", model="claude-opus-4-5")
    add_calls(session, people.alice, NOW - HOUR, "2", tags={"team": "web"})
    add_calls(session, people.alice, NOW - HOUR, "4", tags={"feature": "search"}, origin=UsageOrigin.INGEST)
    add_calls(session, people.bob, NOW - HOUR, "8", tags={"stage": "live"}, access_token_id="t1")
    add_calls(session, people.alice, NOW - 3 * HOUR, "16")
    add_calls(session, people.charlie, NOW - HOUR, "100", tags={"team": "web"}, access_token_id="t1")
    assert value(session, add_alert(session, people.alice, scope=scope), NOW) == total


def test_groups_have_their_own_values(session: Session, people: People) -> None:
    add_calls(session, people.alice, NOW - HOUR, "1", "2", tags={"team": "web", "stage": "live"}, access_token_id="t1")
    add_calls(session, people.bob, NOW - HOUR, "4", tags={"team": "ops"}, model="gpt-4o")
    add_calls(session, people.bob, NOW - 2 * DAY, "8", tags={"team": "old"})
    add_calls(session, people.bob, NOW - HOUR, "16")

    def grouped(group_by: str, **facts: Any) -> dict[str, Decimal | None]:
        return values(session, add_alert(session, people.alice, group_by=group_by, **facts), NOW)

    assert grouped("team") == {"web": 3, "ops": 4}
    assert grouped("user") == {people.alice.user_id: 3, people.bob.user_id: 20}
    assert grouped("model") == {"gpt-5": 19, "gpt-4o": 4}
    assert grouped("provider") == {"OPENAI": 23}
    assert grouped("tag:stage") == {"live": 3}
    assert grouped("token") == {"t1": 3}
    assert grouped("team", scope={"type": "model", "value": "gpt-4*"}) == {"ops": 4}
    assert grouped("key") == {}


def test_calls_without_a_price_are_counted_and_never_zero_dollars(session: Session, people: People) -> None:
    add_calls(session, people.alice, NOW - HOUR, "", "")
    spend, unpriced = add_alert(session, people.alice), add_alert(session, people.alice, metric="unpriced")
    assert (value(session, spend, NOW), value(session, unpriced, NOW)) == (None, 2)
    add_calls(session, people.alice, NOW - HOUR, "1")
    found = reading(session, spend, NOW)[0].groups[""]
    assert (found.value, found.at_least, found.calls) == (1, True, 3)


def test_without_books_there_is_no_data_and_with_one_there_is_zero(session: Session, people: People) -> None:
    spend = add_alert(session, people.alice)
    assert value(session, spend, NOW) is None
    add_calls(session, people.alice, NOW - 9 * DAY, "1")
    assert value(session, spend, NOW) == 0
    assert value(session, spend, NOW - 20 * DAY) is None


def test_change_is_against_the_window_before(session: Session, people: People) -> None:
    change = add_alert(session, people.alice, comparison_type=CHANGE, threshold=Decimal(50), window="1d")
    add_calls(session, people.alice, NOW - 3 * DAY, "100")
    assert value(session, change, NOW) is None, "so many percent of nothing"
    add_calls(session, people.alice, NOW - DAY - MINUTE, "10")
    add_calls(session, people.alice, NOW - DAY + MINUTE, "16")
    assert value(session, change, NOW) == 60
    add_calls(session, people.alice, NOW - DAY - MINUTE, "")
    assert value(session, change, NOW) is None, "what was before can have been any more"


def test_a_calendar_window_is_compared_with_as_much_of_the_one_before(session: Session, people: People) -> None:
    change = add_alert(session, people.alice, comparison_type=CHANGE, threshold=Decimal(50), window="day")
    add_calls(session, people.alice, NOW - DAY, "1000")
    add_calls(session, people.alice, NOW - DAY - MINUTE, "10")
    add_calls(session, people.alice, NOW - MINUTE, "20")
    assert value(session, change, NOW) == 100


def test_a_spike_is_above_the_same_hours_of_the_weeks_before(session: Session, people: People) -> None:
    facts: dict[str, Any] = {"type": AlertType.USAGE_SPIKE, "window": "1h", "threshold": Decimal(50)}
    spike = add_alert(session, people.alice, metric="cost", **facts)
    calls = add_alert(session, people.alice, metric="requests", **facts)
    for week, cost in enumerate(("2", "2", "50"), start=1):
        add_calls(session, people.alice, NOW - week * 7 * DAY - MINUTE, cost)
        # In the hour before, and in what is yet to come of this one.
        add_calls(session, people.alice, NOW - week * 7 * DAY - HOUR - MINUTE, "1000")
        add_calls(session, people.alice, NOW - week * 7 * DAY + MINUTE, "1000")
    add_calls(session, people.alice, NOW - MINUTE, "3", "3")
    assert value(session, spike, NOW) == 200, "one odd week is no matter"
    assert value(session, calls, NOW) == 100
    assert value(session, spike, NOW - 8 * DAY) is None, "one week says nothing of what is usual"


def test_failures_and_refusals_are_of_tracked_calls(session: Session, people: People) -> None:
    errors = add_alert(session, people.alice, type=AlertType.ERROR_RATE, window="1h")
    refusals = add_alert(session, people.alice, type=AlertType.RATE_LIMIT, metric="refusals", window="1h")
    assert (value(session, errors, NOW), value(session, refusals, NOW)) == (None, None)
    add_calls(session, people.alice, NOW - 2 * HOUR, "1", status_code=500)
    assert (value(session, errors, NOW), value(session, refusals, NOW)) == (None, 0)
    add_calls(session, people.alice, NOW - MINUTE, *"123456789", status_code=200)
    add_calls(session, people.alice, NOW - MINUTE, "", "", status_code=429)
    add_calls(session, people.alice, NOW - MINUTE, "", error="The connection broke.")
    assert (value(session, errors, NOW), value(session, refusals, NOW)) == (25, 2)


def test_moments_of_the_past_are_measured_together(session: Session, people: People) -> None:
    for hours in range(100):
        add_calls(session, people.alice, NOW - hours * HOUR, "1")
    spend = add_alert(session, people.alice, window="6h")
    moments = [NOW.replace(minute=0) - n * HOUR for n in range(48)]
    together = reading(session, spend, *moments)
    assert [each.groups[""].value for each in together] == [6] * 48
    assert [each.moment for each in together] == moments
