"""OpenAI's inference answers as usage records: chat completions, responses and embeddings, not streamed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from guardian.errors import ValidationError
from guardian.models.enums import Provider
from guardian.providers.usage import record_of
from guardian.records import UsageRecord

# path → the flavour of its answer
ENDPOINTS = {"/chat/completions": "chat", "/responses": "responses", "/embeddings": "embeddings"}


def route(payload: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The path and the body of a request; see OpenAIProvider.make_request."""
    body = dict(payload)
    endpoint = body.pop("endpoint", None)
    if endpoint is None:
        embeds = "embedding" in str(body.get("model", ""))
        endpoint = "/chat/completions" if "messages" in body else "/embeddings" if embeds else "/responses"
    if endpoint not in ENDPOINTS:
        raise ValidationError(f"OpenAI requests can be sent to {', '.join(ENDPOINTS)}; for others use the gateway.")
    if body.get("stream"):
        raise ValidationError("A request that is tracked here cannot be streamed. Use the gateway for streams.")
    return endpoint, body


def read(endpoint: str, answer: Mapping[str, Any], asked_model: str, at: datetime) -> tuple[UsageRecord, str | None]:
    """The usage of one answer, and why it cannot be priced when the answer states none."""
    flavour = ENDPOINTS[endpoint]
    operation = "embedding" if flavour == "embeddings" else "completion"
    return record_of(Provider.OPENAI, operation, flavour, answer, asked_model=asked_model, at=at)
