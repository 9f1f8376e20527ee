"""A fake of the Gemini API, and of the hosts of Google Cloud behind it, as strict as they are."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.fakes.google_cloud import BigQueryFake, MonitoringFake, OAuthFake, State, info, refusal
from tests.fakes.google_keys import PROJECT, Account
from tests.fakes.google_monitoring import plant_examples
from tests.fakes.reporting import Api, Key, Refused, Reply, example, one

GEMINI_KEY = "AIzaFake0123456789abcdefghijklmnopqrstu"
AUTH_KEY = "AQ.Fake0123456789abcdefghijklmnop"  # as AI Studio gives them out since 2026
OAUTH_KEY = "ya29.fake-0123456789abcdefghijkl"  # an access token: a credential, but no key


class GeminiFake(Api):
    """The Gemini API. `monitoring`, `bigquery` and `oauth` are the other hosts; all have one state."""

    setting = "google_base_url"
    page_param = "pageToken"

    def __init__(self) -> None:
        self.state = State()
        self.state.keys |= {GEMINI_KEY: Key("inference"), AUTH_KEY: Key("inference")}
        self.state.accounts[f"reader@{PROJECT}.iam.gserviceaccount.com"] = Account("reader")
        self.oauth = OAuthFake(self.state)
        self.monitoring = MonitoringFake(self.state)
        self.bigquery = BigQueryFake(self.state)
        self.models = example("google/models_list")
        self.reply: Mapping[str, Any] = example("google/generate_content")
        self.headers: dict[str, str] = {}

    @property
    def reader(self) -> Account:
        """The account of google_keys.key_file()."""
        return self.state.accounts[f"reader@{PROJECT}.iam.gserviceaccount.com"]

    def load_examples(self, first_day: datetime | None = None) -> None:
        plant_examples(self.monitoring.series, first_day)
        self.bigquery.load_examples(first_day)

    def handle(
        self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: dict[str, Any] | None
    ) -> Reply:
        secret = self._credential(query, headers)
        if secret == OAUTH_KEY:
            raise Refused(Reply(example("google/error_401_token_type"), 401))
        key = self.state.keys.get(secret)
        if key is None or key.revoked:
            raise Refused(Reply(example("google/error_400_bad_key"), 400))
        if method == "GET" and path == "/v1beta/models":
            return Reply(self.models)
        if secret in self.state.blocked:
            reason = self.state.blocked[secret]
            raise refusal(403, f"Requests to this API are blocked: {reason}.", "PERMISSION_DENIED", **info(reason))
        if method == "POST" and path.endswith(":countTokens"):
            return Reply({"totalTokens": 1})
        if method == "POST" and path.endswith((":generateContent", ":embedContent")):
            answer = self.reply if path.endswith(":generateContent") else example("google/embed_content")
            return Reply(answer, headers=dict(self.headers))
        raise refusal(404, f"{path} is not found.", "NOT_FOUND")

    @staticmethod
    def _credential(query: list[tuple[str, str]], headers: dict[str, str]) -> str:
        if one(query, "key"):
            raise refusal(400, "The fake refuses keys in addresses: they end up in logs.", "INVALID_ARGUMENT")
        if "authorization" in headers:
            raise refusal(400, "Multiple authentication credentials received.", "INVALID_ARGUMENT")
        return headers.get("x-goog-api-key", "")
