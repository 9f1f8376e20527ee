"""A fake of OpenAI: reporting and names as strict as the real API, inference answered from a can."""

import re
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tests.fakes.reporting import Api, Key, Refused, Reply, Table, example, items, one, position, spans, token

ADMIN_KEY = "sk-admin-fake-0123456789abcdef"
PROJECT_KEY = "sk-proj-fake-0123456789abcdef"
LEGACY_KEY = "sk-fake0123456789abcdef"

_WIDTHS = {"1m": (60, 60, 1440), "1h": (3600, 24, 168), "1d": (86400, 7, 31)}
_WHO = ("project_id", "user_id", "api_key_id")
_TOKENS = """
    input_tokens input_cached_tokens input_cache_write_tokens input_cache_write_30m_tokens
    input_cache_write_12h_tokens input_uncached_tokens output_tokens input_text_tokens output_text_tokens
    input_cached_text_tokens input_audio_tokens input_cached_audio_tokens output_audio_tokens input_image_tokens
    input_cached_image_tokens output_image_tokens num_model_requests
""".split()  # noqa: SIM905  # a list of one name per line would hide the rest
# report → (dimensions, metrics, the word in the rows' `object`)
_REPORTS: dict[str, tuple[tuple[str, ...], Sequence[str], str]] = {
    "completions": ((*_WHO, "model", "batch", "service_tier", "api_source"), _TOKENS, "completions"),
    "decisions": ((*_WHO, "model", "batch", "service_tier", "api_source"), _TOKENS, "decisions"),
    "embeddings": ((*_WHO, "model"), ("input_tokens", "num_model_requests"), "embeddings"),
    "moderations": ((*_WHO, "model"), ("input_tokens", "num_model_requests"), "moderations"),
    "images": ((*_WHO, "model", "size", "source"), ("images", "num_model_requests"), "images"),
    "audio_speeches": ((*_WHO, "model"), ("characters", "num_model_requests"), "audio_speeches"),
    "audio_transcriptions": ((*_WHO, "model"), ("seconds", "num_model_requests"), "audio_transcriptions"),
    "vector_stores": (("project_id",), ("usage_bytes",), "vector_stores"),
    "code_interpreter_sessions": (("project_id",), ("num_sessions",), "code_interpreter_sessions"),
    "file_search_calls": ((*_WHO, "vector_store_id"), ("num_requests",), "file_searches"),
    "web_search_calls": (
        (*_WHO, "model", "context_level", "api_source"),
        ("num_requests", "num_model_requests"),
        "web_searches",
    ),
}
_LIST_MAX = 100


def refusal(status: int, message: str, *, code: str | None = None, param: str | None = None) -> Refused:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return Refused(Reply({"error": error}, status))


