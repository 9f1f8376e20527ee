"""Single requests to Gemini: generated content and embeddings, not streamed."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from guardian.errors import ValidationError
from guardian.providers.failures import Answer
from guardian.providers.inference import Endpoint

METHODS = {
    "generateContent": Endpoint("generate_content", "generate_content"),
    "embedContent": Endpoint("embed_content", "embedding"),
}


def route(payload: Mapping[str, Any]) -> tuple[str, Endpoint, str, dict[str, Any]]:
    """The path, what its answer is, the model and the body of a request; see GoogleProvider.make_request."""
    body = dict(payload)
    model, method = str(body.pop("model", "") or ""), str(body.pop("endpoint", None) or "generateContent")
    name = model.removeprefix("models/")
    if not name:
        raise ValidationError("Name the model of the request.", details=[{"field": "model", "message": "required"}])
    if method not in METHODS:
        raise ValidationError(f"Google requests can be sent to {', '.join(METHODS)}; for others use the gateway.")
    return f"/v1beta/models/{quote(name, safe='')}:{method}", METHODS[method], name, body


def tier_of(answer: Answer) -> str | None:
    """The tier that served a request is in a header only."""
    tier = answer.headers.get("x-gemini-service-tier")
    return tier.lower() if tier else None
