"""A fake of xAI: one team with both kinds of key, its billing usage and balance, and canned inference answers."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.fakes.reporting import Api, Key, Refused, Reply, Table, example, one, spans

MANAGEMENT_KEY = "xai-fake-management-0123456789abcdef"
INFERENCE_KEY = "xai-fake-inference-0123456789abcdef"
TEAM = "5ea6f6bd-7815-4b8a-9135-28b2d7ba6722"
_WIDTHS = {"TIME_UNIT_DAY": 86400, "TIME_UNIT_HOUR": 3600}
_MOMENT = "%Y-%m-%d %H:%M:%S"


def refusal(status: int, code: str, error: str) -> Refused:
    return Refused(Reply({"code": code, "error": error}, status))


class XAITeam:
    """The state behind both hosts; everything public may be changed by a test at any time.

    `most_series` is where an answer is cut off, `refused_values` and `refused_groups` are fields that this team's API
    does not know, `omit_defaults` leaves out what a transcoding of protobuf may leave out.
    """

    def __init__(self) -> None:
        self.keys = {MANAGEMENT_KEY: Key("admin"), INFERENCE_KEY: Key("inference")}
        self.costs = Table(("api_key_id", "description"), ("usd", "usage"))
        self.labels: dict[str, str] = {}
        self.api_keys: list[dict[str, Any]] = []
        self.balance: dict[str, Any] = example("xai/prepaid_balance")
        self.own_facts: dict[str, Any] = example("xai/api_key")
        self.validation: dict[str, Any] = example("xai/management_key_validation")
        self.most_series = 1000
        self.list_page = 100
        self.refused_values: set[str] = set()
        self.refused_groups: set[str] = set()
        self.omit_defaults = False
        self.now = time.time
        self.replies: dict[str, dict[str, Any]] = {
            "/chat/completions": example("xai/chat_completion"),
            "/responses": example("xai/response"),
        }

    def plant_cost(self, at: int, dollars: Decimal, line: str, key: str = "key_a", **values: Any) -> dict[str, Any]:
        return self.costs.plant(at, **({"usage": 0} | values), usd=dollars, description=line, api_key_id=key)

    def authorize(self, headers: dict[str, str], kind: str, refused: Callable[[], Refused]) -> None:
        key = self.keys.get(headers.get("authorization", "").removeprefix("Bearer "))
        if key is None or key.revoked or key.kind != kind:
            raise refused()


class XAIApi(Api):
    """https://api.x.ai/v1: a bad key is a 400."""

    setting = "xai_base_url"
    root = "/v1"

    def __init__(self, team: XAITeam) -> None:
        self.team = team

    def handle(
        self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: dict[str, Any] | None
    ) -> Reply:
        self.team.authorize(headers, "inference", lambda: Refused(Reply(example("xai/error_400_bad_key"), 400)))
        if (method, path) == ("GET", "/api-key"):
            return Reply(self.team.own_facts)
        if method == "POST" and path in self.team.replies:
            return Reply(self.team.replies[path])
        raise refusal(404, "Some requested entity was not found", f"No such path: {path}")