class OpenAIFake(Api):
    """State and routes; everything public may be changed by a test at any time."""

    setting = "openai_base_url"
    root = "/v1"

    def __init__(self) -> None:
        self.keys = {ADMIN_KEY: Key("admin"), PROJECT_KEY: Key("inference"), LEGACY_KEY: Key("inference")}
        self.usage = {name: Table(dims, metrics) for name, (dims, metrics, _) in _REPORTS.items()}
        self.costs = Table(
            ("project_id", "line_item", "api_key_id", "user_id", "api_source"), ("amount_value", "quantity")
        )
        self.projects: list[dict[str, Any]] = []
        self.project_keys: dict[str, list[dict[str, Any]]] = {}
        self.service_accounts: dict[str, list[dict[str, Any]]] = {}
        self.users: list[dict[str, Any]] = []
        self.admin_keys: list[dict[str, Any]] = []
        self.organization: str | None = "org-fake"  # None: answers do not name it
        self.missing_reports: set[str] = set()
        self.refused_dimensions: set[str] = set()
        self.costs_key_floor = 1764979200  # probed on the live API: 2025-12-06
        self.costs_page_cap = 31  # observed, although 180 may be asked for
        self.usage_page_cap = 1440
        self.now = time.time
        self.replies: dict[str, dict[str, Any]] = {
            "/chat/completions": example("openai/chat_completion"),
            "/responses": example("openai/response"),
            "/embeddings": example("openai/embeddings"),
        }

    def plant_completion(
        self, at: int, *, uncached: int, output: int, cached: int = 0, **values: Any
    ) -> dict[str, Any]:
        """A sound completions row; dimensions and further metrics by their own names."""
        written = values.get("input_cache_write_tokens") or 0
        row: dict[str, Any] = dict.fromkeys(_TOKENS, 0)
        row |= dict.fromkeys(_REPORTS["completions"][0])
        row |= {
            "input_tokens": uncached + cached + written,
            "input_cached_tokens": cached,
            "input_uncached_tokens": uncached,
            "input_text_tokens": uncached,
            "input_cached_text_tokens": cached,
            "output_tokens": output,
            "output_text_tokens": output,
            "num_model_requests": 1,
            "batch": False,
            "service_tier": "default",
            "input_cache_write_30m_tokens": written,
        }
        return self.usage["completions"].plant(at, **(row | values))

    def plant_cost(self, at: int, value: Any, line_item: str, **values: Any) -> dict[str, Any]:
        """A costs row of `value` dollars; a str is sent as a numeric string, a Decimal as a number."""
        unit = {"quantity": None, "quantity_unit": None}
        return self.costs.plant(at, amount_value=value, currency="usd", line_item=line_item, **(unit | values))

    def load_examples(self, first_day: datetime | None = None) -> None:
        """The rows of the two grouped completions pages and of costs_grouped, in their own buckets, and their names.

        `first_day` (UTC midnight) moves them all, so that they stay inside a back-fill whatever today is.
        """
        origin = 1793491200
        shift = int(first_day.timestamp()) - origin if first_day else 0
        for name in ("usage_completions_grouped_page1", "usage_completions_grouped_page2"):
            for bucket in example(f"openai/{name}")["data"]:
                for row in bucket["results"]:
                    self.usage["completions"].plant(bucket["start_time"] + shift, **row)
        for bucket in example("openai/costs_grouped")["data"]:
            for row in bucket["results"]:
                amount = row.pop("amount")
                self.costs.plant(
                    bucket["start_time"] + shift, amount_value=amount["value"], currency=amount["currency"], **row
                )
        known = example("openai/projects")["data"][0]
        self.projects += [known, *({**known, "id": f"proj_{n}", "name": n.title()} for n in ("web", "etl"))]
        key = example("openai/project_api_keys")["data"][0]
        self.project_keys |= {
            "proj_abc": [key],
            "proj_web": [{**key, "id": "key_Ab1", "name": "web production"}],
            "proj_etl": [{**key, "id": "key_Cd2", "name": "etl nightly"}],
        }
        self.users += example("openai/users")["data"]
        self.admin_keys += example("openai/admin_api_keys")["data"]

    def handle(
        self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: dict[str, Any] | None
    ) -> Reply:
        """Answer one request below /v1. Raises Refused for an error."""
        organizational = path.startswith("/organization/")
        self._authorize(headers, admin=organizational)
        reply = self._route(method, path, query, body)
        reply.headers |= {"x-request-id": "req_fake"}
        if self.organization:
            reply.headers["openai-organization"] = self.organization
        return reply

    def _authorize(self, headers: dict[str, str], *, admin: bool) -> None:
        secret = headers.get("authorization", "").removeprefix("Bearer ")
        key = self.keys.get(secret)
        if key is None or key.revoked:
            raise Refused(Reply(example("openai/error_401_bad_key"), 401))
        scope = "api.usage.read" if admin else "api.model.read"
        if (key.kind == "admin") != admin or key.missing_scope == scope:
            body = example("openai/error_403_missing_scope")
            body["error"]["message"] = body["error"]["message"].replace("api.usage.read", scope)
            raise Refused(Reply(body, 403))

    def _route(self, method: str, path: str, query: list[tuple[str, str]], body: dict[str, Any] | None) -> Reply:
        if method == "POST" and path in self.replies:
            return Reply(self.replies[path])
        if path == "/models":
            return Reply({"object": "list", "data": [{"id": "gpt-6-sol", "object": "model", "owned_by": "openai"}]})
        if path == "/organization/costs":
            return self._costs(query)
        if found := re.fullmatch(r"/organization/usage/(\w+)", path):
            name = found[1]
            if name in self.usage and name not in self.missing_reports:
                return self._usage(name, query)
        elif (listed := self._names(path)) is not None:
            return self._list(listed, query)
        raise refusal(404, f"Invalid URL (GET /v1{path})")

    def _names(self, path: str) -> list[dict[str, Any]] | None:
        fixed = {
            "/organization/projects": self.projects,
            "/organization/users": self.users,
            "/organization/admin_api_keys": self.admin_keys,
        }
        if path in fixed:
            return fixed[path]
        if found := re.fullmatch(r"/organization/projects/([\w-]+)/(api_keys|service_accounts)", path):
            return (self.project_keys if found[2] == "api_keys" else self.service_accounts).get(found[1], [])
        return None

    def _list(self, rows: list[dict[str, Any]], query: list[tuple[str, str]]) -> Reply:
        limit, after = int(one(query, "limit") or 20), one(query, "after")
        if not 1 <= limit <= _LIST_MAX:
            raise refusal(400, f"limit must be between 1 and {_LIST_MAX}", param="limit")
        ids = [r["id"] for r in rows]
        begin = ids.index(after) + 1 if after in ids else 0
        part = rows[begin : begin + limit]
        first, last = (part[0]["id"], part[-1]["id"]) if part else (None, None)
        more = begin + limit < len(rows)
        return Reply({"object": "list", "data": part, "first_id": first, "last_id": last, "has_more": more})

    def _window(
        self, query: list[tuple[str, str]], widths: dict[str, tuple[int, int, int]]
    ) -> tuple[int, int, int, int]:
        """start, end, bucket width and limit of a report request, each checked like the real API does."""
        self._known(query)
        width = one(query, "bucket_width") or "1d"
        if width not in widths:
            raise refusal(400, f"Invalid bucket_width '{width}'", param="bucket_width")
        seconds, usual, most = widths[width]
        limit = int(one(query, "limit") or usual)
        if not 1 <= limit <= most:
            raise refusal(400, f"limit must be between 1 and {most} for {width}", param="limit")
        start, end = one(query, "start_time"), one(query, "end_time")
        if start is None or not start.isdigit():
            raise refusal(400, "Missing required parameter: 'start_time'.", param="start_time")
        now = self.now()
        last = int(end) if end else int(now)
        if last > now + 1 or last <= int(start):
            raise refusal(400, "end_time must be after start_time and not in the future", param="end_time")
        return int(start), last, seconds, limit

    @staticmethod
    def _known(query: list[tuple[str, str]]) -> None:
        known = {"start_time", "end_time", "bucket_width", "limit", "page", "group_by"}
        for name, _ in query:
            if name.removesuffix("[]") not in known:
                raise refusal(400, f"Unknown parameter: '{name}'.", param=name)

    def _groups(self, query: list[tuple[str, str]], allowed: tuple[str, ...]) -> list[str]:
        groups = items(query, "group_by")
        for name in groups:
            if name not in allowed or name in self.refused_dimensions:
                good = ", ".join(d for d in allowed if d not in self.refused_dimensions)
                raise refusal(400, f"Invalid value: '{name}'. Supported values are: {good}.", param="group_by")
        return groups

    def _pages(
        self, query: list[tuple[str, str]], table: Table, groups: list[str], window: tuple[int, int, int, int], cap: int
    ) -> dict[str, Any]:
        start, end, width, limit = window
        all_spans = spans(start, end, width)
        begin = position(query, one(query, "page"), lambda why: refusal(400, why, param="page"))
        stop = begin + min(limit, cap)
        part = all_spans[begin:stop]
        data = [
            {"object": "bucket", "start_time": a, "end_time": b, "results": rows}
            for (a, b), rows in zip(part, table.buckets(groups, part), strict=True)
        ]
        more = stop < len(all_spans)
        plain = [(n, v) for n, v in query if n != "page"]
        return {
            "object": "page",
            "data": data,
            "has_more": more,
            "next_page": token(plain, stop) if more else None,
        }

    def _usage(self, name: str, query: list[tuple[str, str]]) -> Reply:
        window = self._window(query, _WIDTHS)
        table = self.usage[name]
        body = self._pages(query, table, self._groups(query, table.dimensions), window, self.usage_page_cap)
        for bucket in body["data"]:
            for row in bucket["results"]:
                row["object"] = f"organization.usage.{_REPORTS[name][2]}.result"
        return Reply(body)

    def _costs(self, query: list[tuple[str, str]]) -> Reply:
        window = self._window(query, {"1d": (86400, 7, 180)})
        groups = self._groups(query, self.costs.dimensions)
        if "api_key_id" in groups and window[0] < self.costs_key_floor:
            body = example("openai/error_400_api_key_grouping_before_floor")
            body["error"]["message"] = body["error"]["message"].replace("1764979200", str(self.costs_key_floor))
            raise Refused(Reply(body, 400))
        body = self._pages(query, self.costs, groups, window, self.costs_page_cap)
        for bucket in body["data"]:
            for row in bucket["results"]:
                row["object"] = "organization.costs.result"
                row["amount"] = {"value": row.pop("amount_value"), "currency": row.pop("currency")}
                if "line_item" not in groups:
                    row["quantity"] = row["quantity_unit"] = None
        return Reply(body)
