"""POST /otlp/v1/traces: what each convention means, and no usage twice."""

import gzip
import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from guardian.models import UsageLog
from guardian.models.enums import CostSource
from tests.api.conftest import Client
from tests.api.ingest.conftest import rows
from tests.api.ingest.making import PROTOBUF, chat, request

PATH = "/api/v1/otlp/v1/traces"


def send(sender: Client, *spans: dict[str, Any], **more: Any) -> ExportTraceServiceResponse:
    answer = sender.post(PATH, content=request(*spans, **more).SerializeToString(), headers=PROTOBUF)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-protobuf"
    return ExportTraceServiceResponse.FromString(answer.content)


def counts(row: UsageLog) -> tuple[int, ...]:
    return (
        *(row.input_tokens, row.cache_read_tokens, row.cache_write_5m_tokens, row.output_tokens, row.reasoning_tokens),
    )


@pytest.mark.parametrize(
    ("attributes", "expected", "source"),
    [
        (
            chat(**{"gen_ai.usage.cache_read.input_tokens": 400, "gen_ai.usage.reasoning.output_tokens": 60}),
            (1000, 400, 0, 100, 60),
            CostSource.COMPUTED,
        ),
        (
            {
                "gen_ai.system": "openai",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.usage.prompt_tokens": 1000,
                "gen_ai.usage.completion_tokens": 100,
                "gen_ai.usage.cache_read_input_tokens": 400,
                "llm.usage.total_tokens": 1100,
            },
            (1000, 400, 0, 100, 0),
            CostSource.COMPUTED,
        ),
        (
            {
                "openinference.span.kind": "LLM",
                "llm.provider": "openai",
                "llm.model_name": "gpt-4o-mini",
                "llm.token_count.prompt": 1000,
                "llm.token_count.completion": 100,
                "llm.token_count.prompt_details.cache_read": 400,
                "llm.cost.total": 9.0,
            },
            (1000, 400, 0, 100, 0),
            CostSource.COMPUTED,
        ),
        (
            {
                "langfuse.observation.type": "generation",
                "langfuse.observation.model.name": "gpt-4o-mini",
                "gen_ai.provider.name": "openai",
                "langfuse.observation.usage_details": json.dumps(
                    {"input": 600, "input_cached_tokens": 400, "output": 40, "output_reasoning_tokens": 60}
                ),
                "langfuse.observation.cost_details": '{"total": 7}',
            },
            (1000, 400, 0, 100, 60),
            CostSource.COMPUTED,
        ),
        (
            chat(
                **{
                    "gen_ai.provider.name": "anthropic",
                    "gen_ai.response.model": "claude-sonnet-4-5",
                    "gen_ai.usage.cache_read.input_tokens": 35_574,
                    "gen_ai.usage.cache_creation.input_tokens": 100,
                }
            ),
            (36_674, 35_574, 100, 100, 0),
            CostSource.ESTIMATED,
        ),
    ],
    ids=["semconv", "openllmetry", "openinference", "langfuse", "left-out"],
)
def test_each_convention_is_read_by_its_own_rule(
    sender: Client, attributes: dict[str, Any], expected: tuple[int, ...], source: CostSource
) -> None:
    assert not send(sender, attributes).HasField("partial_success")
    [row] = rows()
    assert counts(row) == expected
    assert row.cost_source is source
    assert row.cost is not None
    assert row.cost < 1, "a sender's own figure is not the cost"


def test_an_instrumentation_that_leaves_out_what_was_cached_is_known(sender: Client) -> None:
    attributes = chat(**{"gen_ai.usage.cache_read_input_tokens": 400, "gen_ai.system": "strands-agents"})
    send(sender, attributes, scope="strands.telemetry.tracer")
    assert counts(rows()[0]) == (1400, 400, 0, 100, 0)


def test_spans_around_calls_are_not_counted_again(sender: Client) -> None:
    agent = chat(_id=1, **{"gen_ai.operation.name": "invoke_agent"})
    wrapper, call, other = chat(_id=2, _parent=1), chat(_id=3, _parent=2), {"_id": 4, "http.method": "GET"}
    send(sender, agent, wrapper, call, other)
    assert len(rows()) == 1
    # A parent often ends, and comes, after its children.
    send(sender, chat(_id=6, _parent=5))
    send(sender, chat(_id=5))
    assert len(rows()) == 2


def test_a_span_is_taken_once(sender: Client) -> None:
    send(sender, chat())
    again = send(sender, chat(), chat(_id=7))
    assert not again.HasField("partial_success")
    assert len(rows()) == 2


def test_wrong_spans_are_told_and_stop_no_other(sender: Client) -> None:
    wrong = [chat(**{"gen_ai.usage.input_tokens": -5}), chat(_start=1), chat(**{"gen_ai.usage.output_tokens": 1.5})]
    found = send(sender, *wrong, chat(_id=9))
    assert found.partial_success.rejected_spans == 3
    assert "negative" in found.partial_success.error_message
    assert len(rows()) == 1


def test_json_is_the_same_and_answered_in_json(sender: Client) -> None:
    # Ids are hexadecimal in OTLP's JSON, not base64 as in protobuf's own.
    body = MessageToDict(request(chat(**{"session.id": "s1", "user.id": "u1"}), resource={"service.name": "web"}))
    [span] = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
    span["traceId"], span["spanId"] = f"{1:032x}", f"{1:016x}"
    answer = sender.post(
        PATH,
        content=gzip.compress(json.dumps(body).encode()),
        headers={"content-type": "application/json", "content-encoding": "gzip"},
    )
    assert (answer.status_code, answer.json()) == (200, {})
    assert not send(sender, chat()).HasField("partial_success")
    [row] = rows()
    assert (row.session, row.tags) == ("s1", {"service": "web", "user": "u1"})
    assert (row.operation, row.response_time) == ("completion", 1500)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (request(chat()).SerializeToString()[:-3], {}, 400),
        (b"\xff" * 50, {}, 400),
        (b"[1]", {"content-type": "application/json"}, 400),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, {"content-type": "application/json"}, 400),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"x" * 10_000_000, {}, 413),
        (gzip.compress(b"\0" * 100_000_000), {"content-encoding": "gzip"}, 413),
    ],
)
def test_a_body_that_cannot_be_read_takes_nothing(
    sender: Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    sender.failure("POST", "/otlp/v1/traces", status, content=content, headers={**PROTOBUF, **headers})
    assert rows() == []
