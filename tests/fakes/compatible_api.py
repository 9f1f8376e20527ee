"""Fakes of OpenAI-compatible servers: a plain one whose habits can be set, OpenRouter and DeepSeek."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.fakes.reporting import Api, Key, Refused, Reply, Table, example, one

KEY = "sk-compatible-fake0123456789abcdef"
ROUTER_KEY = "sk-or-v1-fake0123456789abcdef"
ROUTER_ADMIN_KEY = "sk-or-v1-fake-management0123456789"
DEEPSEEK_KEY = "sk-deepseek-fake0123456789abcdef"


def _bearer(headers: Mapping[str, str]) -> str:
    return headers.get("authorization", "").removeprefix("Bearer ")


class PlainFake(Api):
    """A server of its own habits. `needs` are headers without which all is refused; empty lets everybody in."""

    setting = "plain_base_url"  # of no variable: a CUSTOM key brings its address along
    root = "/v1"

    def __init__(self) -> None:
        self.needs: dict[str, str] = {"authorization": f"Bearer {KEY}"}
        self.open_models = False
        self.models: Any = {"object": "list", "data": [{"id": "llama-3", "object": "model", "owned_by": "us"}]}
        self.refusal: Any = {"error": {"message": "Invalid key", "type": "auth", "param": None, "code": None}}
        self.replies: dict[str, dict[str, Any]] = {
            "/chat/completions": example("openai_compatible/mistral_chat"),
            "/embeddings": example("openai/embeddings"),
            "/messages": example("anthropic/message"),
            "/responses": example("openai/response"),
        }

    def handle(
        self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: dict[str, Any] | None
    ) -> Reply:
        let_in = all(headers.get(name) == value for name, value in self.needs.items())
        if not let_in and not (path.endswith("/models") and self.open_models):
            raise Refused(Reply(self.refusal, 401))
        if method == "GET" and path == "/models" and self.models is not None:
            return Reply(self.models)
        if method == "POST" and path in self.replies:
            return Reply(self.replies[path])
        raise Refused(Reply({"detail": "Not Found"}, 404))


class RouterFake(Api):
    """OpenRouter: `plant` adds activity of a day; `now` decides which days are completed, and known."""

    setting = "openrouter_base_url"
    root = "/api/v1"
    known_days = 30

    def __init__(self) -> None:
        self.keys = {ROUTER_ADMIN_KEY: Key("admin"), ROUTER_KEY: Key("inference")}
        self.activity = Table(
            ("model", "endpoint_id", "provider_name"),
            ("usage", "byok_usage_inference", "requests", "prompt_tokens", "completion_tokens", "reasoning_tokens"),
        )
        self.facts: dict[str, Any] = example("openai_compatible/openrouter_key")["data"]
        self.credits: dict[str, Any] = example("openai_compatible/openrouter_credits")["data"]
        self.now = lambda: datetime.now(UTC).timestamp()

    def plant(self, at: int, *, prompt: int = 0, completion: int = 0, usage: Any = 0, **values: Any) -> dict[str, Any]:
        row = example("openai_compatible/openrouter_activity")["data"][0]
        del row["date"]
        row |= {"prompt_tokens": prompt, "completion_tokens": completion, "reasoning_tokens": 0, "usage": usage}
        return self.activity.plant(at, **(row | {"requests": 1} | values))

    def load_examples(self, first_day: datetime | None = None) -> None:
        """The example's row, on its day, or on `first_day`."""
        day = first_day or datetime(2026, 11, 20, tzinfo=UTC)
        (row,) = example("openai_compatible/openrouter_activity")["data"]
        del row["date"]
        self.activity.plant(int(day.timestamp()), **row)

    def handle(
        self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: dict[str, Any] | None
    ) -> Reply:
        key = self.keys.get(_bearer(headers))
        if key is None or key.revoked:
            raise Refused(Reply({"error": {"message": "No auth credentials found", "code": 401}}, 401))
        if path == "/key":
            return Reply({"data": self.facts | {"is_management_key": key.kind == "admin"}})
        if path in ("/activity", "/credits") and key.kind != "admin":
            raise Refused(Reply({"error": {"message": "Only management keys can do this", "code": 403}}, 403))
        if path == "/credits":
            return Reply({"data": self.credits})
        if path == "/activity":
            return Reply({"data": self._rows(one(query, "date"))})
        if (method, path) == ("POST", "/chat/completions"):
            return Reply(example("openai_compatible/mistral_chat"))
        raise Refused(Reply({"error": {"message": "Not found", "code": 404}}, 404))

    def _rows(self, date: str | None) -> list[dict[str, Any]]:
        """Of the last completed days, or of one of them; another day is a 400."""
        today = int(self.now()) // 86400
        days = [(day * 86400, (day + 1) * 86400) for day in range(today - self.known_days, today)]
        names = [f"{datetime.fromtimestamp(start, UTC):%Y-%m-%d}" for start, _ in days]
        if date is not None and date not in names:
            raise Refused(Reply({"error": {"message": "Date must be within the last 30 days", "code": 400}}, 400))
        found = zip(names, self.activity.buckets(self.activity.dimensions, days), strict=True)
        return [{"date": name} | row for name, rows in found if date in (None, name) for row in rows]


class DeepSeekFake(Api):
    """DeepSeek: its balance beside OpenAI's API."""

    setting = "deepseek_base_url"

    def __init__(self) -> None:
        self.keys = {DEEPSEEK_KEY: Key("inference")}
        self.balance: dict[str, Any] = example("openai_compatible/deepseek_user_balance")

    def handle(
        self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: dict[str, Any] | None
    ) -> Reply:
        key = self.keys.get(_bearer(headers))
        if key is None or key.revoked:
            raise Refused(Reply({"error": {"message": "Authentication Fails", "type": "authentication_error"}}, 401))
        if (method, path) == ("GET", "/user/balance"):
            return Reply(self.balance)
        if (method, path) == ("POST", "/v1/chat/completions"):
            return Reply(example("openai_compatible/deepseek_chat"))
        raise Refused(Reply({"error": {"message": "Not found"}}, 404))
