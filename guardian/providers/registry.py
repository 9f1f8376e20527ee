"""Which adapter serves which vendor: a new vendor is its own file or package, and one line here."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from guardian.config import Settings
from guardian.config import settings as process_settings
from guardian.models.enums import Provider
from guardian.providers.anthropic import AnthropicProvider
from guardian.providers.base import BaseProvider
from guardian.providers.custom import CustomProvider
from guardian.providers.describing import ProviderDescription
from guardian.providers.google import GoogleProvider
from guardian.providers.openai import OpenAIProvider
from guardian.providers.perplexity import PerplexityProvider
from guardian.providers.tracking import Pricer, UsageSink
from guardian.providers.xai import XAIProvider

_ADAPTERS: Mapping[Provider, type[BaseProvider]] = {
    adapter.provider: adapter
    for adapter in (
        OpenAIProvider,
        AnthropicProvider,
        GoogleProvider,
        XAIProvider,
        PerplexityProvider,
        CustomProvider,
    )
}


def supported() -> tuple[Provider, ...]:
    """The vendors whose keys can be stored and tested."""
    return tuple(_ADAPTERS)


def describe(provider: Provider) -> ProviderDescription:
    """What people are told of a vendor and asked for with its key."""
    adapter = adapter_of(provider)
    return ProviderDescription(
        provider=provider,
        name=adapter.name,
        reporting=any(kind.kind == "admin" for kind in adapter.key_kinds),
        key_kinds=adapter.key_kinds,
        no_reporting=adapter.no_reporting,
        fields=adapter.key_fields,
    )


def adapter_of(provider: Provider) -> type[BaseProvider]:
    """The vendor's adapter as a class."""
    return _ADAPTERS[provider]


def provider_for(
    provider: Provider,
    *,
    pricer: Pricer,
    sink: UsageSink | None = None,
    metadata: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> BaseProvider:
    """A new adapter with connections of its own; `close()` it after use.

    Raises ValidationError for metadata that names no usable address.
    """
    adapter = adapter_of(provider)
    clients = dict(adapter.clients(settings or process_settings(), metadata or {}, sleep=sleep))
    main = clients.pop(next(iter(clients)))
    return adapter(main, pricer=pricer, sink=sink, metadata=metadata, further=clients)
