"""PerplexityProvider: tests a key, and sends single requests to the Agent API. There is no report to read."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from guardian.errors import ProviderError, ProviderQuotaExhausted, ValidationError
from guardian.models.enums import PROVIDER_NAMES, Provider
from guardian.providers.base import BaseProvider
from guardian.providers.describing import PAID_TEST, KeyKind, allows_paid_test
from guardian.providers.failures import Answer, quoted
from guardian.providers.inference import Endpoint, route
from guardian.records import CostBucket, NamedResource, TestResult, UsageBucket

# POST /chat/completions (Sonar) ended on 2026-09-27.
ENDPOINTS = {
    "/v1/responses": Endpoint("responses"),
    "/v1/embeddings": Endpoint("embeddings", "embedding"),
    "/search": Endpoint("search", "web_search"),
}
NO_REPORTING = (
    "Perplexity reports usage and costs to nobody but its own console: send the calls through the gateway, or their "
    "usage to the ingest API. Each answer states its exact cost."
)
_SMALLEST = {"model": "perplexity/sonar", "input": "ping", "max_output_tokens": 16}
_WORKS = "This key works for inference."
_UNPROVEN = (
    "Perplexity lists its models to anybody, so only a paid call could prove this key: it is stored unproven, and its "
    "first call will tell. Allow the paid test to know before."
)


class PerplexityProvider(BaseProvider):
    """Perplexity's Agent API. Its keys are all of one kind, and only its console shows what they used."""

    provider = Provider.PERPLEXITY
    name = PROVIDER_NAMES[provider]
    base_urls = ("perplexity_base_url",)
    key_kinds = (
        KeyKind(
            "inference",
            "API key",
            "A key of an API group, for the gateway. Perplexity has no key that reads usage.",
            "https://console.perplexity.ai",
            "Perplexity Console, API keys",
        ),
    )
    key_fields = (PAID_TEST,)
    # At the edge a bad key is refused by a page of the web server.
    meant_pages = (401,)
    no_reporting = NO_REPORTING

    def _test(self, api_key: str) -> TestResult:
        """List the models; where that proves nothing, one paid call, if the key's metadata allows it."""
        key = self.clean_key(api_key)
        self._models(_bearer(key))
        proven = self._needs_a_key()
        if not proven and allows_paid_test(self.metadata):
            self.http.post_json("/v1/responses", _SMALLEST, _bearer(key), classify=_classify, attempts=1)
            proven = True
        return TestResult(success=True, message=_WORKS if proven else _UNPROVEN, kind="inference")

    def _models(self, headers: Mapping[str, str]) -> Answer:
        return self.http.get_json("/v1/models", headers=headers, classify=_classify, attempts=1)

    def _needs_a_key(self) -> bool:
        """Whether the list of models is refused without a key; it is not documented."""
        try:
            self._models({})
        except ProviderError as refused:
            if refused.upstream_status in (401, 403):
                return True
            raise
        return False

    def get_usage(self, api_key: str, start: datetime, end: datetime, report: str) -> Iterator[UsageBucket]:
        raise ValidationError(f"Perplexity has no usage report named {report!r}. {NO_REPORTING}")

    def get_costs(self, api_key: str, start: datetime, end: datetime) -> Iterator[CostBucket]:
        raise ValidationError(f"Perplexity has no cost report. {NO_REPORTING}")

    def get_resources(self, api_key: str) -> Iterator[NamedResource]:
        """No names: keys and groups are only in the console."""
        yield from ()

    def make_request(self, api_key: str, user_id: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """POST to /v1/responses, /v1/embeddings or /search, and track the usage at the cost that the answer states.

        `payload["endpoint"]` names the path; without it /v1/responses. Streaming belongs to the gateway, and the Sonar
        chat is no more: ValidationError.
        """
        self.require_sink()
        path, body = route(self.name, ENDPOINTS, {"endpoint": "/v1/responses", **payload})
        if "messages" in body:
            raise ValidationError(
                "Perplexity's chat completions (Sonar) ended on 2026-09-27. Send `input` to /v1/responses instead, for "
                "the model perplexity/sonar."
            )
        answer = self.http.post_json(path, body, _bearer(self.clean_key(api_key)), classify=_classify)
        return self.track_answer(user_id, ENDPOINTS[path], answer, body.get("model"))


def _classify(answer: Answer) -> ProviderError | None:
    """A key without credit is refused as unauthorized (401) or forbidden; only the words tell."""
    said = answer.said.lower()
    if answer.status in (401, 402, 403, 429) and any(word in said for word in ("credit", "insufficient", "quota")):
        return ProviderQuotaExhausted(
            f"Perplexity says that the account has no credit left; add some in its console{quoted(answer.said)}",
            upstream_status=answer.status,
        )
    return None


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
