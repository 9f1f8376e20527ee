"""The two routes that FastAPI does not know, as the API's description shows them."""

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

import msgspec
from pydantic.json_schema import models_json_schema

from guardian.api.answers.envelope import Envelope, Out
from guardian.api.described import exemplify, failures
from guardian.api.ingest.app import TRACES, USAGE
from guardian.api.ingest.events import MOST_EVENTS, Event

_REF = "#/components/schemas/"
_FAILS = (400, 401, 403, 413, 415, 429, 500, 503)


class EventProblem(Out):
    """`index` is the event's place in the batch; `field` is missing where no single one is wrong."""

    index: int
    event_id: str | None
    field: str | None = None
    message: str


class EventsTaken(Out):
    """`duplicates` is null with the status 202: the events are on disk, and which are duplicates is known later.

    A duplicate whose time or content differs from the first one's is among `errors` too; the first one stays.
    """

    accepted: int
    duplicates: int | None
    errors: list[EventProblem]
    message: str | None = None


def describe_front_door(schema: dict[str, Any]) -> None:
    """Add the routes and what they refer to, to a description that has the schema Failure."""
    _, events = msgspec.json.schema_components([Event], ref_template=_REF + "{name}")
    events["Event"]["description"] = cleandoc(events["Event"]["description"])
    _, models = models_json_schema([(Envelope[EventsTaken], "serialization")], ref_template=_REF + "{model}")
    schemas: dict[str, Any] = schema["components"]["schemas"]
    schemas.update({name: each for name, each in events.items() if name not in schemas})
    schemas.update({name: each for name, each in models["$defs"].items() if name not in schemas})
    for path, operation in ((USAGE, _usage()), (TRACES, _traces())):
        answers = {status: each for status, each in operation["responses"].items() if status < "300"}
        exemplify(operation, answers, schemas)
        schema["paths"].setdefault(path, {})["post"] = operation


def _usage() -> dict[str, Any]:
    one = {"$ref": _REF + "Event"}
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": MOST_EVENTS}
    batch = {"type": "object", "properties": {"events": many}, "required": ["events"]}
    taken = {"application/json": {"schema": {"$ref": _REF + "Envelope_EventsTaken_"}}}
    return _operation(
        "Tell Usage",
        "Tell of calls: one event, a list, or an object with `events`, of 1 to 1,000. Each is looked at by itself, and "
        "an `eventId` is counted once however often it is sent. The body may be packed with gzip. Needs a token of the "
        "scope ingest or api.",
        {"application/json": {"schema": {"anyOf": [one, many, batch]}}},
        {
            "200": {"description": "The events are in the ledger", "content": taken},
            "202": {"description": "The events are on disk, and go to the ledger when it is back", "content": taken},
        },
    )


def _traces() -> dict[str, Any]:
    protobuf = {"schema": {"type": "string", "format": "binary", "description": "ExportTraceServiceRequest"}}
    spans = {"type": "object", "properties": {"resourceSpans": {"type": "array", "items": {"type": "object"}}}}
    partial = {
        "type": "object",
        "properties": {
            "partialSuccess": {
                "type": "object",
                "properties": {"rejectedSpans": {"type": "string"}, "errorMessage": {"type": "string"}},
            }
        },
    }
    answer = {"application/x-protobuf": protobuf, "application/json": {"schema": partial}}
    return _operation(
        "Export Traces",
        "OpenTelemetry's OTLP/HTTP for traces: spans of the GenAI conventions, old and new, of OpenInference, "
        "OpenLLMetry and Langfuse. Spans without usage are ignored. The answer is of the kind of the request; the body "
        "may be packed with gzip. Needs a token of the scope ingest or api.",
        {"application/x-protobuf": protobuf, "application/json": {"schema": spans}},
        {"200": {"description": "What was not taken, if anything", "content": answer}},
    )


def _operation(
    summary: str, description: str, content: Mapping[str, Any], answers: Mapping[str, Any]
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": ["ingest"],
        "summary": summary,
        "description": description,
        "operationId": summary.lower().replace(" ", "_") + "_post",
        "requestBody": {"required": True, "content": content},
        "responses": {**answers, **failures(iter(_FAILS))},
        "x-permission": "usage:write",
        "security": [{"session": []}, {"accessToken": []}],
    }
    return operation
