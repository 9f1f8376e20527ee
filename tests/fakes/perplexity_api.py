"""A fake of Perplexity's Agent API: models, canned answers, and no report of any kind."""

from typing import Any

from tests.fakes.reporting import Api, Key, Refused, Reply, example

KEY = "pplx-fake0123456789abcdef"


class PerplexityFake(Api):
    """Everything public may be changed by a test at any time; `open_models` lists the models to anybody."""

    setting = "perplexity_base_url"

    def __init__(self) -> None:
        self.keys = {KEY: Key("inference")}
        self.open_models = False
        self.replies: dict[str, dict[str, Any]] = {
            "/v1/responses": example("perplexity/agent_response"),
            "/v1/embeddings": example("perplexity/embeddings"),
            "/search": example("perplexity/search"),
        }

    def handle(
        self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: dict[str, Any] | None
    ) -> Reply:
        key = self.keys.get(headers.get("authorization", "").removeprefix("Bearer "))
        if (key is None or key.revoked) and not (path == "/v1/models" and self.open_models):
            raise Refused(Reply(example("perplexity/error_401"), 401))
        if (method, path) == ("GET", "/v1/models"):
            return Reply(example("perplexity/models"))
        if method == "POST" and path in self.replies:
            return Reply(self.replies[path])
        message = "Sonar is now the Agent API" if path == "/chat/completions" else f"No such path: {path}"
        raise Refused(Reply({"error": {"message": message, "type": "not_found", "code": 404}}, 404))
