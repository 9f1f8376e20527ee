"""Tokens from Cloud Monitoring: what is complete, what is an estimate, and what says itself that it has no price."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from guardian import errors
from guardian.models.enums import CostSource, Provider
from guardian.periods import Window
from guardian.pricing.calculator import price
from guardian.providers.base import BaseProvider
from guardian.records import UsageCounts, UsageRecord
from tests.fakes.fixtures import MakeAdapter
from tests.fakes.google_keys import key_file
from tests.fakes.google_monitoring import CALLS, QUOTA, TOKENS
from tests.fakes.provider_server import FakeProvider

KEY = key_file()
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DAY0 = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - 7 * DAY
T0 = int(DAY0.timestamp())


def records(google: BaseProvider, report: str = "vertex", start: datetime = DAY0) -> list[UsageRecord]:
    return [r for b in google.get_usage(KEY, start, start + DAY, report) for r in b.records]


def plant(fake: FakeProvider, model: str, counts: dict[str, int], metric: str = TOKENS, **labels: str) -> None:
    fake.google.monitoring.series.plant(T0 + 60, metric, model, counts, **labels)


def test_calls_are_counted_beside_their_tokens(fake: FakeProvider, google: BaseProvider) -> None:
    plant(fake, "gemini-3.8-flash", {"input": 1000, "output": 50})
    plant(fake, "gemini-3.8-flash", {"": 7}, CALLS, response_code="200")
    plant(fake, "gemini-3.8-flash", {"": 3}, CALLS, response_code="429")
    (record,) = records(google)
    assert (record.counts.total_tokens, record.requests) == (1050, 7)


def test_tiers_and_places_are_rows_of_their_own(fake: FakeProvider, google: BaseProvider) -> None:
    plant(fake, "gemini-3.8-flash", {"input": 1, "output": 1})
    plant(fake, "gemini-3.8-flash", {"input": 2, "output": 1}, location="europe-west1")
    plant(fake, "gemini-3.8-flash", {"input": 3, "output": 1}, shared_request_type="priority")
    plant(fake, "gemini-3.8-flash", {"input": 4, "output": 1}, model_version_id="002")
    found = {r.counts.input_tokens: r for r in records(google)}
    assert {n: r.service_tier for n, r in found.items()} == {1: None, 2: None, 3: "priority", 4: None}
    assert found[2].dimensions["location"] == "europe-west1"
    assert found[4].dimensions["model_version"] == "002"
    assert "regional endpoints can cost more" in (price(found[2]).reason or "")


def test_series_that_differ_in_nothing_known_are_one_row(fake: FakeProvider, google: BaseProvider) -> None:
    plant(fake, "gemini-3.8-flash", {"input": 1, "output": 1}, model_version_id="")
    plant(fake, "gemini-3.8-flash", {"input": 2, "output": 1}, model_version_id="default")
    plant(fake, "gemini-3.8-flash", {"input": 4, "output": 1}, request_type="")
    (record,) = records(google)
    assert record.counts == UsageCounts(input_tokens=7, output_tokens=3)


def test_claude_on_vertex_tells_its_cache_and_is_priced_exactly(fake: FakeProvider, google: BaseProvider) -> None:
    counts = {"input": 10, "output": 5, "cache_read_input": 100, "cache_write_input": 20, "cache_write_1h_input": 3}
    plant(fake, "claude-opus-4-5", counts, publisher="anthropic", model_version_id="default")
    (record,) = records(google)
    assert record.counts == UsageCounts(
        input_tokens=133, output_tokens=5, cache_read_tokens=100, cache_write_5m_tokens=20, cache_write_1h_tokens=3
    )
    assert record.counts.problems() == []
    priced = price(record)
    # per million: 10 × $5 + 5 × $25 + 100 × $0.50 + 20 × $6.25 + 3 × $10
    assert priced.amount == Decimal("0.00038")
    assert priced.source is CostSource.COMPUTED


def test_modalities_are_shares(fake: FakeProvider, google: BaseProvider) -> None:
    plant(fake, "gemini-3.1-flash-lite", {"input": 10, "output": 5}, modality="TEXT")
    plant(fake, "gemini-3.1-flash-lite", {"input": 7}, modality="AUDIO")
    plant(fake, "gemini-3.1-flash-lite", {"output": 3}, modality="IMAGE")
    (record,) = records(google)
    assert record.counts == UsageCounts(input_tokens=17, output_tokens=8, audio_input_tokens=7, image_output_tokens=3)


@pytest.mark.parametrize(
    ("counts", "labels", "why"),
    [
        ({"input": 10, "output": 5}, {"request_type": "dedicated"}, "reservation"),
        ({"input": 10, "output": 5, "dream_output": 2}, {}, "only a part"),
    ],
    ids=["provisioned throughput", "an unknown kind of token"],
)
def test_tokens_that_tell_no_cost_have_none(
    fake: FakeProvider, google: BaseProvider, counts: dict[str, int], labels: dict[str, str], why: str
) -> None:
    plant(fake, "gemini-3.8-flash", counts, **labels)
    (record,) = records(google)
    assert (record.counts.input_tokens, record.counts.output_tokens) == (10, 5)
    priced = price(record)
    assert (priced.amount, priced.source) == (None, CostSource.UNPRICED)
    assert why in (priced.reason or "")


def test_calls_without_tokens_are_not_free(fake: FakeProvider, google: BaseProvider) -> None:
    plant(fake, "imagen-4.0-generate", {"": 7}, CALLS, response_code="200")
    (record,) = records(google)
    assert (record.counts, record.requests) == (UsageCounts(), 7)
    assert price(record).source is CostSource.UNPRICED


def test_labels_that_a_project_does_not_have_are_done_without(fake: FakeProvider, google: BaseProvider) -> None:
    fake.google.monitoring.missing_labels = {
        "metric.label.modality",
        "metric.label.shared_request_type",
        "metric.label.response_code",
    }
    plant(fake, "gemini-3.8-flash", {"input": 1000, "output": 50}, modality="AUDIO")
    plant(fake, "gemini-3.8-flash", {"": 7}, CALLS)
    (record,) = records(google)
    assert (record.counts, record.requests) == (UsageCounts(input_tokens=1000, output_tokens=50), 7)


def test_an_end_in_the_future_is_done_without(fake: FakeProvider, google: BaseProvider) -> None:
    fake.google.monitoring.refuses_future_end = True
    now = datetime.now(UTC)
    fake.google.monitoring.plant(int((now - 2 * HOUR).timestamp()), 5, 1, "gemini-3.8-flash")
    found = [r for b in google.get_usage(KEY, now - 5 * HOUR, now, "vertex") for r in b.records]
    assert [r.counts.input_tokens for r in found] == [5]


def test_only_the_project_s_own_metrics_count(fake: FakeProvider, google: BaseProvider) -> None:
    plant(fake, "gemini-3.8-flash", {"input": 1, "output": 1}, project="other-proj")
    assert records(google) == []


def test_several_projects_have_a_series_each(fake: FakeProvider, make_adapter: MakeAdapter) -> None:
    google = make_adapter(Provider.GOOGLE, metadata={"projectId": "my-proj,other-proj"})
    plant(fake, "gemini-3.8-flash", {"input": 1, "output": 1})
    plant(fake, "gemini-3.8-flash", {"input": 2, "output": 1}, project="other-proj")
    buckets = list(google.get_usage(KEY, DAY0, DAY0 + HOUR, "vertex"))
    assert [(b.series, b.start, len(b.records)) for b in buckets] == [
        ("vertex/my-proj", DAY0, 1),
        ("vertex/other-proj", DAY0, 1),
    ]
    assert [r.project_id for b in buckets for r in b.records] == ["my-proj", "other-proj"]


def quota(fake: FakeProvider, tier: str, kind: str, count: int, limit: str = "PerMinute", method: str = "m") -> None:
    name = f"{QUOTA}_{tier}_{kind}/usage"
    plant(fake, "gemini-3.8-flash", {"": count}, name, limit_name=limit, method=method)


def test_the_gemini_api_counts_its_input_and_has_no_price(fake: FakeProvider, google: BaseProvider) -> None:
    quota(fake, "paid_tier_2", "input_token_count", 1200)
    quota(fake, "paid_tier_2", "requests", 4)
    (record,) = records(google, "gemini_api")
    assert (record.counts, record.requests) == (UsageCounts(input_tokens=1200), 4)
    assert record.dimensions == {"quota": "paid_tier_2", "incomplete": "output_tokens"}
    priced = price(record)
    assert (priced.amount, priced.source) == (None, CostSource.UNPRICED)
    assert "only a part of what was used" in (priced.reason or "")


def test_each_limit_counts_the_same_tokens_once_more(fake: FakeProvider, google: BaseProvider) -> None:
    for limit in ("PerMinute", "PerDay"):
        quota(fake, "paid_tier", "input_token_count", 700, limit, "GenerateContent")
        quota(fake, "paid_tier", "input_token_count", 300, limit, "StreamGenerateContent")
    (record,) = records(google, "gemini_api")
    assert record.counts.input_tokens == 1000
    assert record.requests is None


def test_the_free_tier_is_free(fake: FakeProvider, google: BaseProvider) -> None:
    quota(fake, "free_tier", "input_token_count", 700)
    (record,) = records(google, "gemini_api")
    priced = price(record)
    assert (priced.amount, priced.source) == (Decimal(0), CostSource.PROVIDER)


def test_metrics_that_were_never_written_are_no_error(fake: FakeProvider, google: BaseProvider) -> None:
    assert records(google, "gemini_api") == []
    assert {r.status for r in fake.log if r.vendor == "google-monitoring"} == {404}


def test_a_project_that_does_not_exist_is_an_error(fake: FakeProvider, google: BaseProvider) -> None:
    fake.fail("/v3/*", status=404, body={"error": {"message": "The project does not exist.", "status": "NOT_FOUND"}})
    with pytest.raises(errors.ProviderRequestRejected, match="project does not exist"):
        records(google)


def test_of_what_is_long_gone_no_data_is_no_word(fake: FakeProvider, google: BaseProvider) -> None:
    long_ago = DAY0 - 60 * DAY
    fake.google.monitoring.plant(int(long_ago.timestamp()) + 3600, 5, 1, "gemini-3.8-flash")
    buckets = list(google.get_usage(KEY, long_ago, long_ago + DAY, "vertex"))
    assert [(b.start, len(b.records)) for b in buckets] == [(long_ago + HOUR, 1)]


def test_only_what_metrics_can_tell_becomes_covered(google: BaseProvider) -> None:
    end = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
    spoken = google.reported(Window(end - 90 * DAY, end))
    assert spoken == Window(datetime(2026, 10, 12, 8, tzinfo=UTC), end - timedelta(minutes=10))
    assert google.reported(Window(end - HOUR, end)).start == end - HOUR
    assert google.reported(Window(end, end)) == Window(end, end)


def test_a_point_that_is_not_of_a_whole_hour_is_refused(fake: FakeProvider, google: BaseProvider) -> None:
    plant(fake, "gemini-3.8-flash", {"input": 1, "output": 1})

    def shift(body: dict[str, list[dict[str, list[dict[str, dict[str, str]]]]]]) -> None:
        for series in body.get("timeSeries", []):
            for point in series["points"]:
                point["interval"] = {"endTime": DAY0.replace(minute=30).isoformat()}

    fake.alter("*/token_count", shift)
    with pytest.raises(errors.ProviderContractBroken, match="not of a whole hour"):
        records(google)
