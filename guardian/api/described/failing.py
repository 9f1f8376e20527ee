"""Which failures an operation has, and what each looks like."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from guardian.api.requests.origin import SAFE_METHODS
from guardian.api.steps.call import Rule

_REQUEST_ID = "7f2c1f0e-3f5e-4d53-9a3c-5e0d1c2b3a49"
_FIELD = [{"field": "limit", "message": "must be greater than 0"}]

ON_EVERY_ANSWER: dict[str, Any] = {
    "X-Request-Id": {"description": "To quote when something went wrong.", "schema": {"type": "string"}},
    "RateLimit-Limit": {"description": "Requests in a window, of the nearest limit.", "schema": {"type": "integer"}},
    "RateLimit-Remaining": {"description": "How many of them are left.", "schema": {"type": "integer"}},
    "RateLimit-Reset": {"description": "Seconds until more are allowed.", "schema": {"type": "integer"}},
}
# Status → code, message, details of an example.
_EXAMPLES: dict[int, tuple[str, str, Any]] = {
    400: ("VALIDATION_ERROR", "Validation failed", _FIELD),
    401: ("AUTH_ERROR", "Unauthorized", None),
    403: (
        "AUTHZ_ERROR",
        "You are not allowed to do this (budgets:update). Ask an administrator.",
        None,
    ),
    404: ("NOT_FOUND", "Budget not found", None),
    406: ("NOT_ACCEPTABLE", "Answers are application/json. Ask for that in Accept, or leave it out.", None),
    409: ("CONFLICT", "This contradicts what is stored. Read it again.", None),
    412: (
        "PRECONDITION_FAILED",
        "This was changed since you read it. Read it again.",
        None,
    ),
    413: ("PAYLOAD_TOO_LARGE", "The request is larger than 1,000,000 bytes.", None),
    415: ("UNSUPPORTED_MEDIA_TYPE", "Send the body as application/json.", None),
    422: (
        "IDEMPOTENCY_KEY_REUSED",
        "This Idempotency-Key was used for another request. Use a new one.",
        None,
    ),
    429: ("RATE_LIMIT", "Rate limit exceeded", {"retryAfter": 17}),
    500: ("INTERNAL_ERROR", "Internal server error", None),
    502: ("PROVIDER_ERROR", "The provider answered with an error. Try again later.", None),
    503: ("UNAVAILABLE", "The database does not answer. Nothing was changed; try again shortly.", {"retryAfter": 5}),
    507: ("INSUFFICIENT_STORAGE", "There is no room for this file on the server's disk. Nothing of it is kept.", None),
}
_ABOUT = {
    400: "The request is wrong; `details` names each field.",
    401: "Nobody is signed in, or the token is not valid.",
    403: "Signed in, but not allowed to, or sent by a page of another site.",
    404: "There is no such thing in your organization.",
    406: "No JSON is accepted.",
    409: "It contradicts what is stored, or the first request with this Idempotency-Key is still running.",
    412: "It is not the version that If-Match names any more.",
    413: "The body is too large.",
    415: "The body is of another type than this one.",
    422: "The Idempotency-Key was used for another request.",
    429: "Too many requests; Retry-After says when to come back.",
    500: "A fault of ours; quote the requestId.",
    502: "The provider or service behind this failed.",
    503: "The database or Redis does not answer; nothing was changed.",
    507: "The server's disk is full.",
}


def statuses(method: str, path: str, rule: Rule) -> Iterator[int]:
    """Every status of a failure of that route, each of them one that the steps or the route really answer with."""
    safe = method in SAFE_METHODS
    yield from (400, 429, 500, 503, *rule.fails)
    if not rule.public:
        yield 401
    if rule.permission is not None or not safe:
        yield 403
    if "{" in path:
        yield 404
    if not rule.file:
        yield 406
    if not safe:
        yield from (413, 415)
    if method == "POST" and not rule.public:
        yield from (409, 422)
    if method in ("PUT", "PATCH", "DELETE") and not rule.public:
        yield 412
    if rule.upload:
        yield 507


def failures(found: Iterator[int]) -> dict[str, Any]:
    """These statuses as OpenAPI has them."""
    return {str(status): failure(status) for status in sorted(set(found))}


def failure(status: int) -> dict[str, Any]:
    """One status, with the envelope of a failure and an example of it."""
    code, message, details = _EXAMPLES.get(status, ("HTTP_ERROR", HTTPStatus(status).phrase, None))
    example: dict[str, Any] = {"success": False, "error": message, "code": code, "details": details}
    example["requestId"] = _REQUEST_ID
    if isinstance(details, dict):
        example |= details
    described: dict[str, Any] = {
        "description": _ABOUT.get(status, HTTPStatus(status).phrase),
        "headers": dict(ON_EVERY_ANSWER),
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}, "example": example}},
    }
    if status in (429, 503):
        described["headers"]["Retry-After"] = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
    return described
