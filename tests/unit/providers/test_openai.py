"""OpenAI's own traps: groups it refuses, keys before their time, tiers and batches, scopes, tools in answers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guardian import errors
from guardian.providers.base import BaseProvider
from guardian.records import UsageCounts
from tests.fakes.openai_api import ADMIN_KEY
from tests.fakes.provider_server import FakeProvider

T0 = datetime(2026, 11, 1, tzinfo=UTC)
UNIX = int(T0.timestamp())
DAY = timedelta(days=1)

# Every report with the groups that the contract's table gives it.
GROUPS = {
    "completions": "project_id user_id api_key_id model batch service_tier api_source",
    "decisions": "project_id user_id api_key_id model batch service_tier api_source",
    "embeddings": "project_id user_id api_key_id model",
    "moderations": "project_id user_id api_key_id model",
    "images": "project_id user_id api_key_id model size source",
    "audio_speeches": "project_id user_id api_key_id model",
    "audio_transcriptions": "project_id user_id api_key_id model",
    "vector_stores": "project_id",
    "code_interpreter_sessions": "project_id",
    "file_search_calls": "project_id user_id api_key_id vector_store_id",
    "web_search_calls": "project_id user_id api_key_id model context_level api_source",
}


def usage(adapter: BaseProvider, report: str = "completions", days: int = 1) -> list[Any]:
    buckets = adapter.get_usage(ADMIN_KEY, T0, T0 + days * DAY, report)
    return [record for bucket in buckets for record in bucket.records]


def groups(query: list[tuple[str, str]]) -> list[str]:
    return [value for name, value in query if name == "group_by[]"]


def test_every_report_is_read_with_its_own_groups(fake: FakeProvider, openai: BaseProvider) -> None:
    assert list(openai.reports) == list(GROUPS)
    for report in openai.reports:
        usage(openai, report)
        asked = fake.log[-1]
        assert asked.path == f"/organization/usage/{report}"
        assert sorted(groups(asked.query)) == sorted(GROUPS[report].split())
        assert ("bucket_width", "1h") in asked.query
        assert ("limit", "168") in asked.query


def test_costs_are_asked_for_by_day_and_by_everything(fake: FakeProvider, openai: BaseProvider) -> None:
    list(openai.get_costs(ADMIN_KEY, T0, T0 + DAY))
    (asked,) = fake.log
    assert set(groups(asked.query)) == {"project_id", "line_item", "api_key_id", "user_id", "api_source"}
    assert ("bucket_width", "1d") in asked.query
    assert ("limit", "180") in asked.query


def test_fewer_days_per_page_than_asked_for_are_followed_up(fake: FakeProvider, openai: BaseProvider) -> None:
    days = list(openai.get_costs(ADMIN_KEY, T0 - 60 * DAY, T0))
    assert len(days) == 60
    assert len(fake.log) == 2


def test_dimensions_tell_rows_apart(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.openai.usage["images"].plant(UNIX, images=1, num_model_requests=1, size="1024x1024", source="image.edit")
    fake.openai.usage["images"].plant(UNIX, images=2, num_model_requests=1, size="512x512", source="image.edit")
    one, two = usage(openai, "images")
    assert one.dimensions == {"size": "1024x1024", "source": "image.edit"}
    assert two.counts.units == {"images": Decimal(2)}
    fake.openai.usage["file_search_calls"].plant(UNIX, num_requests=3, vector_store_id="vs_1")
    fake.openai.usage["web_search_calls"].plant(UNIX, num_requests=4, context_level="high", model="gpt-6-sol")
    (files,), (web,) = usage(openai, "file_search_calls"), usage(openai, "web_search_calls")
    assert (files.model, files.dimensions, files.requests) == ("file-search", {"vector_store_id": "vs_1"}, 0)
    assert (web.model, web.dimensions, web.requests) == ("gpt-6-sol", {"context_level": "high"}, 0)


def test_a_batch_of_another_tier_does_not_swallow_the_default_one(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.openai.plant_completion(UNIX, uncached=1, output=0, batch=True, service_tier="default")
    fake.openai.plant_completion(UNIX, uncached=2, output=0, batch=True, service_tier="flex")
    fake.openai.plant_completion(UNIX, uncached=4, output=0, batch=True, service_tier=None)
    records = usage(openai)
    assert {r.service_tier for r in records} == {"batch"}
    assert sum(r.counts.input_tokens for r in records) == 7
    assert {"service_tier": "flex"} in [r.dimensions for r in records]


def test_old_rows_without_the_newer_splits(fake: FakeProvider, openai: BaseProvider) -> None:
    old = dict.fromkeys(f"input_{n}_tokens" for n in ("cache_write", "cache_write_30m", "cache_write_12h", "uncached"))
    old |= dict.fromkeys(("input_audio_tokens", "input_image_tokens", "output_audio_tokens"))
    fake.openai.plant_completion(UNIX, uncached=5, cached=3, output=2, **old)
    (record,) = usage(openai)
    assert record.counts == UsageCounts(input_tokens=8, cache_read_tokens=3, output_tokens=2)


def test_cache_writes_that_no_split_covers_were_written_for_half_an_hour(
    fake: FakeProvider, openai: BaseProvider
) -> None:
    fake.openai.plant_completion(
        UNIX,
        uncached=5,
        output=2,
        input_cache_write_tokens=10,
        input_cache_write_30m_tokens=3,
        input_cache_write_12h_tokens=4,
    )
    (record,) = usage(openai)
    assert (record.counts.cache_write_30m_tokens, record.counts.cache_write_12h_tokens) == (6, 4)
    assert record.counts.input_tokens == 15


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"input_uncached_tokens": 6}, "do not add up to input_tokens"),
        ({"input_cached_tokens": 9, "input_uncached_tokens": None}, "exceed input_tokens by 4"),
        ({"input_cache_write_30m_tokens": 7, "input_uncached_tokens": None}, "do not add up to input_tokens"),
        ({"input_cached_audio_tokens": 1}, "cached audio and image tokens exceed"),
        ({"output_audio_tokens": 3}, "exceed output_tokens by 1"),
    ],
    ids=str,
)
def test_rows_that_contradict_themselves_are_refused(
    fake: FakeProvider, openai: BaseProvider, values: dict[str, Any], words: str
) -> None:
    row = fake.openai.plant_completion(UNIX, uncached=5, output=2)
    fake.openai.usage["completions"].restate(row, **values)
    with pytest.raises(
        errors.ProviderContractBroken, match=f"OpenAI's completions report contradicts itself: .*{words}"
    ):
        usage(openai)


def test_the_older_name_of_code_interpreter_sessions(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.openai.usage["code_interpreter_sessions"].plant(UNIX, sessions=3, project_id="proj_web")
    (record,) = usage(openai, "code_interpreter_sessions")
    assert record.counts.units == {"code_interpreter_sessions": Decimal(3)}
    fake.openai.usage["code_interpreter_sessions"].plant(UNIX + 3600, project_id="proj_web")
    with pytest.raises(errors.ProviderContractBroken, match="lacks the field num_sessions"):
        usage(openai, "code_interpreter_sessions")


def test_a_report_that_the_account_does_not_have_is_empty(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.openai.missing_reports |= {"decisions", "images", "completions"}
    assert list(openai.get_usage(ADMIN_KEY, T0, T0 + DAY, "decisions")) == []
    assert list(openai.get_usage(ADMIN_KEY, T0, T0 + DAY, "images")) == []
    with pytest.raises(errors.ProviderRequestRejected, match="HTTP 404"):
        usage(openai, "completions")


@pytest.mark.parametrize(
    "refused", [{"api_source"}, {"user_id"}, {"api_source", "user_id"}], ids=lambda names: "+".join(sorted(names))
)
def test_groups_that_the_account_does_not_have_are_left_out(
    fake: FakeProvider, openai: BaseProvider, refused: set[str]
) -> None:
    fake.openai.plant_completion(UNIX, uncached=1, output=0, user_id="user_a", model="m")
    fake.openai.plant_cost(UNIX, 1, "x", user_id="user_a")
    fake.openai.refused_dimensions = refused
    (record,) = usage(openai, days=10)
    assert record.external_user_id == (None if "user_id" in refused else "user_a")
    assert [r.amount for d in openai.get_costs(ADMIN_KEY, T0, T0 + DAY) for r in d.records] == [1]
    kept = set(GROUPS["completions"].split()) - refused
    assert {*groups(fake.requests("*/completions")[-1].query)} == kept


def test_a_refused_api_source_is_not_asked_for_again_but_users_are(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.openai.refused_dimensions = {"api_source", "user_id"}
    usage(openai)
    first = len(fake.log)
    usage(openai)
    later = [groups(r.query) for r in fake.log[first:]]
    assert first == 3
    assert ["user_id" in g for g in later] == [True, False]
    assert not any("api_source" in g for g in later)


def test_an_end_that_the_provider_calls_the_future_is_left_out(fake: FakeProvider, openai: BaseProvider) -> None:
    now = datetime.now(UTC)
    fake.openai.now = lambda: now.timestamp() - 3600  # a clock that is late
    fake.openai.plant_completion(int(now.timestamp()) - 7200, uncached=3, output=0)
    buckets = list(openai.get_usage(ADMIN_KEY, now - 3 * DAY, now, "completions"))
    assert sum(r.counts.input_tokens for b in buckets for r in b.records) == 3
    assert not any(name == "end_time" for name, _ in fake.log[-1].query)
    assert "user_id" in groups(fake.log[-1].query)


def test_keys_are_told_apart_from_the_floor_on(fake: FakeProvider, openai: BaseProvider) -> None:
    # Not at midnight: the day of the floor itself is read without keys, for a day must be asked for in one way.
    fake.openai.costs_key_floor = UNIX + 3600
    for day in (-1, 0, 1):
        fake.openai.plant_cost(UNIX + day * 86400, day + 5, "x", api_key_id="key_a")
    days = list(openai.get_costs(ADMIN_KEY, T0 - 2 * DAY, T0 + 2 * DAY))
    assert [d.start for d in days] == [T0 + n * DAY for n in range(-2, 2)]
    assert [(r.amount, r.external_key_id) for d in days for r in d.records] == [(4, None), (5, None), (6, "key_a")]


@pytest.mark.parametrize("floor", [UNIX + 50 * 86400, 5])
def test_a_floor_that_is_of_no_use_means_no_keys(fake: FakeProvider, openai: BaseProvider, floor: int) -> None:
    body = {"error": {"message": f"Grouping by api_key_id is only supported for start_time >= {floor}."}}
    fake.openai.plant_cost(UNIX, 5, "x", api_key_id="key_a")
    fake.fail("*/costs", status=400, body=body, times=1)
    days = list(openai.get_costs(ADMIN_KEY, T0, T0 + 2 * DAY))
    assert [(r.amount, r.external_key_id) for d in days for r in d.records] == [(5, None)]
    assert len(days) == 2


def test_a_floor_that_moves_on_every_request_ends(fake: FakeProvider, openai: BaseProvider) -> None:
    def message(floor: datetime) -> dict[str, Any]:
        return {"error": {"message": f"api_key_id is only supported for start_time >= {int(floor.timestamp())}"}}

    fake.fail("*/costs", status=400, body=message(T0 + DAY), times=1)
    fake.fail("*/costs", status=400, body=message(T0 + 2 * DAY), times=1, skip=1)
    days = list(openai.get_costs(ADMIN_KEY, T0, T0 + 4 * DAY))
    assert [d.start for d in days] == [T0 + n * DAY for n in range(4)]


def test_a_refusal_in_other_words_means_no_keys_either(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.openai.plant_cost(UNIX, 5, "x", api_key_id="key_a")
    # Refused with api_source and user_id, without the first, and without both.
    fake.fail("*/costs", status=400, body={"error": {"message": "Not by key before December."}}, times=3)
    days = list(openai.get_costs(ADMIN_KEY, T0, T0 + DAY))
    assert [(r.amount, r.external_key_id) for d in days for r in d.records] == [(5, None)]


def test_a_fault_after_the_floor_gives_none_of_the_days_before(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.openai.costs_key_floor = UNIX
    fake.fail("*/costs", status=500, skip=2)
    with pytest.raises(errors.ProviderUnavailable):
        next(openai.get_costs(ADMIN_KEY, T0 - DAY, T0 + DAY))
    assert len(fake.log) == 5  # refused, the day before, and three attempts at the day after


def test_another_bad_request_is_not_taken_for_the_floor(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.fail("*/costs", status=400, body={"error": {"message": "bucket_width is wrong"}})
    with pytest.raises(errors.ProviderRequestRejected, match="bucket_width is wrong"):
        list(openai.get_costs(ADMIN_KEY, T0, T0 + DAY))


@pytest.mark.parametrize(
    ("line_item", "model", "token_type", "tier"),
    [
        ("gpt-6-sol, input_tokens", "gpt-6-sol", "input_tokens", None),
        ("gpt-6-sol, batch_output_tokens", "gpt-6-sol", "batch_output_tokens", "batch"),
        ("gpt-6-sol, batch", "gpt-6-sol", None, None),
        ("web search tool calls", None, None, None),
        ("Fine-tuning, gpt-6", "Fine-tuning", None, None),
        ("Image models, two words", None, None, None),
        (",", None, None, None),
    ],
)
def test_what_a_line_item_tells(
    fake: FakeProvider,
    openai: BaseProvider,
    line_item: str,
    model: str | None,
    token_type: str | None,
    tier: str | None,
) -> None:
    fake.openai.plant_cost(UNIX, Decimal("-0.5"), line_item)
    (record,) = [r for d in openai.get_costs(ADMIN_KEY, T0, T0 + DAY) for r in d.records]
    assert (record.line_item, record.amount) == (line_item, Decimal("-0.5"))
    assert (record.model, record.token_type, record.service_tier) == (model, token_type, tier)


def test_names_are_paged(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.openai.projects = [{"id": f"proj_{n}", "name": f"Project {n}"} for n in range(250)]
    names = [r.name for r in openai.get_resources(ADMIN_KEY)]
    assert names == [f"Project {n}" for n in range(250)]
    assert len(fake.requests("/organization/projects")) == 3


def test_what_has_no_name_is_called_by_what_it_has(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.openai.users = [{"id": "u1", "name": None, "email": "ada@x.test"}, {"id": "u2", "name": ""}]
    fake.openai.admin_keys = [{"id": "k1", "name": None, "redacted_value": "sk-admin...def"}]
    assert [r.name for r in openai.get_resources(ADMIN_KEY)] == ["ada@x.test", "u2", "sk-admin...def"]


def test_what_is_shown_of_a_key_comes_along_with_its_name(fake: FakeProvider, openai: BaseProvider) -> None:
    fake.openai.admin_keys = [{"id": "k1", "name": "Reports", "redacted_value": "sk-admin...def"}]
    assert [(r.name, r.masked) for r in openai.get_resources(ADMIN_KEY)] == [("Reports", "sk-admin...def")]


def test_an_organization_that_openai_does_not_name_is_known_by_its_oldest_project(
    fake: FakeProvider, openai: BaseProvider
) -> None:
    assert openai.test_connection(ADMIN_KEY).account_id == "org-fake"
    fake.openai.organization = None
    assert openai.test_connection(ADMIN_KEY).account_id is None
    fake.openai.projects += [
        {"id": "proj_b", "object": "organization.project", "name": "B", "created_at": 2, "status": "active"},
        {"id": "proj_a", "object": "organization.project", "name": "A", "created_at": 1, "status": "archived"},
    ]
    assert openai.test_connection(ADMIN_KEY).account_id == "project:proj_a"
