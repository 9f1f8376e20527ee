"""What senders call the providers, by exact name: the ledger's words, OpenTelemetry's, OpenInference's, LiteLLM's."""

from collections.abc import Mapping

from guardian.models.enums import Provider

_NAMES: Mapping[Provider, tuple[str, ...]] = {
    Provider.OPENAI: ("openai", "openai_responses"),
    Provider.ANTHROPIC: ("anthropic",),
    Provider.GOOGLE: (
        *("google", "gemini", "gcp.gemini", "gcp.gen_ai", "gcp.vertex_ai", "vertex_ai", "vertexai", "google_genai"),
        *("google_vertexai", "google-gla", "google-vertex", "google.generative-ai"),
    ),
    Provider.XAI: ("xai", "x_ai", "x.ai", "grok"),
    Provider.PERPLEXITY: ("perplexity", "perplexityai"),
    Provider.CUSTOM: ("custom",),
}
PROVIDERS: Mapping[str, Provider] = {name: provider for provider, names in _NAMES.items() for name in names}
_FAMILIES = (
    ("claude", Provider.ANTHROPIC),
    ("gpt-", Provider.OPENAI),
    ("gemini", Provider.GOOGLE),
    ("grok", Provider.XAI),
    ("sonar", Provider.PERPLEXITY),
)


def provider_of(named: str, model: str) -> Provider:
    """Where a span names none, the family of its model tells; a name that is not here is a CUSTOM provider's."""
    if named:
        return PROVIDERS.get(named.lower(), Provider.CUSTOM)
    lower = model.lower()
    return next((provider for start, provider in _FAMILIES if lower.startswith(start)), Provider.CUSTOM)
