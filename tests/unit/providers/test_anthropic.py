"""Anthropic's own traps: cents, windows without a whole day, the beta of speed, kinds of keys, spend limits."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guardian import errors
from guardian.models.enums import CostSource
from guardian.providers.base import BaseProvider
from guardian.providers.reports.reading import dollars_from_cents
from guardian.providers.tracking import TrackedUsage
from guardian.records import UsageCounts, UsageRecord
from tests.fakes.anthropic_api import ADMIN_KEY, ENTERPRISE_KEY, FAST_MODE, INFERENCE_KEY
from tests.fakes.provider_server import FakeProvider

T0 = datetime(2026, 11, 1, tzinfo=UTC)
UNIX = int(T0.timestamp())
DAY = timedelta(days=1)
USAGE_PATH, COST_PATH = "/v1/organizations/usage_report/messages", "/v1/organizations/cost_report"


def usage(adapter: BaseProvider, days: int = 1) -> list[UsageRecord]:
    return [r for b in adapter.get_usage(ADMIN_KEY, T0, T0 + days * DAY, "messages") for r in b.records]


def groups(query: list[tuple[str, str]]) -> set[str]:
    return {value for name, value in query if name == "group_by[]"}


ALL_GROUPS = {
    "api_key_id",
    "workspace_id",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
    "account_id",
    "service_account_id",
    "speed",
}


def test_what_is_asked_for(fake: FakeProvider, anthropic: BaseProvider) -> None:
    usage(anthropic)
    list(anthropic.get_costs(ADMIN_KEY, T0, T0 + DAY))
    report, costs = fake.log
    assert groups(report.query) == ALL_GROUPS
    assert ("starting_at", "2026-11-01T00:00:00Z") in report.query
    assert ("ending_at", "2026-11-02T00:00:00Z") in report.query
    assert ("bucket_width", "1h") in report.query
    assert ("limit", "168") in report.query
    assert report.headers["x-api-key"] == ADMIN_KEY
    assert report.headers["anthropic-version"] == "2023-06-01"
    assert report.headers["anthropic-beta"] == FAST_MODE
    assert "authorization" not in report.headers
    assert groups(costs.query) == {"workspace_id", "description"}
    assert ("bucket_width", "1d") in costs.query
    assert ("limit", "31") in costs.query
    assert "anthropic-beta" not in costs.headers


def test_speed_tells_rows_apart(fake: FakeProvider, anthropic: BaseProvider) -> None:
    fake.anthropic.plant_message(UNIX, uncached=1, output=0, speed="fast")
    fake.anthropic.plant_message(UNIX, uncached=2, output=0, speed="standard")
    assert [(r.counts.input_tokens, r.dimensions) for r in usage(anthropic)] == [
        (1, {"speed": "fast"}),
        (2, {"speed": "standard"}),
    ]


@pytest.mark.parametrize(
    "refused", [{"speed"}, {"account_id", "service_account_id"}], ids=lambda names: "+".join(sorted(names))
)
def test_groups_that_the_account_does_not_have_are_left_out_and_not_asked_for_again(
    fake: FakeProvider, anthropic: BaseProvider, refused: set[str]
) -> None:
    fake.anthropic.plant_message(UNIX, uncached=1, output=0, speed="fast", account_id="user_a")
    fake.anthropic.refused_dimensions = refused
    (record,) = usage(anthropic)
    assert record.external_user_id == (None if "account_id" in refused else "user_a")
    before = len(fake.log)
    usage(anthropic)
    (again,) = fake.log[before:]
    assert not groups(again.query) & refused
    assert ("anthropic-beta" in again.headers) == ("speed" not in refused)


def test_a_service_account_is_a_user_of_its_own(fake: FakeProvider, anthropic: BaseProvider) -> None:
    fake.anthropic.plant_message(UNIX, uncached=1, output=0, service_account_id="svac_1")
    fake.anthropic.plant_message(UNIX, uncached=2, output=0, account_id="user_1")
    assert [(r.external_user_id, r.dimensions) for r in usage(anthropic)] == [("svac_1", {}), ("user_1", {})]


def test_the_default_workspace_has_no_id(fake: FakeProvider, anthropic: BaseProvider) -> None:
    fake.anthropic.plant_message(UNIX, uncached=1, output=0, workspace_id=None, api_key_id=None)
    (record,) = usage(anthropic)
    assert (record.project_id, record.external_key_id, record.model) == (None, None, "(not reported)")
    assert record.requests is None


def test_the_cost_report_is_asked_for_at_least_three_days(fake: FakeProvider, anthropic: BaseProvider) -> None:
    now = datetime.now(UTC)
    list(anthropic.get_costs(ADMIN_KEY, now, now))
    assert fake.log == []
    list(anthropic.get_costs(ADMIN_KEY, now - timedelta(minutes=1), now))
    start = next(v for n, v in fake.log[0].query if n == "starting_at")
    assert datetime.fromisoformat(start) <= now - 3 * DAY


def test_an_end_that_is_called_the_future_is_left_out(fake: FakeProvider, anthropic: BaseProvider) -> None:
    fake.anthropic.refuses_future_end = True
    now = datetime.now(UTC)
    fake.anthropic.plant_cost(int(now.timestamp()), "150", "something")
    days = list(anthropic.get_costs(ADMIN_KEY, now - DAY, now + DAY))
    assert [r.amount for d in days for r in d.records] == [Decimal("1.5")]
    assert not any(n == "ending_at" for n, _ in fake.log[-1].query)


def test_more_days_than_a_page_holds(fake: FakeProvider, anthropic: BaseProvider) -> None:
    for day in range(60):
        fake.anthropic.plant_cost(UNIX - day * 86400, "100", "something")
    days = list(anthropic.get_costs(ADMIN_KEY, T0 - 59 * DAY, T0 + DAY))
    assert sum(r.amount for d in days for r in d.records) == 60
    assert len(fake.log) == 2


@pytest.mark.parametrize(
    ("cents", "dollars"),
    [("123.78912", "1.2378912"), ("0.0001", "0.000001"), ("0", "0"), ("-250", "-2.5"), ("1e3", "10")],
)
def test_cents_become_dollars_without_losing_a_digit(
    fake: FakeProvider, anthropic: BaseProvider, cents: str, dollars: str
) -> None:
    fake.anthropic.plant_cost(UNIX, cents, "x")
    (record,) = [r for d in anthropic.get_costs(ADMIN_KEY, T0, T0 + DAY) for r in d.records]
    assert record.amount == Decimal(dollars) == dollars_from_cents(Decimal(cents))


def test_a_tool_count_that_is_left_out_is_none(fake: FakeProvider, anthropic: BaseProvider) -> None:
    fake.anthropic.plant_message(UNIX, uncached=1, output=0, server_tool_use=None)
    fake.anthropic.plant_message(UNIX, uncached=1, output=0, api_key_id="k", server_tool_use={})
    assert [r.counts.units for r in usage(anthropic)] == [{}, {}]


def test_names_are_paged_and_keys_know_their_workspace(fake: FakeProvider, anthropic: BaseProvider) -> None:
    fake.anthropic.workspaces = [{"id": f"wrkspc_{n}", "name": f"Space {n}", "archived_at": None} for n in range(150)]
    fake.anthropic.api_keys = [
        {"id": "apikey_1", "name": "One", "workspace_id": "wrkspc_1"},
        {"id": "apikey_2", "name": "Two", "scope": {"type": "workspace", "workspace_id": "wrkspc_2"}},
        {"id": "apikey_3", "name": None, "partial_key_hint": "sk-ant-api03-R2D...igAA", "workspace_id": None},
    ]
    fake.anthropic.users = [{"id": "user_1", "name": None, "email": "ada@x.test"}]
    found = list(anthropic.get_resources(ADMIN_KEY))
    assert [r.name for r in found[:150]] == [f"Space {n}" for n in range(150)]
    assert [(r.name, r.parent_id) for r in found[150:]] == [
        ("One", "wrkspc_1"),
        ("Two", "wrkspc_2"),
        ("sk-ant-api03-R2D...igAA", None),
        ("ada@x.test", None),
    ]
    assert [r.masked for r in found[150:]] == [None, None, "sk-ant-api03-R2D...igAA", None]


# Keys and limits


def test_an_enterprise_key_without_the_scope_is_forbidden(anthropic: BaseProvider) -> None:
    tested = anthropic.test_connection(ENTERPRISE_KEY)
    assert (tested.success, tested.metadata["code"]) == (False, "PROVIDER_FORBIDDEN")


def test_a_bad_inference_key_is_bad_and_not_of_the_wrong_kind(fake: FakeProvider, anthropic: BaseProvider) -> None:
    fake.anthropic.keys[INFERENCE_KEY].revoked = True
    for key in (INFERENCE_KEY, "sk-ant-nonsense"):
        tested = anthropic.test_connection(key)
        assert (tested.success, tested.metadata["code"]) == (False, "PROVIDER_KEY_REJECTED")


def test_the_monthly_cap_is_no_rate_limit(fake: FakeProvider, anthropic: BaseProvider, sleeps: list[float]) -> None:
    error = {
        "message": "You have reached your API usage limits",
        "details": {"error_code": "enforced_spend_limit_reached"},
    }
    fake.fail("*", status=429, body={"type": "error", "error": error})
    with pytest.raises(errors.ProviderQuotaExhausted, match="reached your API usage limits"):
        usage(anthropic)
    assert sleeps == []


def test_an_admin_key_is_not_for_inference(anthropic: BaseProvider) -> None:
    with pytest.raises(errors.ProviderWrongKeyKind, match="Admin key"):
        anthropic.make_request(ADMIN_KEY, "u", {"messages": []})


# Inference


def send(fake: FakeProvider, anthropic: BaseProvider, usage: dict[str, Any] | None) -> None:
    fake.anthropic.reply = {"id": "msg_1", "model": "claude-opus-5-5", "usage": usage}
    anthropic.make_request(INFERENCE_KEY, "u", {"model": "claude-opus-4", "messages": []})


def test_cache_writes_without_a_split_are_for_five_minutes(
    fake: FakeProvider, anthropic: BaseProvider, tracked: list[TrackedUsage]
) -> None:
    send(fake, anthropic, {"input_tokens": 1, "cache_creation_input_tokens": 30, "output_tokens": 2})
    assert tracked[0].usage.counts == UsageCounts(input_tokens=31, output_tokens=2, cache_write_5m_tokens=30)
    assert tracked[0].usage.model == "claude-opus-5-5"  # of the answer, not of the request


def test_the_tokens_of_a_compaction_are_added(
    fake: FakeProvider, anthropic: BaseProvider, tracked: list[TrackedUsage]
) -> None:
    iterations = [
        {"type": "message", "input_tokens": 5, "output_tokens": 2},
        {"type": "compaction", "input_tokens": 1000, "output_tokens": 50, "cache_read_input_tokens": 7},
    ]
    send(fake, anthropic, {"input_tokens": 5, "output_tokens": 2, "iterations": iterations})
    assert tracked[0].usage.counts == UsageCounts(input_tokens=1012, output_tokens=52, cache_read_tokens=7)


def test_an_answer_without_usage_is_unpriced_and_not_free(
    fake: FakeProvider, anthropic: BaseProvider, tracked: list[TrackedUsage]
) -> None:
    send(fake, anthropic, None)
    assert (tracked[0].cost.amount, tracked[0].cost.source) == (None, CostSource.UNPRICED)


def test_streams_are_for_the_gateway(fake: FakeProvider, anthropic: BaseProvider) -> None:
    with pytest.raises(errors.ValidationError, match="gateway"):
        anthropic.make_request(INFERENCE_KEY, "u", {"messages": [], "stream": True})
    assert fake.log == []