class XAIManagementApi(Api):
    """https://management-api.x.ai: REST of the protos, strict about what it is asked."""

    setting = "xai_management_base_url"

    def __init__(self, team: XAITeam) -> None:
        self.team = team

    def load_examples(self, first_day: datetime | None = None) -> None:
        """The points of usage_response in their own days, and the name of their key."""
        origin = datetime(2026, 11, 1, tzinfo=UTC)
        shift = (first_day or origin) - origin
        for series in example("xai/usage_response")["timeSeries"]:
            key, line = series["group"]
            for point in series["dataPoints"]:
                at = datetime.fromisoformat(point["timestamp"]) + shift
                self.team.plant_cost(int(at.timestamp()), point["values"][0], line, key)
            self.team.labels[key] = series["groupLabels"][0]
        self.team.api_keys += [
            {"apiKeyId": "ae1e1841-4326-4b36-a8a9-8a1a7237db11", "name": "prod", "redactedApiKey": "xai-...b14o"},
            {"apiKeyId": "11111111-2222-4333-8444-555555555555", "name": "idle", "redactedApiKey": "xai-...idle"},
        ]

    def handle(
        self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: dict[str, Any] | None
    ) -> Reply:
        team = self.team
        team.authorize(headers, "admin", lambda: refusal(401, "Unauthenticated", "Invalid management key"))
        if path == "/auth/management-keys/validation":
            return Reply(team.validation)
        if path == f"/auth/teams/{TEAM}/api-keys":
            return self._api_keys(query)
        if path == f"/v1/billing/teams/{TEAM}/prepaid/balance":
            return Reply(team.balance)
        if (method, path) == ("POST", f"/v1/billing/teams/{TEAM}/usage"):
            return Reply(self._usage((body or {})["analyticsRequest"]))
        raise refusal(404, "Some requested entity was not found", f"No such path: {path}")

    def _api_keys(self, query: list[tuple[str, str]]) -> Reply:
        begin = int(one(query, "paginationToken") or 0)
        part = self.team.api_keys[begin : begin + self.team.list_page]
        after = begin + len(part)
        return Reply({"apiKeys": part, "paginationToken": str(after) if after < len(self.team.api_keys) else ""})

    def _usage(self, asked: dict[str, Any]) -> dict[str, Any]:
        """One answer to an analyticsRequest; an unknown field anywhere is a 400, as protobuf's JSON has it."""
        if set(asked) != {"timeRange", "timeUnit", "values", "groupBy", "filters"}:
            raise refusal(400, "Client specified an invalid argument", "unknown field")
        values = [value["name"] for value in asked["values"]]
        for name in (*values, *asked["groupBy"]):
            known = (*self.team.costs.metrics, *self.team.costs.dimensions)
            if name not in known or name in self.team.refused_values | self.team.refused_groups:
                raise refusal(400, "Client specified an invalid argument", f"unknown field {name}")
        start, end = (_unix(asked["timeRange"][edge], asked["timeRange"]) for edge in ("startTime", "endTime"))
        if not start < end <= self.team.now():
            raise refusal(400, "Client specified an invalid argument", "invalid time range")
        width = end - start if asked["timeUnit"] == "TIME_UNIT_NONE" else _WIDTHS[asked["timeUnit"]]
        edges = [(start, end)] if asked["timeUnit"] == "TIME_UNIT_NONE" else spans(start, end, width)
        found: dict[tuple[str, ...], dict[int, list[Any]]] = {}
        for (at, _), rows in zip(edges, self.team.costs.buckets(asked["groupBy"], edges), strict=True):
            for row in rows:
                group = tuple(row[name] for name in asked["groupBy"])
                found.setdefault(group, {})[at] = [row[name] for name in values]
        series = [self._series(group, points, edges, values) for group, points in sorted(found.items())]
        limited = len(series) > self.team.most_series
        body = {"timeSeries": series[: self.team.most_series], "limitReached": limited}
        return {name: value for name, value in body.items() if value or not self.team.omit_defaults}

    def _series(
        self, group: tuple[str, ...], points: dict[int, list[Any]], edges: list[tuple[int, int]], values: list[str]
    ) -> dict[str, Any]:
        nothing = [] if self.team.omit_defaults else [0] * len(values)
        dense = [{"timestamp": _text(at), "values": points.get(at, nothing)} for at, _ in edges]
        return {
            "group": list(group),
            "groupLabels": [self.team.labels.get(part, part) for part in group],
            "dataPoints": [
                {name: value for name, value in point.items() if value or not self.team.omit_defaults}
                for point in dense
            ],
        }


def _unix(text: str, span: dict[str, str]) -> int:
    if span["timezone"] != "Etc/GMT" or not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text):
        raise refusal(400, "Client specified an invalid argument", "invalid time range")
    return int(datetime.strptime(text, _MOMENT).replace(tzinfo=UTC).timestamp())


def _text(at: int) -> str:
    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ")
