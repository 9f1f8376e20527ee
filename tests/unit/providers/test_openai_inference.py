"""OpenAI's inference answers: what is tracked, and what is never sent."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guardian import errors
from guardian.models.enums import CostSource
from guardian.providers.base import BaseProvider
from guardian.providers.http.client import ProviderHttp
from guardian.providers.openai import OpenAIProvider
from guardian.providers.tracking import TrackedUsage
from guardian.records import UsageCounts
from tests.fakes.fixtures import MakeAdapter, half_dollar
from tests.fakes.openai_api import ADMIN_KEY, PROJECT_KEY
from tests.fakes.provider_server import FakeProvider

T0 = datetime(2026, 11, 1, tzinfo=UTC)
UNIX = int(T0.timestamp())
DAY = timedelta(days=1)


def answer(fake: FakeProvider, path: str, **body: Any) -> None:
    fake.openai.replies[path] = {"id": "resp_1", "model": "gpt-6-sol", **body}


def test_tools_of_a_response_are_counted_from_its_output(
    fake: FakeProvider, openai: BaseProvider, tracked: list[TrackedUsage]
) -> None:
    output = [
        {"type": "message"},
        *([{"type": "web_search_call"}] * 2),
        {"type": "file_search_call"},
        {"type": "image_generation_call"},
        *({"type": "code_interpreter_call", "container_id": c} for c in ("c1", "c1", "c2")),
    ]
    usage = {"input_tokens": 10, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 3}}
    answer(fake, "/responses", output=output, usage=usage, service_tier="priority")
    openai.make_request(PROJECT_KEY, "u", {"input": "hi", "model": "gpt-6-sol", "service_tier": "auto"})
    (one,) = tracked
    assert one.usage.counts == UsageCounts(
        input_tokens=10,
        output_tokens=4,
        reasoning_tokens=3,
        units={
            "web_search_requests": Decimal(2),
            "file_search_requests": Decimal(1),
            "images": Decimal(1),
            "code_interpreter_sessions": Decimal(2),
        },
    )
    assert one.usage.service_tier == "priority"  # of the answer, not of the request


def test_cache_writes_of_a_response(fake: FakeProvider, openai: BaseProvider, tracked: list[TrackedUsage]) -> None:
    details = {
        "cached_tokens": 20,
        "cache_write_tokens": 30,
        "cache_write_tokens_details": {"ttl_30m_tokens": 10, "ttl_12h_tokens": 20},
    }
    answer(fake, "/responses", usage={"input_tokens": 100, "input_tokens_details": details, "output_tokens": 1})
    openai.make_request(PROJECT_KEY, "u", {"input": "hi"})
    assert tracked[0].usage.counts == UsageCounts(
        input_tokens=100, output_tokens=1, cache_read_tokens=20, cache_write_30m_tokens=10, cache_write_12h_tokens=20
    )


def test_audio_that_was_cached_is_not_counted_twice(
    fake: FakeProvider, openai: BaseProvider, tracked: list[TrackedUsage]
) -> None:
    details = {"cached_tokens": 60, "audio_tokens": 70, "text_tokens": 30}
    usage = {"prompt_tokens": 100, "completion_tokens": 9, "prompt_tokens_details": details}
    answer(fake, "/chat/completions", usage=usage)
    openai.make_request(PROJECT_KEY, "u", {"messages": []})
    counts = tracked[0].usage.counts
    assert counts.problems() == []
    assert (counts.cache_read_tokens, counts.cache_read_audio_tokens, counts.audio_input_tokens) == (60, 30, 40)


def test_an_answer_without_usage_is_unpriced_and_not_free(
    fake: FakeProvider, openai: BaseProvider, tracked: list[TrackedUsage]
) -> None:
    answer(fake, "/chat/completions", usage=None)
    assert openai.make_request(PROJECT_KEY, "u", {"messages": []})["id"] == "resp_1"
    assert (tracked[0].cost.amount, tracked[0].cost.source) == (None, CostSource.UNPRICED)
    assert tracked[0].cost.reason == "OpenAI's answer states no usage."


def test_a_failed_request_tracks_nothing(fake: FakeProvider, openai: BaseProvider, tracked: list[TrackedUsage]) -> None:
    fake.fail("*", status=500)
    with pytest.raises(errors.ProviderUnavailable):
        openai.make_request(PROJECT_KEY, "u", {"messages": []})
    assert tracked == []


def test_an_admin_key_is_not_for_inference(openai: BaseProvider) -> None:
    with pytest.raises(errors.ProviderWrongKeyKind, match="admin key"):
        openai.make_request(ADMIN_KEY, "u", {"messages": []})


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"messages": []}, "/chat/completions"),
        ({"input": "x", "model": "gpt-6-sol"}, "/responses"),
        ({"input": "x", "model": "text-embedding-3-small"}, "/embeddings"),
        ({"input": "x", "endpoint": "/embeddings"}, "/embeddings"),
    ],
)
def test_where_a_request_goes(fake: FakeProvider, openai: BaseProvider, payload: dict[str, Any], path: str) -> None:
    openai.make_request(PROJECT_KEY, "u", payload)
    (sent,) = fake.log
    assert sent.path == path
    assert sent.body == {k: v for k, v in payload.items() if k != "endpoint"}


@pytest.mark.parametrize("payload", [{"messages": [], "stream": True}, {"endpoint": "/models"}], ids=str)
def test_what_cannot_be_tracked_is_not_sent(fake: FakeProvider, openai: BaseProvider, payload: dict[str, Any]) -> None:
    with pytest.raises(errors.ValidationError):
        openai.make_request(PROJECT_KEY, "u", payload)
    assert fake.log == []


def test_without_a_ledger_nothing_is_sent(fake: FakeProvider, make_adapter: MakeAdapter) -> None:
    with ProviderHttp("OpenAI", fake.openai_url) as http:
        adapter = OpenAIProvider(http, pricer=half_dollar)
        with pytest.raises(errors.ProviderError, match="without a ledger"):
            adapter.make_request(PROJECT_KEY, "u", {"messages": []})
    assert fake.log == []
