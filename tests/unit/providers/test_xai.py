"""xAI's own ways: answers that are cut off, fields that it does not know, blocked keys, defaults that are left out."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardian import errors
from guardian.models.enums import Provider
from guardian.periods import Window
from guardian.providers.base import BaseProvider
from guardian.providers.registry import describe
from guardian.providers.xai.billing import narrower
from guardian.records import Balance, CostBucket
from tests.fakes.provider_server import FakeProvider
from tests.fakes.xai_api import INFERENCE_KEY, MANAGEMENT_KEY, TEAM

DAY0 = datetime(2026, 11, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
T0 = int(DAY0.timestamp())
USAGE = f"/v1/billing/teams/{TEAM}/usage"
KEYS = f"/auth/teams/{TEAM}/api-keys"


def costs(xai: BaseProvider, days: int = 2, key: str = MANAGEMENT_KEY) -> list[CostBucket]:
    return list(xai.get_costs(key, DAY0, DAY0 + days * DAY))


def asked(fake: FakeProvider) -> list[tuple[str, str, str]]:
    """(start, end, unit) of each question about usage."""
    found = [r.body["analyticsRequest"] for r in fake.requests(USAGE) if r.body]
    return [(q["timeRange"]["startTime"], q["timeRange"]["endTime"], q["timeUnit"]) for q in found]


# Answers that are cut off


def test_a_cut_off_answer_is_asked_for_again_in_narrower_windows(fake: FakeProvider, xai: BaseProvider) -> None:
    for day in range(4):
        fake.xai.plant_cost(T0 + day * 86400, Decimal("0.10"), f"line of day {day}")
    fake.xai.most_series = 1
    days = costs(xai, days=4)
    assert [[(r.line_item, r.amount) for r in d.records] for d in days] == [
        [(f"line of day {day}", Decimal("0.10"))] for day in range(4)
    ]
    spans = [(start[8:10], end[8:10]) for start, end, _ in asked(fake)]
    assert spans == [("01", "05"), ("01", "03"), ("01", "02"), ("02", "03"), ("03", "05"), ("03", "04"), ("04", "05")]


def test_a_day_that_is_cut_off_is_put_together_from_its_hours(fake: FakeProvider, xai: BaseProvider) -> None:
    for hour in range(24):
        fake.xai.plant_cost(T0 + hour * 3600, Decimal("0.01"), f"line {hour % 2}", usage=hour)
    fake.xai.most_series = 1
    (day,) = costs(xai, days=1)
    assert {(r.line_item, r.amount, r.start, r.end) for r in day.records} == {
        ("line 0", Decimal("0.12"), DAY0, DAY0 + DAY),
        ("line 1", Decimal("0.12"), DAY0, DAY0 + DAY),
    }
    assert {unit for *_, unit in asked(fake)} == {"TIME_UNIT_DAY", "TIME_UNIT_HOUR"}


def test_an_hour_that_is_cut_off_is_an_error_and_not_a_smaller_bill(fake: FakeProvider, xai: BaseProvider) -> None:
    for key in ("key_a", "key_b"):
        fake.xai.plant_cost(T0, Decimal(1), "one line", key)
    fake.xai.most_series = 1
    with pytest.raises(errors.ProviderContractBroken, match=r"single hour of 2026-11-01 00:00 UTC: too many keys"):
        costs(xai, days=1)


@given(hours=st.integers(2, 24 * 40), start=st.integers(0, 100))
def test_halves_are_whole_and_leave_no_gap(hours: int, start: int) -> None:
    """Of windows as they occur: of whole days, or inside of one day."""
    whole = hours if hours < 24 else hours // 24 * 24
    window = Window(DAY0 + start * DAY, DAY0 + start * DAY + whole * HOUR)
    first, second = narrower(window)
    assert (first.start, first.end, second.end) == (window.start, second.start, window.end)
    size = DAY if whole > 24 else HOUR
    assert (first.end - first.start) % size == (second.end - second.start) % size == timedelta(0)
    assert first.end > first.start
    assert second.end > second.start


planted = st.lists(
    st.tuples(
        st.integers(0, 5 * 86400 - 1),
        st.decimals(Decimal("0.0000001"), 1000, places=7),
        st.sampled_from(["grok-4.3 text output tokens", "Web Search", "grok-4.3 prompt text tokens"]),
    ),
    max_size=12,
)


@given(rows=planted, most=st.integers(3, 8), omit=st.booleans())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_billed_comes_out_once_however_narrow_the_windows(
    fake: FakeProvider, xai: BaseProvider, rows: list[tuple[int, Decimal, str]], most: int, omit: bool
) -> None:
    fake.xai.costs.clear()
    fake.xai.most_series, fake.xai.omit_defaults = most, omit
    for at, dollars, line in rows:
        # A key for each hour: an hour has at most three series, and the whole time soon more than fit an answer.
        fake.xai.plant_cost(T0 + at, dollars, line, f"key_{at // 3600}")
    days = costs(xai, days=5)
    found = [(r.start, r.line_item, r.external_key_id) for d in days for r in d.records]
    assert len(found) == len(set(found))
    assert [d.start for d in days] == [DAY0 + n * DAY for n in range(5)]
    for n, day in enumerate(days):
        planted_here = sum((usd for at, usd, _ in rows if at // 86400 == n), Decimal(0))
        assert sum((r.amount for r in day.records), Decimal(0)) == planted_here


# Fields


def test_units_come_along_and_are_tokens_where_the_line_says_so(fake: FakeProvider, xai: BaseProvider) -> None:
    fake.xai.plant_cost(T0, Decimal("1.25"), "grok-4.3 text output tokens", usage=500_000)
    fake.xai.plant_cost(T0, Decimal("0.015"), "Web Search", usage=3)
    (day,) = costs(xai, days=1)
    found = {r.line_item: (r.quantity, r.quantity_unit, r.cost_type) for r in day.records}
    assert found == {
        "grok-4.3 text output tokens": (500_000, "tokens", "tokens"),
        "Web Search": (3, None, "web_search"),
    }


@pytest.mark.parametrize("refused", ["usage", "api_key_id"])
def test_a_field_that_is_unknown_is_left_out_and_not_asked_for_again(
    fake: FakeProvider, xai: BaseProvider, refused: str
) -> None:
    fake.xai.plant_cost(T0, Decimal("1.25"), "grok-4.3 text output tokens", usage=500_000)
    (fake.xai.refused_values if refused == "usage" else fake.xai.refused_groups).add(refused)
    (record,) = costs(xai, days=1)[0].records
    assert record.amount == Decimal("1.25")
    assert (record.quantity, record.external_key_id) == ((None, "key_a") if refused == "usage" else (500_000, None))
    assert len(asked(fake)) == 2
    costs(xai, days=1)
    assert len(asked(fake)) == 3


def test_without_dollars_there_is_no_bill(fake: FakeProvider, xai: BaseProvider) -> None:
    fake.xai.refused_values.add("usd")
    with pytest.raises(errors.ProviderRequestRejected, match="unknown field usd"):
        costs(xai)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"values": [1]}, "a field values that is not a list of 2"),
        ({"values": "1"}, "a field values that is not a list of 2"),
        ({"values": ["NaN", 0]}, "a field usd that is not a finite number"),
        ({"values": [True, 0]}, "a field usd that is not a number"),
        ({"values": [Decimal("1e12"), 0]}, "a field usd that is not a believable amount"),
        ({"timestamp": "2026-11-01"}, "a field timestamp that is not a time"),
        ({"timestamp": None}, "lacks the field timestamp"),
    ],
    ids=str,
)
def test_points_that_cannot_be_trusted_are_refused(
    fake: FakeProvider, xai: BaseProvider, change: dict[str, Any], words: str
) -> None:
    fake.xai.plant_cost(T0, Decimal(1), "one line")
    fake.alter(USAGE, lambda body: body["timeSeries"][0]["dataPoints"][0].update(change))
    with pytest.raises(errors.ProviderContractBroken, match=words):
        costs(xai, days=1)


def test_a_group_of_another_length_is_refused(fake: FakeProvider, xai: BaseProvider) -> None:
    fake.xai.plant_cost(T0, Decimal(1), "one line")
    fake.alter(USAGE, lambda body: body["timeSeries"][0].update(group=["one line"]))
    with pytest.raises(errors.ProviderContractBroken, match="a field group that is not a list of 2"):
        costs(xai, days=1)


def test_points_of_other_days_are_left_out(fake: FakeProvider, xai: BaseProvider) -> None:
    fake.xai.plant_cost(T0, Decimal(1), "one line")
    fake.alter(USAGE, lambda body: body["timeSeries"][0]["dataPoints"][0].update(timestamp="2026-10-31T23:59:59Z"))
    assert costs(xai, days=1)[0].records == ()


def test_today_is_in_it_and_tomorrow_is_not_asked_for(fake: FakeProvider, xai: BaseProvider) -> None:
    now = datetime.now(UTC)
    fake.xai.plant_cost(int(now.timestamp()), Decimal(3), "today")
    days = list(xai.get_costs(MANAGEMENT_KEY, now - DAY, now + 3 * DAY))
    assert [r.line_item for d in days for r in d.records] == ["today"]
    ((_, asked_to, _),) = asked(fake)
    assert asked_to <= f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"  # xAI may refuse a time that is still to come
    assert days[-1].end == now.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    assert list(xai.get_costs(MANAGEMENT_KEY, now + 2 * DAY, now + 3 * DAY)) == []


# Keys


@pytest.mark.parametrize("flag", ["team_blocked", "api_key_blocked", "api_key_disabled"])
def test_a_blocked_key_that_answers_is_no_good_key(fake: FakeProvider, xai: BaseProvider, flag: str) -> None:
    fake.xai.own_facts[flag] = True
    tested = xai.test_connection(INFERENCE_KEY)
    assert (tested.success, tested.kind, tested.metadata["code"]) == (False, None, "PROVIDER_FORBIDDEN")
    assert ("disabled" if flag.endswith("disabled") else "blocked") in tested.message


def test_an_inference_key_cannot_read_costs_and_a_revoked_key_can_nothing(
    fake: FakeProvider, xai: BaseProvider
) -> None:
    for call in (
        lambda: costs(xai, key=INFERENCE_KEY),
        lambda: list(xai.get_resources(INFERENCE_KEY)),
        lambda: xai.get_balance(INFERENCE_KEY),
    ):
        with pytest.raises(errors.ProviderWrongKeyKind, match="Create an admin key"):
            call()
    fake.xai.keys[INFERENCE_KEY].revoked = True
    with pytest.raises(errors.ProviderKeyRejected, match="wrong, revoked or expired"):
        costs(xai, key=INFERENCE_KEY)


def test_the_billing_of_another_team_is_forbidden(fake: FakeProvider, xai: BaseProvider) -> None:
    fake.xai.validation["teamId"] = "another-team"
    tested = xai.test_connection(MANAGEMENT_KEY)
    assert (tested.success, tested.metadata["code"]) == (False, "PROVIDER_FORBIDDEN")
    assert "Give it the permission to read billing" in tested.message


def test_the_team_may_be_told_as_the_scope(fake: FakeProvider, xai: BaseProvider) -> None:
    del fake.xai.validation["teamId"]
    assert xai.test_connection(MANAGEMENT_KEY).account_id == TEAM


def test_money_that_is_used_up_is_not_a_bad_key(fake: FakeProvider, xai: BaseProvider, sleeps: list[float]) -> None:
    words = "Your team has either used all available credits or reached its monthly spending limit."
    for status in (403, 429):
        fake.fail("/chat/completions", status=status, body={"code": "x", "error": words}, times=1)
        with pytest.raises(errors.ProviderQuotaExhausted, match="used all available credits"):
            xai.make_request(INFERENCE_KEY, "user_1", {"model": "grok-4.3", "messages": []})
    assert sleeps == []


# Balance and names


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        ({"val": "-2500"}, Balance(Decimal("25.00"))),
        ({"val": "1234"}, Balance(Decimal("-12.34"))),  # more was spent than bought
        ({"val": "0"}, Balance(Decimal("0.00"))),
        ({}, Balance(Decimal(0))),  # the default is left out
        (None, None),
    ],
    ids=str,
)
def test_balances(fake: FakeProvider, xai: BaseProvider, total: Any, expected: Balance | None) -> None:
    fake.xai.balance["total"] = total
    assert xai.get_balance(MANAGEMENT_KEY) == expected


def test_names_come_over_several_pages(fake: FakeProvider, xai: BaseProvider) -> None:
    fake.xai.api_keys = [{"apiKeyId": f"id-{n}", "name": f"key {n}"} for n in range(5)]
    fake.xai.list_page = 2
    assert [r.name for r in xai.get_resources(MANAGEMENT_KEY)] == [f"key {n}" for n in range(5)]
    assert len(fake.requests(KEYS)) == 3


def test_a_list_that_names_the_same_page_again_ends(fake: FakeProvider, xai: BaseProvider) -> None:
    fake.xai.api_keys = [{"apiKeyId": "id-1", "name": "key 1"}]
    fake.alter(KEYS, lambda body: body.update(paginationToken="1"))
    fake.xai.api_keys = []
    assert list(xai.get_resources(MANAGEMENT_KEY)) == []
    assert len(fake.requests(KEYS)) == 2


def test_keys_that_may_not_be_listed_are_named_by_what_they_cost(fake: FakeProvider, xai: BaseProvider) -> None:
    fake.xai.plant_cost(int(datetime.now(UTC).timestamp()) - 60, Decimal(1), "one line", "key_a")
    fake.xai.labels["key_a"] = "production"
    fake.fail(KEYS, status=403)
    assert [(r.external_id, r.name) for r in xai.get_resources(MANAGEMENT_KEY)] == [("key_a", "production")]
    fake.fail(USAGE, status=403)
    assert list(xai.get_resources(MANAGEMENT_KEY)) == []


def test_what_xai_is_said_to_offer() -> None:
    told = describe(Provider.XAI)
    assert (told.name, told.reporting) == ("xAI", True)
    assert {kind.kind for kind in told.key_kinds} == {"admin", "inference"}
    assert "through the gateway or to the ingest API" in told.no_reporting


def test_there_is_no_usage_report(xai: BaseProvider) -> None:
    assert xai.reports_of_key() == ()
    with pytest.raises(errors.ValidationError, match="no usage report named 'usage'"):
        xai.get_usage(MANAGEMENT_KEY, DAY0, DAY0 + DAY, "usage")
