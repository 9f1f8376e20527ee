"""Which adapter serves which vendor. A vendor that is not here has none yet."""

from collections.abc import Mapping
from typing import Any

from guardian.config import Settings
from guardian.config import settings as process_settings
from guardian.errors import ValidationError
from guardian.models.enums import Provider
from guardian.providers.anthropic import AnthropicProvider
from guardian.providers.base import BaseProvider, Pricer, UsageSink
from guardian.providers.http import ProviderHttp
from guardian.providers.openai import OpenAIProvider

# vendor → its name to a person, its adapter, the setting of its base URL
_ADAPTERS: Mapping[Provider, tuple[str, type[BaseProvider], str]] = {
    Provider.OPENAI: ("OpenAI", OpenAIProvider, "openai_base_url"),
    Provider.ANTHROPIC: ("Anthropic", AnthropicProvider, "anthropic_base_url"),
}


def supported() -> tuple[Provider, ...]:
    """The vendors whose keys can be tested and whose reports can be read."""
    return tuple(_ADAPTERS)


def provider_for(
    provider: Provider,
    *,
    pricer: Pricer,
    sink: UsageSink | None = None,
    metadata: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
) -> BaseProvider:
    """A new adapter with connections of its own; `close()` it after use.

    Raises ValidationError for a vendor without an adapter.
    """
    if provider not in _ADAPTERS:
        raise ValidationError(
            f"Usage reporting is not available for {provider.title()} yet.",
            details=[{"field": "provider", "message": f"must be one of {', '.join(_ADAPTERS)}"}],
        )
    name, adapter, base_url = _ADAPTERS[provider]
    known = settings or process_settings()
    http = ProviderHttp(
        name,
        getattr(known, base_url),
        timeout=known.provider_timeout_seconds,
        attempts=known.provider_attempts,
    )
    return adapter(http, pricer=pricer, sink=sink, metadata=metadata)
