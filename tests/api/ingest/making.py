"""Events and spans as senders write them."""

from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

AT = "2026-11-20T10:00:00Z"
_NANOS = 1_795_168_800_000_000_000  # AT
PROTOBUF = {"content-type": "application/x-protobuf"}


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "eventId": f"event-{number}",
        "timestamp": AT,
        "provider": "OPENAI",
        "model": "gpt-4o-mini",
        "operation": "completion",
        "inputTokens": 1000,
        "outputTokens": 100,
        **changes,
    }


def request(
    *spans: dict[str, Any], resource: dict[str, str] | None = None, scope: str = ""
) -> ExportTraceServiceRequest:
    """Each span is its attributes; `_id`, `_parent`, `_trace` (numbers) and `_start` (nanoseconds) are its own."""
    made = ExportTraceServiceRequest()
    group = made.resource_spans.add()
    for key, value in (resource or {}).items():
        group.resource.attributes.add(key=key).value.string_value = value
    scoped = group.scope_spans.add()
    scoped.scope.name = scope
    for number, attributes in enumerate(spans, start=1):
        span = scoped.spans.add(
            trace_id=attributes.get("_trace", 1).to_bytes(16, "big"),
            span_id=attributes.get("_id", number).to_bytes(8, "big"),
            start_time_unix_nano=attributes.get("_start", _NANOS),
            end_time_unix_nano=attributes.get("_start", _NANOS) + 1_500_000_000,
        )
        if "_parent" in attributes:
            span.parent_span_id = attributes["_parent"].to_bytes(8, "big")
        for key, value in attributes.items():
            if not key.startswith("_"):
                kind = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}[type(value)]
                setattr(span.attributes.add(key=key).value, kind, value)
    return made


def chat(**more: Any) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        **more,
    }
