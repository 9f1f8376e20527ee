"""OpenAI as the sandbox plays it: the organization's reports and names for an admin key, calls for a project's."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from guardian.demo.books import HOUR, Books
from guardian.demo.company import ADMIN_KEYS, CALL_KEYS, KEY_NAMES, KEY_PROJECTS, PEOPLE, PROJECT_NAMES, Vendor
from guardian.demo.history import Usage
from guardian.demo.sandbox.calling import Asked, Reply
from guardian.demo.sandbox.paging import Query, Refused, grouped, groups, one, page_of, span

ROOT = "/openai/v1"
ORGANIZATION = "org-demonstration"
_DAY = timedelta(days=1)
_USAGE = ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier")
_COSTS = ("project_id", "line_item", "api_key_id", "user_id")
_OTHER_REPORTS = frozenset(
    """decisions embeddings moderations images audio_speeches audio_transcriptions vector_stores
    code_interpreter_sessions file_search_calls web_search_calls""".split()  # noqa: SIM905  # names of paths
)
# Every fiftieth call of that key searches the web: a fee that is billed by the call, and no token.
_SEARCHING, _SEARCH_FEE = "key_web", Decimal("0.01")
_WORDS = ("This ", "answer ", "was ", "made ", "up ", "by ", "the ", "sandbox.")


def headers() -> dict[str, str]:
    return {
        "openai-organization": ORGANIZATION,
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "473",
        "x-ratelimit-reset-requests": "2s",
    }


def authorize(given: Mapping[str, str], path: str) -> None:
    """Raises Refused for a key that is not the demonstration's, or of the wrong kind."""
    secret = given.get("authorization", "").removeprefix("Bearer ")
    if secret not in (ADMIN_KEYS[Vendor.OPENAI], CALL_KEYS[Vendor.OPENAI]):
        raise Refused(401, "Incorrect API key provided. The sandbox knows the demonstration's own keys only.")
    if (secret == ADMIN_KEYS[Vendor.OPENAI]) != path.startswith("/organization/"):
        raise Refused(403, "You have insufficient permissions for this operation. Missing scopes: api.usage.read.")


def read(books: Books, path: str, query: Query) -> dict[str, Any]:
    """What a GET answers. Raises Refused."""
    if path == "/models":
        return _list([{"id": "gpt-5-mini", "object": "model", "owned_by": "openai"}])
    if path == "/organization/usage/completions":
        return _usage(books, query)
    if path.removeprefix("/organization/usage/") in _OTHER_REPORTS:
        return {"object": "page", "data": [], "has_more": False, "next_page": None}
    if path == "/organization/costs":
        return _costs(books, query)
    listed = _names(path)
    if listed is None:
        raise Refused(404, f"Invalid URL (GET /v1{path})")
    return _list(listed)


def _window(query: Query) -> tuple[datetime, datetime]:
    try:
        start = datetime.fromtimestamp(int(one(query, "start_time") or ""), UTC)
        end = one(query, "end_time")
        return start, datetime.fromtimestamp(int(end), UTC) if end else datetime.now(UTC)
    except (ValueError, OverflowError):
        raise Refused(400, "Missing required parameter: 'start_time'.") from None


def _usage(books: Books, query: Query) -> dict[str, Any]:
    width = HOUR if one(query, "bucket_width") == "1h" else _DAY
    found = span(query, *_window(query), width, 24, 168)
    buckets = [
        _bucket(a, b, grouped(map(_usage_row, _mine(books, a, b)), groups(query), _USAGE)) for a, b in found.buckets
    ]
    for bucket in buckets:
        for row in bucket["results"]:
            row["object"] = "organization.usage.completions.result"
    return {"object": "page", **page_of(found, buckets)}


def _usage_row(usage: Usage) -> tuple[dict[str, Any], dict[str, Any]]:
    dimensions = {
        "project_id": usage.project,
        "api_key_id": usage.key,
        "model": usage.model,
        "batch": False,
        "service_tier": "default",
    }
    return dimensions, {
        "input_tokens": usage.uncached + usage.cached,
        "input_cached_tokens": usage.cached,
        "input_uncached_tokens": usage.uncached,
        "output_tokens": usage.output,
        "num_model_requests": usage.requests,
    }


