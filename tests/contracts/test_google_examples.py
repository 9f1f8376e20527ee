"""Every Google example body in scope, through the adapter over real HTTP, with the exact records expected."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guardian import errors
from guardian.models.enums import CostSource, Provider, ResourceKind
from guardian.pricing.calculator import price
from guardian.providers.base import BaseProvider
from guardian.providers.google.monitoring import read_series
from guardian.providers.reports.reading import Row
from guardian.providers.tracking import TrackedUsage
from guardian.records import CostRecord, NamedResource, UsageCounts
from tests.contracts.vendors.google import ACCOUNT_KEY
from tests.fakes.google_api import GEMINI_KEY
from tests.fakes.google_cloud import BILLING_ACCOUNT
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import EXAMPLES, example

DAY0 = datetime(2026, 11, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
GENERATE = "/v1beta/models/gemini-3.8-flash:generateContent"

REFUSALS: dict[str, tuple[int, type[errors.ProviderError], str]] = {
    "error_400_bad_key": (400, errors.ProviderKeyRejected, "wrong, revoked or expired"),
    "error_401_token_type": (401, errors.ProviderWrongKeyKind, "not a Gemini API key"),
    "error_403": (403, errors.ProviderForbidden, "monitoring.timeSeries.list"),
    "error_429": (429, errors.ProviderRateLimited, "asks to wait 45 seconds"),
}
READ = {
    "bigquery_billing_export_rows.json",
    "embed_content.json",
    "generate_content.json",
    "models_list.json",
    "monitoring_gemini_api_quota_tokens.json",
    "monitoring_vertex_token_count.json",
}
# Vertex AI's own endpoint, interactions and streams: the gateway's.
ELSEWHERE = {
    "generate_content_vertex.json",
    "interaction.json",
    "interaction_stream.sse",
    "stream_generate_content.sse",
}


def test_every_example_is_tested_here_or_named_as_out_of_scope() -> None:
    covered = {f"{name}.json" for name in REFUSALS} | READ | ELSEWHERE
    assert {p.name for p in (EXAMPLES / "google").iterdir()} == covered


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(fake: FakeProvider, google: BaseProvider, name: str) -> None:
    status, kind, words = REFUSALS[name]
    fake.fail(GENERATE, status=status, body=example(f"google/{name}"))
    with pytest.raises(kind) as caught:
        google.make_request(GEMINI_KEY, "user-1", {"model": "gemini-3.8-flash", "contents": []})
    assert type(caught.value) is kind
    assert words in caught.value.message
    assert caught.value.upstream_status == status


def test_a_429_says_how_long_to_wait(fake: FakeProvider, google: BaseProvider, sleeps: list[float]) -> None:
    fake.fail(GENERATE, status=429, body=example("google/error_429"), times=1)
    google.make_request(GEMINI_KEY, "user-1", {"model": "gemini-3.8-flash", "contents": []})
    assert len(sleeps) == 1
    assert 45 <= sleeps[0] < 50


def cost(amount: str, line_item: str, **values: Any) -> CostRecord:
    return CostRecord(
        provider=Provider.GOOGLE,
        start=DAY0,
        end=DAY0 + DAY,
        amount=Decimal(amount),
        line_item=line_item,
        project_id="my-proj",
        **values,
    )


def test_the_billing_export_to_the_cent(fake: FakeProvider, google: BaseProvider) -> None:
    fake.load_examples("google")
    first, second = google.get_costs(ACCOUNT_KEY, DAY0, DAY0 + 2 * DAY)
    vertex = {"service": "C7E2-9256-1C43", "sku": "911A-8880-A243"}
    output = "Generate content output token count gemini 2.5 flash short input text"
    text = "Gemini 3.8 Flash Global Text Input - Predictions"
    assert sorted(first.records, key=lambda r: r.amount) == [
        cost(
            "-0.4",
            f"Free trial: {text}",
            model="gemini-3.8-flash",
            cost_type="credit",
            dimensions=vertex | {"credit_type": "PROMOTION"},
        ),
        cost(
            "0.225",
            output,
            model="gemini-2.5-flash",
            cost_type="tokens",
            token_type="output_tokens",
            quantity=Decimal(90000),
            quantity_unit="tokens",
            dimensions={"service": "AEFD-7695-64FA", "sku": "911A-8880-A243", "context": "short"},
        ),
        cost(
            "0.9",
            text,
            model="gemini-3.8-flash",
            cost_type="tokens",
            token_type="input_tokens",
            quantity=Decimal(1200000),
            quantity_unit="tokens",
            dimensions=vertex,
        ),
    ]
    assert (second.start, second.records) == (DAY0 + DAY, ())


def test_the_billing_account_is_the_table_s(fake: FakeProvider, google: BaseProvider) -> None:
    tested = google.test_connection(ACCOUNT_KEY)
    assert (tested.success, tested.account_id) == (True, BILLING_ACCOUNT)


def test_projects_have_names(fake: FakeProvider, google: BaseProvider) -> None:
    yesterday = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - DAY
    fake.load_examples("google", yesterday)
    assert list(google.get_resources(ACCOUNT_KEY)) == [
        NamedResource(kind=ResourceKind.PROJECT, external_id="my-proj", name="my-proj")
    ]


@pytest.mark.parametrize(
    ("name", "counts"),
    [("monitoring_vertex_token_count", [1200000, 90000]), ("monitoring_gemini_api_quota_tokens", [1200000])],
)
def test_daily_time_series(name: str, counts: list[int]) -> None:
    series = Row(example(f"google/{name}"), "Google's metric").rows("timeSeries")
    points = [point for each in series for point in read_series(each, DAY)]
    assert [(p.start, p.end, p.count) for p in points] == [(DAY0, DAY0 + DAY, count) for count in counts]
    assert all(p.labels["location"] == "global" for p in points)
    with pytest.raises(errors.ProviderContractBroken, match="sums up more than was asked for"):
        list(read_series(series[0], HOUR))


def test_tokens_of_vertex_are_an_estimate(fake: FakeProvider, google: BaseProvider) -> None:
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - 7 * DAY
    fake.load_examples("google", day)
    buckets = list(google.get_usage(ACCOUNT_KEY, day, day + DAY, "vertex"))
    assert [b.start for b in buckets] == [day + n * HOUR for n in range(24)]
    assert {b.series for b in buckets} == {"vertex/my-proj"}
    (record,) = [r for b in buckets for r in b.records]
    assert (record.start, record.end) == (day, day + HOUR)
    assert (record.model, record.project_id, record.service_tier) == ("gemini-3.8-flash", "my-proj", None)
    assert record.counts == UsageCounts(input_tokens=1200000, output_tokens=90000)
    assert record.dimensions == {"publisher": "google", "location": "global"}
    priced = price(record)
    # 1.2 M of input at $0.75 and 0.09 M of output at $3.75 per million, until 2026-12-31
    if day < datetime(2026, 12, 31, tzinfo=UTC):
        assert priced.amount == Decimal("0.9") + Decimal("0.3375")
    assert priced.source is CostSource.ESTIMATED
    assert "do not tell cached input apart" in (priced.reason or "")


def test_an_embedding(fake: FakeProvider, google: BaseProvider, tracked: list[TrackedUsage]) -> None:
    payload = {"endpoint": "embedContent", "model": "models/gemini-embedding-001", "content": {"parts": []}}
    answer = google.make_request(GEMINI_KEY, "user-1", payload)
    assert answer == example("google/embed_content")
    (found,) = tracked
    assert (found.usage.operation, found.usage.model) == ("embedding", "gemini-embedding-001")
    assert found.usage.counts == UsageCounts(input_tokens=8)
    (asked,) = fake.log
    assert asked.target == "/v1beta/models/gemini-embedding-001:embedContent"
    assert asked.body == {"content": {"parts": []}}


def test_the_tier_that_served_a_call_is_in_a_header(
    fake: FakeProvider, google: BaseProvider, tracked: list[TrackedUsage]
) -> None:
    fake.google.headers = {"x-gemini-service-tier": "PRIORITY"}
    google.make_request(GEMINI_KEY, "user-1", {"model": "gemini-3.8-flash", "serviceTier": "flex", "contents": []})
    assert tracked[0].usage.service_tier == "priority"


def test_one_credential_and_never_in_the_address(fake: FakeProvider, google: BaseProvider) -> None:
    assert google.test_connection(GEMINI_KEY).success
    google.make_request(GEMINI_KEY, "user-1", {"model": "gemini-3.8-flash", "contents": []})
    assert [r.target for r in fake.log] == [
        "/v1beta/models",
        "/v1beta/models/gemini-3.8-flash:countTokens",
        GENERATE,
    ]
    for request in fake.log:
        assert request.headers["x-goog-api-key"] == GEMINI_KEY
        assert "authorization" not in request.headers
        assert not any(GEMINI_KEY in value for _, value in request.query)
