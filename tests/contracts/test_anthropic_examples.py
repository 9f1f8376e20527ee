"""Every Anthropic example body in scope, through the adapter over real HTTP, with the exact records expected."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guardian import errors
from guardian.models.enums import Provider, ResourceKind
from guardian.providers.base import BaseProvider
from guardian.providers.tracking import TrackedUsage
from guardian.records import CostRecord, NamedResource, UsageCounts, UsageRecord
from tests.fakes.anthropic_api import ADMIN_KEY, INFERENCE_KEY
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import EXAMPLES, example

OLD = datetime(2025, 8, 1, tzinfo=UTC)  # of the official examples
NEW = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
USAGE_PATH, COST_PATH = "/v1/organizations/usage_report/messages", "/v1/organizations/cost_report"
KEY, WORKSPACE = "apikey_01Rj2N8SVvo6BePZj99NhmiT", "wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ"

# Reports that are not read (Claude Code is not spend, analytics is in beta), and streams, which the gateway reads.
ELSEWHERE = {
    "analytics_cost_beta.json",
    "analytics_usage_beta.json",
    "message_stream.sse",
    "message_stream_error.sse",
    "usage_report_claude_code.json",
}
REFUSALS: dict[str, tuple[int, type[errors.ProviderError], str]] = {
    "error_400_spend_limit": (400, errors.ProviderQuotaExhausted, "regain access on 2026-12-01"),
    "error_401": (401, errors.ProviderKeyRejected, "wrong, revoked or expired"),
    "error_403": (403, errors.ProviderForbidden, "does not have permission"),
    "error_404": (404, errors.ProviderRequestRejected, "could not be found"),
    "error_429_rate": (429, errors.ProviderRateLimited, "limits how often"),
    "error_429_spend_cap": (429, errors.ProviderQuotaExhausted, "regain access on 2026-09-01"),
    "error_529": (529, errors.ProviderUnavailable, "overloaded"),
}
REPORTS = {
    "cost_report.json",
    "cost_report_grouped.json",
    "usage_report_messages.json",
    "usage_report_messages_grouped_page1.json",
    "usage_report_messages_grouped_page2.json",
}
OTHERS = {"api_keys.json", "headers_example.json", "message.json", "organizations_me.json", "workspaces.json"}


def test_every_example_is_tested_here_or_named_as_out_of_scope() -> None:
    covered = {f"{name}.json" for name in REFUSALS} | REPORTS | OTHERS | ELSEWHERE
    assert {p.name for p in (EXAMPLES / "anthropic").iterdir()} == covered


def record(start: datetime, **values: Any) -> UsageRecord:
    return UsageRecord(provider=Provider.ANTHROPIC, operation="message", start=start, end=start + DAY, **values)


def searches(number: int) -> dict[str, Decimal]:
    return {"web_search_requests": Decimal(number)}


def test_the_official_usage_report(fake: FakeProvider, anthropic: BaseProvider) -> None:
    fake.serve(USAGE_PATH, example("anthropic/usage_report_messages"))
    (bucket,) = anthropic.get_usage(ADMIN_KEY, OLD, OLD + DAY, "messages")
    assert (bucket.series, bucket.start, bucket.end) == ("messages", OLD, OLD + DAY)
    assert bucket.records == (
        record(
            OLD,
            model="claude-opus-4-6",
            requests=None,
            project_id=WORKSPACE,
            external_key_id=KEY,
            external_user_id="user_01WCz1FkmYMm4gnmykNKUu3Q",
            service_tier="standard",
            dimensions={
                "context_window": "0-200k",
                "inference_geo": "global",
                "service_account_id": "svac_01Hk3R9TWxq7CfQak00OiVw4",
            },
            counts=UsageCounts(
                input_tokens=3200,  # 1500 uncached, 200 read, 500 and 1000 written
                output_tokens=500,
                cache_read_tokens=200,
                cache_write_5m_tokens=500,
                cache_write_1h_tokens=1000,
                units=searches(10),
            ),
        ),
    )


def test_the_grouped_usage_over_two_pages(fake: FakeProvider, anthropic: BaseProvider) -> None:
    pages = [example(f"anthropic/usage_report_messages_grouped_page{n}") for n in (1, 2)]
    fake.serve(USAGE_PATH, *pages)
    buckets = list(anthropic.get_usage(ADMIN_KEY, NEW, NEW + 3 * DAY, "messages"))
    assert [(b.start, len(b.records)) for b in buckets] == [(NEW, 2), (NEW + DAY, 0), (NEW + 2 * DAY, 0)]
    assert buckets[0].records == (
        record(
            NEW,
            model="claude-opus-5-5",
            external_key_id=KEY,
            service_tier="standard",
            dimensions={"context_window": "0-200k"},
            counts=UsageCounts(
                input_tokens=3_000_000,
                output_tokens=1_000_000,
                cache_read_tokens=1_000_000,
                cache_write_5m_tokens=1_000_000,
                units=searches(3),
            ),
        ),
        record(
            NEW,
            model="claude-haiku-4-5-20251001",
            project_id=WORKSPACE,
            service_tier="batch",
            dimensions={"context_window": "0-200k"},
            counts=UsageCounts(input_tokens=52_000, output_tokens=8_100),
        ),
    )


def cost(description: str, dollars: str, cost_type: str, start: datetime = NEW, **values: Any) -> CostRecord:
    return CostRecord(
        provider=Provider.ANTHROPIC,
        start=start,
        end=start + DAY,
        amount=Decimal(dollars),
        line_item=description,
        cost_type=cost_type,
        **values,
    )


def test_the_official_cost_report_is_in_cents(fake: FakeProvider, anthropic: BaseProvider) -> None:
    fake.serve(COST_PATH, example("anthropic/cost_report"))
    (day,) = anthropic.get_costs(ADMIN_KEY, OLD, OLD + DAY)
    assert day.records == (
        cost(
            "Claude Sonnet 4 Usage - Input Tokens",
            "1.2378912",
            "tokens",
            OLD,
            project_id=WORKSPACE,
            model="claude-opus-4-6",
            service_tier="standard",
            token_type="uncached_input_tokens",
            dimensions={"context_window": "0-200k", "inference_geo": "global"},
        ),
    )


def test_the_grouped_costs_to_the_cent(fake: FakeProvider, anthropic: BaseProvider) -> None:
    fake.serve(COST_PATH, example("anthropic/cost_report_grouped"))
    days = list(anthropic.get_costs(ADMIN_KEY, NEW, NEW + 2 * DAY))
    assert [(d.start, len(d.records)) for d in days] == [(NEW, 6), (NEW + DAY, 0)]
    opus: dict[str, Any] = {
        "model": "claude-opus-5-5",
        "service_tier": "standard",
        "dimensions": {"context_window": "0-200k", "inference_geo": "global"},
    }
    usage = "Claude Opus 5.5 Usage"
    assert days[0].records == (
        cost(f"{usage} - Input Tokens", "4", "tokens", token_type="uncached_input_tokens", **opus),
        cost(f"{usage} - Output Tokens", "20", "tokens", token_type="output_tokens", **opus),
        cost(f"{usage} - Input Tokens, Cache Read", "0.2", "tokens", token_type="cache_read_input_tokens", **opus),
        cost(
            f"{usage} - Input Tokens, Cache Write",
            "5",
            "tokens",
            token_type="cache_creation.ephemeral_5m_input_tokens",
            **opus,
        ),
        cost("Web Search Usage", "0.03", "web_search"),
        cost("Code Execution Usage", "0.05", "code_execution"),
    )
    assert sum(r.amount for r in days[0].records) == Decimal("29.28")


def test_the_example_rows_planted_in_the_fake_come_out_in_their_own_buckets(
    fake: FakeProvider, anthropic: BaseProvider
) -> None:
    fake.load_examples("anthropic")
    hours = list(anthropic.get_usage(ADMIN_KEY, NEW, NEW + 3 * DAY, "messages"))
    assert {b.start: len(b.records) for b in hours if b.records} == {NEW: 2}
    days = anthropic.get_costs(ADMIN_KEY, NEW, NEW + 3 * DAY)
    assert sum(r.amount for d in days for r in d.records) == Decimal("29.28")


def test_names(fake: FakeProvider, anthropic: BaseProvider) -> None:
    # The official examples say that there is more; the script then answers with an empty page.
    fake.serve("/v1/organizations/workspaces", example("anthropic/workspaces"))
    fake.serve("/v1/organizations/api_keys", example("anthropic/api_keys"))
    fake.alter("/v1/organizations/*", lambda body: body | {"has_more": False})
    assert list(anthropic.get_resources(ADMIN_KEY)) == [
        NamedResource(kind=ResourceKind.PROJECT, external_id=WORKSPACE, name="Workspace Name"),
        NamedResource(
            kind=ResourceKind.API_KEY,
            external_id=KEY,
            name="Developer Key",
            parent_id=WORKSPACE,
            masked="sk-ant-api03-R2D...igAA",
        ),
    ]
    (workspaces,) = fake.requests("/v1/organizations/workspaces")
    assert ("include_archived", "true") in workspaces.query


@pytest.mark.parametrize("name", REFUSALS)
def test_what_the_example_errors_mean_for_an_admin_key(
    fake: FakeProvider, anthropic: BaseProvider, name: str, sleeps: list[float]
) -> None:
    status, kind, words = REFUSALS[name]
    fake.fail("*", status=status, body=example(f"anthropic/{name}"))
    with pytest.raises(kind, match=words):
        list(anthropic.get_usage(ADMIN_KEY, NEW, NEW + DAY, "messages"))
    assert bool(sleeps) == (not kind.permanent)


def test_the_waiting_time_of_the_example_headers(
    fake: FakeProvider, anthropic: BaseProvider, sleeps: list[float]
) -> None:
    fake.fail("*/cost_report", status=429, headers=example("anthropic/headers_example"), times=1)
    list(anthropic.get_costs(ADMIN_KEY, NEW, NEW + DAY))
    (slept,) = sleeps
    assert 12 <= slept < 13.5


def test_the_organization_of_the_example_is_the_account(fake: FakeProvider, anthropic: BaseProvider) -> None:
    tested = anthropic.test_connection(ADMIN_KEY)
    assert (tested.account_id, tested.account_name) == ("12345678-1234-5678-1234-567812345678", "Organization Name")


def test_the_message_is_tracked_and_given_back_unchanged(anthropic: BaseProvider, tracked: list[TrackedUsage]) -> None:
    body = example("anthropic/message")
    assert anthropic.make_request(INFERENCE_KEY, "user_1", {"model": "claude-opus-5-5", "messages": []}) == body
    (one,) = tracked
    assert one.usage.counts == UsageCounts(
        input_tokens=1627,  # 504 uncached, 1000 read, 123 written
        output_tokens=97,
        cache_read_tokens=1000,
        cache_write_5m_tokens=100,
        cache_write_1h_tokens=23,
        reasoning_tokens=40,
        units=searches(1),
    )
    assert (one.usage.model, one.usage.service_tier, one.usage.requests) == ("claude-opus-5-5", "standard", 1)
    assert one.usage.dimensions == {"inference_geo": "global", "speed": "standard"}
    assert (one.response_id, one.status_code) == ("msg_01XFDUDYJgAACzvnptvVoYEL", 200)
