"""Gemini's answers as usage records: generated content and embeddings, not streamed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from guardian.errors import ValidationError
from guardian.models.enums import Provider
from guardian.providers.failures import Answer
from guardian.providers.usage import record_of
from guardian.records import UsageRecord

# method → (flavour of its answer, operation)
METHODS = {"generateContent": ("generate_content", "generate_content"), "embedContent": ("embed_content", "embedding")}
_TIER_HEADER = "x-gemini-service-tier"


def route(payload: Mapping[str, Any]) -> tuple[str, str, str, dict[str, Any]]:
    """The path, the method, the model and the body of a request; see GoogleProvider.make_request."""
    body = dict(payload)
    model, method = str(body.pop("model", "") or ""), str(body.pop("endpoint", None) or "generateContent")
    name = model.removeprefix("models/")
    if not name:
        raise ValidationError("Name the model of the request.", details=[{"field": "model", "message": "required"}])
    if method not in METHODS:
        raise ValidationError(f"Google requests can be sent to {', '.join(METHODS)}; for others use the gateway.")
    return f"/v1beta/models/{quote(name, safe='')}:{method}", method, name, body


def read(method: str, answer: Answer, asked_model: str, at: datetime) -> tuple[UsageRecord, str | None]:
    """The usage of one answer, and why it cannot be priced when the answer states none.

    The tier that served it is in a header only.
    """
    flavour, operation = METHODS[method]
    record, missing = record_of(Provider.GOOGLE, operation, flavour, answer.body, asked_model=asked_model, at=at)
    tier = answer.headers.get(_TIER_HEADER)
    return (replace(record, service_tier=tier.lower()) if tier and record.service_tier is None else record), missing
