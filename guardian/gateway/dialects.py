"""Refusals and failures in the words of each vendor, so that its SDK raises the error that its user already handles.

Sources: the vendors' error references of November 2026; openai 3.54 and anthropic 2.12 pick the class by the status,
google-genai 3.4 by the status and `error.code`.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from guardian.gateway.http.headers import OF_OWN_ANSWERS

Dialect = Literal["openai", "anthropic", "google"]
Headers = list[tuple[bytes, bytes]]

Kind = Literal[
    "invalid_request",
    "token_rejected",
    "budget_exceeded",
    "plan_limit",
    "forbidden",
    "model_forbidden",
    "not_found",
    "too_large",
    "rate_limited",
    "upstream_failed",
    "upstream_timeout",
    "unavailable",
    "internal",
]


class Words(NamedTuple):
    """The status of a kind, and its names: OpenAI's type and code, Anthropic's type, Google's status."""

    status: int
    openai: str
    code: str | None
    anthropic: str
    google: str


# OpenAI has no status 402 of its own: insufficient_quota is what its users look for when money has run out.
WORDS: Mapping[Kind, Words] = {
    "invalid_request": Words(400, "invalid_request_error", None, "invalid_request_error", "INVALID_ARGUMENT"),
    "token_rejected": Words(401, "invalid_request_error", "invalid_api_key", "authentication_error", "UNAUTHENTICATED"),
    "budget_exceeded": Words(402, "insufficient_quota", "insufficient_quota", "billing_error", "RESOURCE_EXHAUSTED"),
    "plan_limit": Words(402, "insufficient_quota", "plan_limit", "billing_error", "RESOURCE_EXHAUSTED"),
    "forbidden": Words(403, "invalid_request_error", "forbidden", "permission_error", "PERMISSION_DENIED"),
    "model_forbidden": Words(
        403, "invalid_request_error", "model_not_allowed", "permission_error", "PERMISSION_DENIED"
    ),
    "not_found": Words(404, "invalid_request_error", "not_found", "not_found_error", "NOT_FOUND"),
    "too_large": Words(413, "invalid_request_error", "request_too_large", "request_too_large", "INVALID_ARGUMENT"),
    "rate_limited": Words(429, "requests", "rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED"),
    "upstream_failed": Words(502, "server_error", "upstream_failed", "api_error", "UNAVAILABLE"),
    "upstream_timeout": Words(504, "server_error", "upstream_timeout", "timeout_error", "DEADLINE_EXCEEDED"),
    "unavailable": Words(503, "server_error", "unavailable", "api_error", "UNAVAILABLE"),
    "internal": Words(500, "server_error", "internal_error", "api_error", "INTERNAL"),
}
# A repetition changes nothing; the SDKs would send a 429 or 5xx twice more on their own.
_HOPELESS: frozenset[Kind] = frozenset(
    {
        "invalid_request",
        "token_rejected",
        "budget_exceeded",
        "plan_limit",
        "forbidden",
        "model_forbidden",
        "not_found",
        "too_large",
    }
)
_encode = msgspec.json.encode


def refusal(
    dialect: Dialect,
    status: int | None,
    kind: Kind,
    message: str,
    *,
    request_id: str = "",
    param: str | None = None,
    retry_after: int | None = None,
    details: Mapping[str, Any] | None = None,
    in_array: bool = False,
) -> tuple[int, Headers, bytes]:
    """Status, headers and body of an answer of our own.

    `status` None: the usual one of the kind. `retry_after` is in seconds. `details` are facts in words for a program
    (spent, held, limit, resetsAt: money as decimal strings) and stand beside the vendor's own fields, where its SDK
    lets the caller read them. `in_array`: the error of a Google stream that is one JSON array is in an array, too.
    """
    words = WORDS[kind]
    found = status or words.status
    body: Any = _BODIES[dialect](words, found, message, request_id, param, dict(details or {}))
    if dialect == "google" and retry_after is not None:
        info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after}s"}
        body["error"]["details"].append(info)
    content = _encode([body] if in_array and dialect == "google" else body)
    headers: Headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        *OF_OWN_ANSWERS,
        (b"x-should-retry", b"false" if kind in _HOPELESS else b"true"),
    ]
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    if request_id:
        headers.append((b"request-id" if dialect == "anthropic" else b"x-request-id", request_id.encode("latin-1")))
    return found, headers, content


def stream_error(dialect: Dialect, kind: Kind, message: str, *, request_id: str = "") -> bytes:
    """The event that ends a stream of which the caller already has the first part, in place of what was cut off.

    Anthropic names the event; OpenAI's SDKs raise on a chunk with an `error`; Google's on one with a code.
    """
    words = WORDS[kind]
    body = _encode(_BODIES[dialect](words, words.status, message, request_id, None, {}))
    return (b"event: error\ndata: " if dialect == "anthropic" else b"data: ") + body + b"\n\n"


def _openai(
    words: Words, status: int, message: str, request_id: str, param: str | None, details: dict[str, Any]
) -> dict[str, Any]:
    del status, request_id
    error = {"message": message, "type": words.openai, "param": param, "code": words.code}
    return {"error": {**error, "details": details} if details else error}


def _anthropic(
    words: Words, status: int, message: str, request_id: str, param: str | None, details: dict[str, Any]
) -> dict[str, Any]:
    del status, param
    error: dict[str, Any] = {"type": words.anthropic, "message": message}
    if details:
        error["details"] = details
    return {"type": "error", "error": error, "request_id": request_id or None}


def _google(
    words: Words, status: int, message: str, request_id: str, param: str | None, details: dict[str, Any]
) -> dict[str, Any]:
    del request_id, param
    info: list[dict[str, Any]] = []
    if details:
        facts = {name: str(value) for name, value in details.items() if value is not None}
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        info.append({"@type": kind, "reason": words.google, "domain": "guardian", "metadata": facts})
    return {"error": {"code": status, "message": message, "status": words.google, "details": info}}


_BODIES = {"openai": _openai, "anthropic": _anthropic, "google": _google}