def _costs(books: Books, query: Query) -> dict[str, Any]:
    found = span(query, *_window(query), _DAY, 7, 180)
    buckets: list[dict[str, Any]] = []
    for a, b in found.buckets:
        rows = grouped((row for usage in _mine(books, a, b) for row in _cost_rows(usage)), groups(query), _COSTS)
        for row in rows:
            # A number of JSON loses cents of cents: the real report writes long ones as text, too.
            row["amount"] = {"value": f"{row.pop('value'):f}", "currency": "usd"}
            counted = "tool calls" not in (row["line_item"] or "")
            row |= {"object": "organization.costs.result", "quantity_unit": "tokens" if counted else None}
        buckets.append(_bucket(a, b, rows))
    return {"object": "page", **page_of(found, buckets)}


def _cost_rows(usage: Usage) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    who = {"project_id": usage.project, "api_key_id": usage.key}
    for kind, count, amount in usage.amounts():
        line = f"{usage.model}, {kind}"
        yield who | {"line_item": line}, {"value": amount, "quantity": count}
    if usage.key == _SEARCHING and (searches := usage.requests // 50):
        yield who | {"line_item": "web search tool calls"}, {"value": searches * _SEARCH_FEE, "quantity": searches}


def _mine(books: Books, start: datetime, end: datetime) -> Iterator[Usage]:
    return (usage for usage in books.between(start, end) if usage.vendor is Vendor.OPENAI)


def _bucket(start: datetime, end: datetime, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "object": "bucket",
        "start_time": int(start.timestamp()),
        "end_time": int(end.timestamp()),
        "results": rows,
    }


def _names(path: str) -> list[dict[str, Any]] | None:
    """Who and what the organization has; None for a list that there is not."""
    began = 1_760_000_000
    projects = [project for project in PROJECT_NAMES if project.startswith("proj_")]
    if path == "/organization/projects":
        return [
            {
                "id": p,
                "object": "organization.project",
                "name": PROJECT_NAMES[p],
                "created_at": began,
                "status": "active",
            }
            for p in projects
        ]
    if path == "/organization/users":
        return [
            {"object": "organization.user", "id": f"user-{name.split('@')[0]}", "name": None, "email": name}
            for name in PEOPLE
        ]
    if path == "/organization/admin_api_keys" or path.endswith("/service_accounts"):
        return []
    project = path.removeprefix("/organization/projects/").removesuffix("/api_keys")
    if project not in projects or not path.endswith("/api_keys"):
        return None
    keys = [key for key, of in KEY_PROJECTS.items() if of == project]
    return [{"object": "organization.project.api_key", "id": key, "name": KEY_NAMES[key]} for key in keys]


def _list(items: list[dict[str, Any]]) -> dict[str, Any]:
    first, last = (items[0]["id"], items[-1]["id"]) if items else (None, None)
    return {"object": "list", "data": items, "first_id": first, "last_id": last, "has_more": False}


def failure(refused: Refused) -> dict[str, Any]:
    kind = "rate_limit_error" if refused.status == 429 else "invalid_request_error"
    return {"error": {"message": refused.message, "type": kind, "param": None, "code": None}}


def answer(asked: Asked) -> Reply:
    """A chat completion, whole or as a stream. Raises Refused for another path."""
    if asked.path != "/chat/completions":
        raise Refused(404, f"The sandbox answers /chat/completions and not {asked.path}.")
    id, usage = f"chatcmpl-demo{asked.serial}", asked.usage
    head = {"id": id, "created": int(time.time()), "model": usage.model, "service_tier": "default"}
    counts = {
        "prompt_tokens": usage.uncached + usage.cached,
        "completion_tokens": usage.output,
        "total_tokens": usage.uncached + usage.cached + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
    if not asked.streamed:
        message = {"role": "assistant", "content": "".join(_WORDS), "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return Reply({**head, "object": "chat.completion", "choices": [choice], "usage": counts})
    head["object"] = "chat.completion.chunk"
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [*(({"content": word}, None) for word in _WORDS), ({}, "stop")]
    events: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], "usage": None}
        for delta, reason in deltas
    ]
    if (asked.body.get("stream_options") or {}).get("include_usage"):
        events.append({**head, "choices": [], "usage": counts})
    return Reply(None, [(None, event) for event in events], done=True)
