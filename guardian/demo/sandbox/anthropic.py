"""Anthropic as the sandbox plays it: the organization's reports and names for an Admin key, messages for another."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from guardian.demo.books import HOUR, Books
from guardian.demo.company import ADMIN_KEYS, CALL_KEYS, KEY_NAMES, KEY_PROJECTS, PEOPLE, PROJECT_NAMES, Vendor
from guardian.demo.history import Usage
from guardian.demo.sandbox.calling import Asked, Reply
from guardian.demo.sandbox.paging import Query, Refused, grouped, groups, one, page_of, span

ROOT = "/anthropic"
ORGANIZATION = "00000000-0000-4000-8000-000000000000"
_DAY = timedelta(days=1)
_USAGE = (
    "account_id api_key_id service_account_id workspace_id model service_tier context_window inference_geo speed".split()  # noqa: SIM905, E501  # names of fields
)
_COSTS = ("workspace_id", "description", "cost_type", "model", "service_tier", "token_type")
_TOKEN_TYPES = {
    "input_tokens": ("uncached_input_tokens", "Input Tokens"),
    "cached_input_tokens": ("cache_read_input_tokens", "Cache Read Tokens"),
    "output_tokens": ("output_tokens", "Output Tokens"),
}
_WORDS = ("This answer ", "was made up ", "by the sandbox.")


def headers() -> dict[str, str]:
    return {
        "anthropic-organization-id": ORGANIZATION,
        "request-id": "req_demonstration",
        "anthropic-ratelimit-requests-limit": "1000",
        "anthropic-ratelimit-requests-remaining": "968",
        "anthropic-ratelimit-requests-reset": f"{datetime.now(UTC) + timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}",
    }


def authorize(given: Mapping[str, str], path: str) -> None:
    """Raises Refused for a key that is not the demonstration's, or of the wrong kind."""
    secret = given.get("x-api-key", "")
    if secret not in (ADMIN_KEYS[Vendor.ANTHROPIC], CALL_KEYS[Vendor.ANTHROPIC]):
        raise Refused(401, "invalid x-api-key")
    if (secret == ADMIN_KEYS[Vendor.ANTHROPIC]) != path.startswith("/v1/organizations/"):
        raise Refused(403, "Your API key does not have permission to use the specified resource.")


def read(books: Books, path: str, query: Query) -> dict[str, Any]:
    """What a GET answers. Raises Refused."""
    if path == "/v1/models":
        return _list([{"id": "claude-haiku-4-5", "type": "model", "display_name": "Claude Haiku 4.5"}])
    if path == "/v1/organizations/me":
        return {"id": ORGANIZATION, "name": "Northwind (sandbox)", "type": "organization"}
    if path == "/v1/organizations/usage_report/messages":
        return _usage(books, query)
    if path == "/v1/organizations/cost_report":
        return _costs(books, query)
    listed = _names(path)
    if listed is None:
        raise Refused(404, "The requested resource could not be found.")
    return _list(listed)


def _window(query: Query) -> tuple[datetime, datetime]:
    try:
        start = datetime.fromisoformat(one(query, "starting_at") or "")
        end = one(query, "ending_at")
        return start, datetime.fromisoformat(end) if end else datetime.now(UTC)
    except ValueError:
        raise Refused(400, "starting_at: Field required") from None


