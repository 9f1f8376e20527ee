"""One operation of the description: its failures, its headers, its examples, and who may ask for it."""

from collections.abc import Iterable
from typing import Any, cast

from fastapi.routing import APIRoute

from guardian.api.described.examples import example_of
from guardian.api.described.failing import ON_EVERY_ANSWER, failures, statuses
from guardian.api.requests.origin import SAFE_METHODS
from guardian.api.steps.call import Rule
from guardian.api.steps.repeating import HEADER, LONGEST, REPLAYED

Schema = dict[str, Any]


def _header(name: str, description: str, **schema: Any) -> Schema:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


_IF_NONE_MATCH = _header("If-None-Match", "ETags of answers that you have; 304 if one still holds.", type="string")
_IF_MATCH = _header("If-Match", "ETag of what you read; 412 if it was changed since.", type="string")
_KEY = _header(
    HEADER,
    "A key of your own for this request. Sent again within 24 hours, it is not done again, and answered with the same "
    "words. What failed was not done, and may be mended under the same key.",
    type="string",
    minLength=1,
    maxLength=LONGEST,
    pattern="^[ -~]+$",
)
_ETAG: Schema = {"ETag": {"description": "For If-None-Match and If-Match.", "schema": {"type": "string"}}}
_AGAIN: Schema = {REPLAYED: {"description": "It was done before.", "schema": {"type": "string", "enum": ["true"]}}}


# Files, by the end of the path that gives them.
_KINDS = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    "/pdf": "application/pdf",
    "/qr": "image/svg+xml",
}


def describe(schema: Schema, routes: Iterable[APIRoute]) -> None:
    """Complete FastAPI's own description in place."""
    schemas: Schema = schema["components"]["schemas"]
    for route in routes:
        rule: Rule | None = getattr(route.endpoint, "rule", None)
        if rule is None or not route.include_in_schema:
            continue
        for method in route.methods or ():
            operation: Schema = schema["paths"][route.path][method.lower()]
            _complete(operation, method, route.path, rule, schemas)


def _complete(operation: Schema, method: str, path: str, rule: Rule, schemas: Schema) -> None:
    answers: Schema = {
        status: each for status, each in operation["responses"].items() if status.isdigit() and int(status) < 400
    }
    if rule.file:
        kind = next((kind for end, kind in _KINDS.items() if path.endswith(end)), "application/octet-stream")
        answers["200"]["content"] = {kind: {"schema": {"type": "string", "format": "binary"}}}
    exemplify(operation, answers, schemas)
    for each in answers.values():
        each["headers"] = ON_EVERY_ANSWER | each.get("headers", {})
    parameters: list[Schema] = operation.setdefault("parameters", [])
    if method in SAFE_METHODS and not rule.file:
        parameters.append(_IF_NONE_MATCH)
        answers["200"]["headers"] |= _ETAG
        answers["304"] = {"description": "You have it already.", "headers": _ETAG}
    if not rule.public:
        if method == "POST":
            parameters.append(_KEY)
            answers[str(rule.status)]["headers"] |= _AGAIN
        if method in ("PUT", "PATCH", "DELETE"):
            parameters.append(_IF_MATCH)
    if not parameters:
        del operation["parameters"]
    operation["responses"] = answers | failures(statuses(method, path, rule))
    if rule.permission is not None:
        operation["x-permission"] = rule.permission
    if rule.action is not None:
        operation["x-audit-action"] = rule.action


def exemplify(operation: Schema, answers: Schema, schemas: Schema) -> None:
    """Give what is sent and what is answered an example each, where they have none."""
    sent: Schema = operation.get("requestBody", {}).get("content", {})
    for contents, whole in ((sent, False), *((each.get("content", {}), True) for each in answers.values())):
        media = cast("Schema", contents.get("application/json", {}))
        if "schema" in media and "example" not in media and "examples" not in media:
            media["example"] = example_of(media["schema"], schemas, whole=whole)
