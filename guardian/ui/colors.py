"""Colours of providers and series: told apart by colour-blind people too, the same on every page, in PDF and mail."""

from collections.abc import Iterable
from zlib import crc32

from guardian.models.enums import PROVIDER_NAMES, Provider

# Okabe and Ito's set, darkened where needed to reach 3:1 against both the light and the dark surface.
_PROVIDERS: dict[str, str] = {
    Provider.OPENAI: "#0a9070",
    Provider.ANTHROPIC: "#d0631c",
    Provider.GOOGLE: "#2f7fd0",
    Provider.XAI: "#7d838c",
    Provider.PERPLEXITY: "#a9810a",
    Provider.CUSTOM: "#b9619b",
}
OTHER = "#8a8f98"
# For what is not a provider; no grey, which is the others'.
_SERIES = ("#2f7fd0", "#d0631c", "#0a9070", "#b9619b", "#a9810a", "#7d6bd0", "#1f8fa6")


def provider_color(provider: str | None) -> str:
    """The fixed colour of a provider, as #rrggbb."""
    return _PROVIDERS.get(provider or "", OTHER)


def provider_name(provider: str | None) -> str:
    """How the provider writes its own name."""
    return PROVIDER_NAMES.get(provider or "", provider or "Unknown")


def series_colors(keys: Iterable[str]) -> dict[str, str]:
    """A colour for each of at most seven series, told apart; what a key gets hardly depends on the others.

    The first key gets the colour that its name stands for, a later one the next that is free.
    """
    found: dict[str, str] = {}
    for key in keys:
        start = crc32(key.encode()) % len(_SERIES)
        order = (*_SERIES[start:], *_SERIES[:start])
        taken = found.values()
        found[key] = next((color for color in order if color not in taken), OTHER)
    return found