def _usage(books: Books, query: Query) -> dict[str, Any]:
    width = HOUR if one(query, "bucket_width") == "1h" else _DAY
    found = span(query, *_window(query), width, 24, 168)
    buckets: list[dict[str, Any]] = []
    for a, b in found.buckets:
        rows = grouped(map(_usage_row, _mine(books, a, b)), groups(query), _USAGE)
        for row in rows:
            row |= {"cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}}
            row |= {"server_tool_use": {"web_search_requests": 0}}
        buckets.append(_bucket(a, b, rows))
    return page_of(found, buckets)


def _usage_row(usage: Usage) -> tuple[dict[str, Any], dict[str, Any]]:
    dimensions = {
        "workspace_id": usage.project,
        "api_key_id": usage.key,
        "model": usage.model,
        "service_tier": "standard",
        "context_window": "0-200k",
    }
    return dimensions, {
        "uncached_input_tokens": usage.uncached,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
    }


def _costs(books: Books, query: Query) -> dict[str, Any]:
    found = span(query, *_window(query), _DAY, 7, 31)
    # Who asks for descriptions is told the parts of it, too.
    asked = [*groups(query), *(_COSTS[2:] if "description" in groups(query) else ())]
    buckets: list[dict[str, Any]] = []
    for a, b in found.buckets:
        rows = grouped((row for usage in _mine(books, a, b) for row in _cost_rows(usage)), asked, _COSTS)
        for row in rows:
            row |= {"currency": "USD", "amount": f"{row['amount'].normalize():f}"}
        buckets.append(_bucket(a, b, rows))
    return page_of(found, buckets)


def _cost_rows(usage: Usage) -> Iterator[tuple[dict[str, Any], dict[str, Decimal]]]:
    for kind, _count, amount in usage.amounts():
        token_type, words = _TOKEN_TYPES[kind]
        dimensions = {
            "workspace_id": usage.project,
            "description": f"{usage.model} Usage - {words}",
            "cost_type": "tokens",
            "model": usage.model,
            "service_tier": "standard",
            "token_type": token_type,
        }
        yield dimensions, {"amount": amount * 100}  # in cents


def _mine(books: Books, start: datetime, end: datetime) -> Iterator[Usage]:
    return (usage for usage in books.between(start, end) if usage.vendor is Vendor.ANTHROPIC)


def _bucket(start: datetime, end: datetime, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"starting_at": f"{start:%Y-%m-%dT%H:%M:%SZ}", "ending_at": f"{end:%Y-%m-%dT%H:%M:%SZ}", "results": rows}


def _names(path: str) -> list[dict[str, Any]] | None:
    what = path.removeprefix("/v1/organizations/")
    if what == "workspaces":
        spaces = [project for project in PROJECT_NAMES if project.startswith("wrkspc_")]
        return [{"id": space, "name": PROJECT_NAMES[space], "type": "workspace"} for space in spaces]
    if what == "api_keys":
        keys = [key for key in KEY_NAMES if key.startswith("apikey_")]
        return [{"id": k, "name": KEY_NAMES[k], "workspace_id": KEY_PROJECTS[k], "type": "api_key"} for k in keys]
    if what == "users":
        return [{"id": f"user_{name.split('@')[0]}", "email": name, "type": "user"} for name in PEOPLE]
    return None


def _list(items: list[dict[str, Any]]) -> dict[str, Any]:
    first, last = (items[0]["id"], items[-1]["id"]) if items else (None, None)
    return {"data": items, "first_id": first, "last_id": last, "has_more": False}


def failure(refused: Refused) -> dict[str, Any]:
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(refused.status, "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": refused.message}, "request_id": "req_demonstration"}


def answer(asked: Asked) -> Reply:
    """A message, whole or as a stream. Raises Refused for another path."""
    if asked.path != "/v1/messages":
        raise Refused(404, f"The sandbox answers /v1/messages and not {asked.path}.")
    usage = asked.usage
    given = {
        "input_tokens": usage.uncached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    }
    message: dict[str, Any] = {
        "id": f"msg_demo{asked.serial}",
        "type": "message",
        "role": "assistant",
        "model": usage.model,
        "stop_sequence": None,
    }
    if not asked.streamed:
        content = [{"type": "text", "text": "".join(_WORDS)}]
        counts = given | {"output_tokens": usage.output}
        return Reply(message | {"content": content, "stop_reason": "end_turn", "usage": counts})
    start: dict[str, Any] = message | {"content": [], "stop_reason": None, "usage": given | {"output_tokens": 1}}
    events: list[tuple[str, dict[str, Any]]] = [
        ("message_start", {"message": start}),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        *(("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": word}}) for word in _WORDS),
        ("content_block_stop", {"index": 0}),
        (
            "message_delta",
            {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": usage.output}},
        ),
        ("message_stop", {}),
    ]
    return Reply(None, [(name, {"type": name, **data}) for name, data in events])
