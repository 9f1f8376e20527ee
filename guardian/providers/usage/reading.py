"""Which function reads which vendor's answers, by API flavour."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from guardian.errors import ValidationError
from guardian.models.enums import Provider
from guardian.providers.usage import anthropic, compatible, google, openai, perplexity, xai
from guardian.providers.usage.stated import ReadUsage, StatedUsage

_NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})

FLAVOURS: Mapping[tuple[Provider, str], ReadUsage] = MappingProxyType(
    {
        (Provider.OPENAI, "chat"): openai.chat,
        (Provider.OPENAI, "responses"): openai.responses,
        (Provider.OPENAI, "embeddings"): openai.embeddings,
        (Provider.OPENAI, "images"): openai.images,
        (Provider.OPENAI, "transcription"): openai.transcription,
        (Provider.OPENAI, "speech"): openai.speech,
        (Provider.OPENAI, "moderation"): openai.moderation,
        (Provider.OPENAI, "realtime"): openai.realtime,
        (Provider.ANTHROPIC, "messages"): anthropic.messages,
        (Provider.ANTHROPIC, "chat"): compatible.chat,
        (Provider.GOOGLE, "generate_content"): google.generate_content,
        (Provider.GOOGLE, "interactions"): google.interactions,
        (Provider.GOOGLE, "embed_content"): google.embed_content,
        (Provider.GOOGLE, "predict"): google.predict,
        (Provider.GOOGLE, "chat"): compatible.gemini_chat,
        (Provider.GOOGLE, "embeddings"): compatible.embeddings,
        (Provider.XAI, "chat"): xai.chat,
        (Provider.XAI, "responses"): xai.responses,
        (Provider.XAI, "images"): xai.images,
        (Provider.XAI, "messages"): compatible.messages,
        (Provider.XAI, "embeddings"): compatible.embeddings,
        (Provider.PERPLEXITY, "responses"): perplexity.responses,
        (Provider.PERPLEXITY, "embeddings"): perplexity.embeddings,
        (Provider.PERPLEXITY, "search"): perplexity.search,
        (Provider.PERPLEXITY, "sonar"): perplexity.sonar,
        (Provider.CUSTOM, "chat"): compatible.chat,
        (Provider.CUSTOM, "responses"): compatible.responses,
        (Provider.CUSTOM, "messages"): compatible.messages,
        (Provider.CUSTOM, "embeddings"): compatible.embeddings,
        (Provider.CUSTOM, "ollama"): compatible.ollama,
    }
)


def read_usage(
    provider: Provider, flavour: str, body: Mapping[str, Any], settings: Mapping[str, Any] | None = None
) -> StatedUsage | None:
    """What `body`, the JSON object of an answer parsed with parse_float=Decimal, states; None where it states nothing.

    `settings` is the metadata of a CUSTOM key. Raises ProviderContractBroken with the field's name for a number that
    cannot be and that no rule repairs (see fields.py), and ValidationError for a flavour that the vendor does not have.
    """
    read = FLAVOURS.get((provider, flavour))
    if read is None:
        known = ", ".join(name for vendor, name in FLAVOURS if vendor is provider)
        raise ValidationError(f"{provider} has no answers of the flavour {flavour!r}. Choose from: {known}.")
    return read(body, _NO_SETTINGS if settings is None else settings)
