"""OTLP's two encodings, read into the same plain spans; of their attributes only those that mean something here."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from guardian.api.ingest.otlp.names import ALL
from guardian.errors import ValidationError

PROTOBUF, JSON = "application/x-protobuf", "application/json"
_FAILED = 2  # the status code of a span that ended in an error


class Span(NamedTuple):
    """Ids in lower-case hexadecimal, times in nanoseconds since 1970. `resource` holds what its process says."""

    trace: str
    id: str
    parent: str
    start: int
    end: int
    failed: bool
    scope: str
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]


class _Value(msgspec.Struct, rename="camel"):
    string_value: str | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    bool_value: bool | None = None


class _Pair(msgspec.Struct):
    key: str
    value: _Value = msgspec.field(default_factory=_Value)


class _Status(msgspec.Struct):
    code: int | str = 0


class _Span(msgspec.Struct, rename="camel"):
    trace_id: str
    span_id: str
    parent_span_id: str = ""
    start_time_unix_nano: int | str = 0
    end_time_unix_nano: int | str = 0
    attributes: list[_Pair] = []
    status: _Status = msgspec.field(default_factory=_Status)


class _Scope(msgspec.Struct):
    name: str = ""


class _Scoped(msgspec.Struct):
    scope: _Scope = msgspec.field(default_factory=_Scope)
    spans: list[_Span] = []


class _Resource(msgspec.Struct):
    attributes: list[_Pair] = []


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: _Resource = msgspec.field(default_factory=_Resource)
    scope_spans: list[_Scoped] = []


class _Request(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] = []


_request = msgspec.json.Decoder(_Request)


def spans(body: bytes, kind: str) -> list[Span]:
    """Every span of a request. Raises ValidationError where it cannot be read."""
    try:
        return list(_from_json(body) if kind == JSON else _from_protobuf(body))
    except RecursionError:
        raise ValidationError(f"The body is no ExportTraceServiceRequest in {kind}: it is nested too deeply.") from None
    except (DecodeError, msgspec.MsgspecError, ValueError) as error:
        words = str(error).splitlines()[0] if str(error) else "it is cut short"
        raise ValidationError(f"The body is no ExportTraceServiceRequest in {kind}: {words}.") from None


def answer(kind: str, rejected: int, message: str) -> bytes:
    """An ExportTraceServiceResponse; without a message it says that all is well."""
    if kind == JSON:
        partial = {"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": message}} if message else {}
        return msgspec.json.encode(partial)
    if not message:
        return b""
    partial = ExportTracePartialSuccess(rejected_spans=rejected, error_message=message)
    return ExportTraceServiceResponse(partial_success=partial).SerializeToString()


def _from_protobuf(body: bytes) -> Iterator[Span]:
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _pairs(group.resource.attributes)
        for scoped in group.scope_spans:
            scope = scoped.scope.name
            for span in scoped.spans:
                yield Span(
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    span.status.code == _FAILED,
                    scope,
                    _pairs(span.attributes),
                    resource,
                )


def _pairs(attributes: Iterable[Any]) -> dict[str, Any]:
    """Of protobuf's pairs those that are known; lists and maps mean nothing here."""
    found: dict[str, Any] = {}
    for pair in attributes:
        key: str = pair.key
        if key in ALL:
            which: str | None = pair.value.WhichOneof("value")
            if which is not None and which not in ("array_value", "kvlist_value", "bytes_value"):
                found[key] = getattr(pair.value, which)
    return found


def _from_json(body: bytes) -> Iterator[Span]:
    for group in _request.decode(body).resource_spans:
        resource = _values(group.resource.attributes)
        for scoped in group.scope_spans:
            for span in scoped.spans:
                yield Span(
                    span.trace_id.lower(),
                    span.span_id.lower(),
                    span.parent_span_id.lower(),
                    int(span.start_time_unix_nano),
                    int(span.end_time_unix_nano),
                    span.status.code in (_FAILED, "STATUS_CODE_ERROR"),
                    scoped.scope.name,
                    _values(span.attributes),
                    resource,
                )


def _values(attributes: Iterable[_Pair]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in attributes:
        if pair.key in ALL:
            value = pair.value
            for one in (value.string_value, value.int_value, value.double_value, value.bool_value):
                if one is not None:
                    found[pair.key] = one
                    break
    return found
