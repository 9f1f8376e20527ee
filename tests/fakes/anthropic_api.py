"""A fake of Anthropic: reporting and names as strict as the real API, inference answered from a can."""

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.fakes.reporting import Api, Key, Refused, Reply, Table, example, items, one, position, spans, token

ADMIN_KEY = "sk-ant-admin01-fake-0123456789abcdef"
INFERENCE_KEY = "sk-ant-api03-fake-0123456789abcdef"
ENTERPRISE_KEY = "sk-ant-api01-fake-0123456789abcdef"
FAST_MODE = "fast-mode-2026-02-01"

_WIDTHS = {"1m": (60, 60, 1440), "1h": (3600, 24, 168), "1d": (86400, 7, 31)}
_USAGE_DIMENSIONS = (
    "account_id",
    "api_key_id",
    "service_account_id",
    "workspace_id",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
    "speed",
)
_USAGE_METRICS = (
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_creation",
    "output_tokens",
    "server_tool_use",
)
# What group_by[]=description brings along.
_DESCRIPTION = (
    "description",
    "cost_type",
    "token_type",
    "model",
    "context_window",
    "service_tier",
    "inference_geo",
)
_EXAMPLE_DAY = datetime(2026, 11, 1, tzinfo=UTC)


def refusal(status: int, message: str, kind: str = "invalid_request_error") -> Refused:
    return Refused(Reply({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_f"}, status))


def iso(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def _unix(text: str, name: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise refusal(400, f"{name}: not an RFC 3339 timestamp") from None
    if moment.tzinfo is None:
        raise refusal(400, f"{name}: a timestamp needs an offset")
    return int(moment.timestamp())


class AnthropicFake(Api):
    """State and routes; everything public may be changed by a test at any time."""

    setting = "anthropic_base_url"

    def __init__(self) -> None:
        self.keys = {
            ADMIN_KEY: Key("admin"),
            INFERENCE_KEY: Key("inference"),
            ENTERPRISE_KEY: Key("enterprise", missing_scope="read:usage"),
        }
        self.usage = Table(_USAGE_DIMENSIONS, _USAGE_METRICS)
        self.costs = Table(("workspace_id", *_DESCRIPTION), ("amount",))
        self.api_keys: list[dict[str, Any]] = []
        self.workspaces: list[dict[str, Any]] = []
        self.users: list[dict[str, Any]] = []
        self.me = example("anthropic/organizations_me")
        self.refused_dimensions: set[str] = set()
        self.refuses_future_end = False
        self.page_cap = 1440
        self.now = time.time
        self.reply = example("anthropic/message")

    def plant_message(self, at: int, *, uncached: int, output: int, **values: Any) -> dict[str, Any]:
        """A sound usage row; dimensions and metrics by their own names."""
        row: dict[str, Any] = dict.fromkeys(_USAGE_DIMENSIONS)
        row |= {
            "uncached_input_tokens": uncached,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output,
            "server_tool_use": {"web_search_requests": 0},
        }
        return self.usage.plant(at, **(row | values))

    def plant_cost(self, at: int, cents: str, description: str, **values: Any) -> dict[str, Any]:
        """A cost row of `cents` (a decimal string, as the API sends it)."""
        return self.costs.plant(at, amount=cents, currency="USD", description=description, **values)

    def load_examples(self, first_day: datetime | None = None) -> None:
        """The rows of the two grouped usage pages and of cost_report_grouped, in their own buckets, and their names."""
        shift = int((first_day - _EXAMPLE_DAY).total_seconds()) if first_day else 0
        for name in ("usage_report_messages_grouped_page1", "usage_report_messages_grouped_page2"):
            self._load(self.usage, f"anthropic/{name}", shift)
        self._load(self.costs, "anthropic/cost_report_grouped", shift)
        self.api_keys += example("anthropic/api_keys")["data"]
        self.workspaces += example("anthropic/workspaces")["data"]
        self.users.append({"id": "user_01WCz1FkmYMm4gnmykNKUu3Q", "type": "user", "name": "Ada", "email": "ada@x.test"})

    @staticmethod
    def _load(table: Table, name: str, shift: int) -> None:
        for bucket in example(name)["data"]:
            for row in bucket["results"]:
                table.plant(_unix(bucket["starting_at"], "starting_at") + shift, **row)

    def handle(
        self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: dict[str, Any] | None
    ) -> Reply:
        """Answer one request. Raises Refused for an error."""
        if headers.get("anthropic-version") not in ("2023-06-01", "2026-10-21"):
            raise refusal(400, "anthropic-version: header is required")
        self._authorize(headers, admin=path.startswith("/v1/organizations/"))
        reply = self._route(method, path, query, headers)
        reply.headers |= {"anthropic-organization-id": self.me["id"], "request-id": "req_fake"}
        return reply

    def _route(self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str]) -> Reply:
        if method == "POST" and path == "/v1/messages":
            return Reply(self.reply)
        routes = {
            "/v1/organizations/me": lambda: Reply(self.me),
            "/v1/organizations/usage_report/messages": lambda: self._usage(query, headers),
            "/v1/organizations/cost_report": lambda: self._costs(query),
            "/v1/organizations/api_keys": lambda: self._list(self.api_keys, query),
            "/v1/organizations/workspaces": lambda: self._list(self._visible_workspaces(query), query),
            "/v1/organizations/users": lambda: self._list(self.users, query),
            "/v1/models": lambda: self._list([{"id": "claude-opus-5-5", "type": "model"}], query),
        }
        if path not in routes:
            raise Refused(Reply(example("anthropic/error_404"), 404))
        return routes[path]()

    def _authorize(self, headers: dict[str, str], *, admin: bool) -> None:
        key = self.keys.get(headers.get("x-api-key", ""))
        # A good key of the wrong kind is told exactly what a bad one is told.
        if key is None or key.revoked or (key.kind == "inference" if admin else key.kind != "inference"):
            raise Refused(Reply(example("anthropic/error_401"), 401))
        if key.missing_scope:
            raise Refused(Reply(example("anthropic/error_403"), 403))

    def _visible_workspaces(self, query: list[tuple[str, str]]) -> list[dict[str, Any]]:
        archived = one(query, "include_archived") == "true"
        return [w for w in self.workspaces if archived or not w.get("archived_at")]

    @staticmethod
    def _list(rows: list[dict[str, Any]], query: list[tuple[str, str]]) -> Reply:
        limit, after = int(one(query, "limit") or 20), one(query, "after_id")
        if not 1 <= limit <= 1000:
            raise refusal(400, "limit: must be between 1 and 1000")
        ids = [r["id"] for r in rows]
        begin = ids.index(after) + 1 if after in ids else 0
        part = rows[begin : begin + limit]
        first, last = (part[0]["id"], part[-1]["id"]) if part else (None, None)
        return Reply({"data": part, "first_id": first, "last_id": last, "has_more": begin + limit < len(rows)})

    def _usage(self, query: list[tuple[str, str]], headers: dict[str, str]) -> Reply:
        groups = self._groups(query, _USAGE_DIMENSIONS)
        if "speed" in groups and FAST_MODE not in headers.get("anthropic-beta", ""):
            raise refusal(400, f"group_by: speed needs the beta header {FAST_MODE}")
        body = self._pages(query, self.usage, groups, _WIDTHS)
        for bucket in body["data"]:
            for row in bucket["results"]:
                if "speed" not in groups:
                    del row["speed"]
        return Reply(body)

    def _costs(self, query: list[tuple[str, str]]) -> Reply:
        groups = self._groups(query, ("workspace_id", "description"))
        dimensions = [g for g in groups if g != "description"] + (list(_DESCRIPTION) if "description" in groups else [])
        body = self._pages(query, self.costs, dimensions, {"1d": _WIDTHS["1d"]})
        for bucket in body["data"]:
            for row in bucket["results"]:
                row["amount"] = str(Decimal(str(row["amount"])))
        return Reply(body)

    def _groups(self, query: list[tuple[str, str]], allowed: tuple[str, ...]) -> list[str]:
        if any(n == "group_by" for n, _ in query):
            raise refusal(400, "group_by: arrays are written group_by[]")
        groups = items(query, "group_by")
        for name in groups:
            if name not in allowed or name in self.refused_dimensions:
                good = ", ".join(f"'{d}'" for d in allowed if d not in self.refused_dimensions)
                raise refusal(400, f"group_by.0: Input should be {good}")
        return groups

    def _pages(
        self,
        query: list[tuple[str, str]],
        table: Table,
        groups: list[str],
        widths: dict[str, tuple[int, int, int]],
    ) -> dict[str, Any]:
        known = {"starting_at", "ending_at", "bucket_width", "limit", "page", "group_by"}
        for name, _ in query:
            if name.removesuffix("[]") not in known:
                raise refusal(400, f"{name}: Extra inputs are not permitted")
        width, usual, most = widths.get(one(query, "bucket_width") or "1d", (0, 0, 0))
        limit = int(one(query, "limit") or usual)
        if not 1 <= limit <= most:
            raise refusal(400, f"limit: must be between 1 and {most}" if width else "bucket_width: not supported here")
        start, end = self._window(query, width)
        all_spans = [s for s in spans(start, end, width) if s[0] <= self.now() and s[1] <= end]
        begin = position(query, one(query, "page"), lambda why: refusal(400, f"page: {why}"))
        stop = begin + min(limit, self.page_cap)
        part = all_spans[begin:stop]
        data = [
            {"starting_at": iso(a), "ending_at": iso(b), "results": rows}
            for (a, b), rows in zip(part, table.buckets(groups, part), strict=True)
        ]
        more = stop < len(all_spans)
        plain = [(n, v) for n, v in query if n != "page"]
        return {"data": data, "has_more": more, "next_page": token(plain, stop) if more else None}

    def _window(self, query: list[tuple[str, str]], width: int) -> tuple[int, int]:
        starting, ending = one(query, "starting_at"), one(query, "ending_at")
        if starting is None:
            raise refusal(400, "starting_at: Field required")
        start = _unix(starting, "starting_at")
        start -= start % width
        now = int(self.now())
        if ending is None:
            # Up to now, the bucket of this moment included.
            end = now - now % width + width
            complete = now - now % width
        else:
            end = _unix(ending, "ending_at")
            complete = min(end - end % width, now - now % width) if width == 86400 else end
            if self.refuses_future_end and end > now:
                raise refusal(400, "ending_at: must not be in the future")
        if complete <= start:
            raise refusal(400, "ending date must be after starting date")
        return start, end
