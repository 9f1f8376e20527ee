"""Every OpenAI example body that is in scope, through the adapter over real HTTP, with the exact records expected."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guardian import errors
from guardian.models.enums import CostSource, Provider, ResourceKind
from guardian.providers.base import BaseProvider
from guardian.providers.tracking import TrackedUsage
from guardian.records import CostRecord, NamedResource, UsageCounts, UsageRecord
from tests.fakes.openai_api import ADMIN_KEY, PROJECT_KEY
from tests.fakes.provider_server import FakeProvider
from tests.fakes.reporting import EXAMPLES, example

OLD = datetime(2024, 11, 1, tzinfo=UTC)  # of the official examples
NEW = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)

# For the gateway, or amounts that no page shows: read where they are used.
ELSEWHERE = {
    "audio_transcription.json",
    "audio_transcription_usage_duration.json",
    "audio_transcription_usage_tokens.json",
    "chat_completion_stream_include_usage.sse",
    "chat_completion_stream_no_usage.sse",
    "images_generation.json",
    "responses_stream.sse",
    "spend_limit.json",
}
ERRORS = {
    "error_400_api_key_grouping_before_floor.json",
    "error_401_bad_key.json",
    "error_403_missing_scope.json",
    "error_429_insufficient_quota.json",
    "error_429_rate_limit.json",
    "headers_example.json",
}
NAMES = {"projects.json", "project_api_keys.json", "users.json", "admin_api_keys.json"}
ANSWERS = {"chat_completion.json", "response.json", "embeddings.json"}
COSTS = {"costs.json", "costs_grouped.json"}
GROUPED = {"usage_completions_grouped_page1.json", "usage_completions_grouped_page2.json"}


def record(operation: str, start: datetime, **values: Any) -> UsageRecord:
    return UsageRecord(provider=Provider.OPENAI, operation=operation, start=start, end=start + DAY, **values)


def units(**values: int) -> UsageCounts:
    return UsageCounts(units={name: Decimal(value) for name, value in values.items()})


UNKNOWN = "(not reported)"
OFFICIAL: dict[str, UsageRecord] = {
    "usage_completions": record(
        "completion",
        OLD,
        model=UNKNOWN,
        requests=5,
        counts=UsageCounts(
            input_tokens=1000,
            output_tokens=500,
            cache_read_tokens=400,
            cache_write_30m_tokens=100,
            audio_input_tokens=50,
            image_input_tokens=50,
            cache_read_audio_tokens=50,
            cache_read_image_tokens=50,
            audio_output_tokens=50,
            image_output_tokens=50,
        ),
    ),
    "usage_decisions": record(
        "decision",
        NEW,
        model=UNKNOWN,
        requests=3,
        counts=UsageCounts(input_tokens=1000, output_tokens=12),
    ),
    "usage_embeddings": record("embedding", OLD, model=UNKNOWN, requests=2, counts=UsageCounts(input_tokens=16)),
    "usage_moderations": record("moderation", OLD, model=UNKNOWN, requests=2, counts=UsageCounts(input_tokens=16)),
    "usage_images": record("image", OLD, model=UNKNOWN, requests=2, counts=units(images=2)),
    "usage_audio_speeches": record("audio_speech", OLD, model=UNKNOWN, requests=1, counts=units(characters=45)),
    "usage_audio_transcriptions": record(
        "audio_transcription", OLD, model=UNKNOWN, requests=1, counts=units(seconds=20)
    ),
    "usage_vector_stores": record(
        "vector_store", OLD, model="vector-store-storage", requests=0, counts=units(vector_store_bytes=1024)
    ),
    "usage_code_interpreter_sessions": record(
        "code_interpreter", OLD, model="code-interpreter", requests=0, counts=units(code_interpreter_sessions=1)
    ),
    "usage_file_search_calls": record(
        "file_search", OLD, model="file-search", requests=0, counts=units(file_search_requests=2)
    ),
    "usage_web_search_calls": record(
        "web_search", OLD, model="web-search", requests=0, counts=units(web_search_requests=2)
    ),
}


def test_every_example_is_tested_here_or_named_as_out_of_scope() -> None:
    usage = {f"{name}.json" for name in OFFICIAL}
    covered = usage | GROUPED | COSTS | NAMES | ANSWERS | ERRORS | ELSEWHERE
    assert {p.name for p in (EXAMPLES / "openai").iterdir()} == covered


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_usage_examples(fake: FakeProvider, openai: BaseProvider, name: str) -> None:
    report, expected = name.removeprefix("usage_"), OFFICIAL[name]
    fake.serve(f"/organization/usage/{report}", example(f"openai/{name}"))
    (bucket,) = openai.get_usage(ADMIN_KEY, expected.start, expected.end, report)
    assert (bucket.series, bucket.start, bucket.end) == (report, expected.start, expected.end)
    assert bucket.records == (expected,)


def test_the_grouped_completions_over_two_pages(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.serve(
        "/organization/usage/completions",
        example("openai/usage_completions_grouped_page1"),
        example("openai/usage_completions_grouped_page2"),
    )
    buckets = list(openai.get_usage(ADMIN_KEY, NEW, NEW + 3 * DAY, "completions"))
    assert [(b.start, b.end) for b in buckets] == [(NEW + n * DAY, NEW + (n + 1) * DAY) for n in range(3)]
    assert buckets[0].records == (
        record(
            "completion",
            NEW,
            model="gpt-6-sol",
            requests=412,
            project_id="proj_web",
            external_key_id="key_Ab1",
            service_tier="default",
            counts=UsageCounts(
                input_tokens=1_200_000,
                output_tokens=90_000,
                cache_read_tokens=800_000,
                cache_write_30m_tokens=50_000,
            ),
        ),
        record(
            "completion",
            NEW,
            model="gpt-5.4-mini",
            requests=2210,
            project_id="proj_etl",
            external_key_id="key_Cd2",
            service_tier="batch",
            counts=UsageCounts(input_tokens=5_400_000, output_tokens=610_000),
        ),
    )
    assert buckets[1].records == ()
    assert buckets[2].records == (
        record(
            "completion",
            NEW + 2 * DAY,
            model="gpt-6-sol",
            requests=98,
            project_id="proj_web",
            external_key_id="key_Ab1",
            service_tier="priority",
            counts=UsageCounts(input_tokens=310_000, output_tokens=21_000, cache_read_tokens=120_000),
        ),
    )


def test_buckets_of_the_answer_outside_the_window_are_left_out(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.serve(
        "/organization/usage/completions",
        example("openai/usage_completions_grouped_page1"),
        example("openai/usage_completions_grouped_page2"),
    )
    buckets = openai.get_usage(ADMIN_KEY, NEW + 2 * DAY, NEW + 3 * DAY, "completions")
    assert [b.start for b in buckets] == [NEW + 2 * DAY]


def cost(line_item: str, amount: str, quantity: str | None, **values: Any) -> CostRecord:
    return CostRecord(
        provider=Provider.OPENAI,
        start=NEW,
        end=NEW + DAY,
        amount=Decimal(amount),
        line_item=line_item,
        quantity=None if quantity is None else Decimal(quantity),
        **values,
    )


WEB = {"project_id": "proj_web", "external_key_id": "key_Ab1", "model": "gpt-6-sol", "cost_type": "tokens"}
ETL = {"project_id": "proj_etl", "external_key_id": "key_Cd2", "model": "gpt-5.4-mini", "cost_type": "tokens"}


def tokens(kind: str) -> dict[str, str]:
    return {"token_type": kind, "quantity_unit": "tokens"}


def test_the_grouped_costs_to_the_cent(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.serve("/organization/costs", example("openai/costs_grouped"))
    days = list(openai.get_costs(ADMIN_KEY, NEW, NEW + 2 * DAY))
    assert [(d.start, d.end, len(d.records)) for d in days] == [(NEW, NEW + DAY, 7), (NEW + DAY, NEW + 2 * DAY, 0)]
    batch = {"service_tier": "batch"}
    assert days[0].records == (
        cost("gpt-6-sol, input_tokens", "0.7", "350000", **WEB, **tokens("input_tokens")),
        cost("gpt-6-sol, cached_input_tokens", "0.16", "800000", **WEB, **tokens("cached_input_tokens")),
        cost("gpt-6-sol, output_tokens", "0.9", "90000", **WEB, **tokens("output_tokens")),
        cost("gpt-6-sol, cache_write_input_tokens", "0.125", "50000", **WEB, **tokens("cache_write_input_tokens")),
        cost("gpt-5.4-mini, batch_input_tokens", "2.025", "5400000", **ETL, **batch, **tokens("batch_input_tokens")),
        cost("gpt-5.4-mini, batch_output_tokens", "1.3725", "610000", **ETL, **batch, **tokens("batch_output_tokens")),
        # Its amount is a numeric string in the example.
        cost("web search tool calls", "0.035", "3.5", project_id="proj_web"),
    )
    assert sum(r.amount for d in days for r in d.records) == Decimal("5.3175")


def test_the_official_costs_without_groups(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.serve("/organization/costs", example("openai/costs"))
    # Two years ago OpenAI could not tell keys apart; the script answers all the same.
    (day,) = openai.get_costs(ADMIN_KEY, OLD, OLD + DAY)
    (line,) = day.records
    assert (line.amount, line.line_item, line.project_id, line.quantity) == (
        Decimal("0.06"),
        "(not itemised)",
        None,
        None,
    )


def test_the_example_rows_planted_in_the_fake_come_out_in_their_own_buckets(
    fake: FakeProvider, openai: BaseProvider
) -> None:
    fake.load_examples("openai")
    hours = list(openai.get_usage(ADMIN_KEY, NEW, NEW + 3 * DAY, "completions"))
    assert {b.start: len(b.records) for b in hours if b.records} == {NEW: 2, NEW + 2 * DAY: 1}
    days = openai.get_costs(ADMIN_KEY, NEW, NEW + 3 * DAY)
    assert sum(r.amount for d in days for r in d.records) == Decimal("5.3175")


def test_names(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.serve("/organization/projects", example("openai/projects"))
    fake.serve("/organization/projects/proj_abc/api_keys", example("openai/project_api_keys"))
    fake.serve("/organization/users", example("openai/users"))
    fake.serve("/organization/admin_api_keys", example("openai/admin_api_keys"))

    def named(
        kind: ResourceKind, external_id: str, name: str, parent: str | None = None, masked: str | None = None
    ) -> NamedResource:
        return NamedResource(kind=kind, external_id=external_id, name=name, parent_id=parent, masked=masked)

    assert list(openai.get_resources(ADMIN_KEY)) == [
        named(ResourceKind.PROJECT, "proj_abc", "Project example"),
        named(ResourceKind.API_KEY, "key_abc", "My API Key", "proj_abc", "sk-abc...def"),
        named(ResourceKind.USER, "user_abc", "First Last"),
        named(ResourceKind.API_KEY, "key_abc", "Main Admin Key", masked="sk-admin...def"),
    ]
    (projects,) = fake.requests("/organization/projects")
    (keys,) = fake.requests("/organization/projects/proj_abc/api_keys")
    assert ("include_archived", "true") in projects.query
    assert ("owner_project_access", "any") in keys.query


REFUSALS: dict[str, tuple[int, type[errors.ProviderError], str]] = {
    "error_401_bad_key": (401, errors.ProviderKeyRejected, "wrong, revoked or expired"),
    "error_403_missing_scope": (403, errors.ProviderForbidden, "lacks the permission api.usage.read"),
    "error_429_insufficient_quota": (429, errors.ProviderQuotaExhausted, "quota is used up"),
    "error_429_rate_limit": (429, errors.ProviderRateLimited, "limits how often"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_the_example_errors_mean_for_an_admin_key(fake: FakeProvider, openai: BaseProvider, name: str) -> None:
    status, kind, words = REFUSALS[name]
    fake.fail("*", status=status, body=example(f"openai/{name}"))
    with pytest.raises(kind, match=words) as caught:
        list(openai.get_usage(ADMIN_KEY, NEW, NEW + DAY, "completions"))
    assert "abcd" not in caught.value.message  # the tail of the key that the example repeats


def test_the_waiting_time_of_the_example_headers(fake: FakeProvider, openai: BaseProvider, sleeps: list[float]) -> None:
    fake.fail("*/costs", status=429, headers=example("openai/headers_example"), times=1)
    list(openai.get_costs(ADMIN_KEY, NEW, NEW + DAY))
    (slept,) = sleeps
    assert 1.8 <= slept < 2.3  # retry-after-ms is finer than retry-after and comes first


def test_the_floor_of_the_example_error(fake: FakeProvider, openai: BaseProvider) -> None:
    """Days before it are read without keys, days from it on with keys (2025-12-06)."""
    floor = datetime(2025, 12, 6, tzinfo=UTC)
    fake.openai.plant_cost(int((floor - DAY).timestamp()), 1, "a, input_tokens", api_key_id="key_old")
    fake.openai.plant_cost(int(floor.timestamp()), 2, "a, input_tokens", api_key_id="key_new")
    days = list(openai.get_costs(ADMIN_KEY, floor - 3 * DAY, floor + 3 * DAY))
    assert [d.start for d in days] == [floor + n * DAY for n in range(-3, 3)]
    assert [(r.amount, r.external_key_id) for d in days for r in d.records] == [(1, None), (2, "key_new")]


@pytest.mark.parametrize(
    ("name", "payload", "expected"),
    [
        (
            "chat_completion",
            {"model": "gpt-5.4", "messages": []},
            UsageCounts(input_tokens=19, output_tokens=10),
        ),
        ("response", {"model": "gpt-5.4", "input": "hi"}, UsageCounts(input_tokens=36, output_tokens=87)),
        ("embeddings", {"model": "text-embedding-3-small", "input": "hi"}, UsageCounts(input_tokens=8)),
    ],
)
def test_inference_answers_are_tracked_and_given_back_unchanged(
    openai: BaseProvider, tracked: list[TrackedUsage], name: str, payload: dict[str, Any], expected: UsageCounts
) -> None:
    body = example(f"openai/{name}")
    assert openai.make_request(PROJECT_KEY, "user_1", payload) == body
    (one,) = tracked
    assert one.usage.counts == expected
    assert (one.usage.model, one.usage.service_tier) == (body["model"], body.get("service_tier"))
    assert (one.user_id, one.response_id, one.status_code) == ("user_1", body.get("id"), 200)
    assert (one.cost.amount, one.cost.source) == (Decimal("0.5"), CostSource.COMPUTED)
    assert one.usage.start == one.usage.end
    assert one.response_time is not None
