"""What the text of a SKU of Google's bill tells: model, kind of tokens, tier, length of the request, place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})

# "gemini 2.5 flash lite preview", "Gemini 3.0 Pro", "gemini-embedding-001". "Image" belongs to the model only where a
# modality follows: "3.1 Flash Image Image Output", but "2.5 Flash Image Input".
_MODEL = re.compile(
    r"\b(?P<family>gemini|gemma)[ -](?:"
    r"(?P<version>\d+(?:\.\d+)?)(?:[ -](?P<size>pro|flash|ultra|nano))?(?:[ -](?P<lite>lite))?"
    r"(?P<variants>(?:[ -](?:image(?=[ -](?:image|text|audio|preview)\b)|live|tts|computer[ -]use|preview)\b)*)"
    r"|embedding(?:[ -](?P<embedding>\d+))?)",
    re.IGNORECASE,
)
_CACHED = re.compile(r"\bcach(?:ed|ing)\b", re.IGNORECASE)
_STORAGE = re.compile(r"\bstorage\b", re.IGNORECASE)
_SIDE = re.compile(r"\b(input|output)\b", re.IGNORECASE)
_MODALITY = re.compile(r"\b(audio|image|video)\b", re.IGNORECASE)
_TIER = re.compile(r"\b(batch|flex|priority)\b", re.IGNORECASE)
_LENGTH = re.compile(r"\b(short|long)\b", re.IGNORECASE)
_SEARCH = re.compile(r"\bgrounding\b.*\bsearch\b|\bsearch\b.*\bgrounding\b|\bsearch quer", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sku:
    """Each part is None where the text does not tell it.

    `token_type` is input_tokens, cached_input_tokens or output_tokens, with what is no text in it: audio_input_tokens.
    """

    model: str | None = None
    token_type: str | None = None
    cost_type: str | None = None
    tier: str | None = None
    dimensions: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


def read_sku(text: str) -> Sku:
    """Read a SKU's description: both "Generate content output token count gemini 2.5 flash short input text" and
    "Gemini 3.8 Flash Global Text Input Priority - Predictions"."""
    found = _MODEL.search(text)
    rest = text if found is None else text[: found.start()] + " " + text[found.end() :]
    token_type = _token_type(rest) if found else None
    length = _LENGTH.search(rest)
    tier = _TIER.search(rest)
    dimensions = {"context": length[1].lower()} if length else {}
    cost_type = "tokens" if token_type else "web_search" if _SEARCH.search(text) else None
    return Sku(
        model=_model(found) if found else None,
        token_type=token_type,
        cost_type=cost_type,
        tier=tier[1].lower() if tier else None,
        dimensions=dimensions,
    )


def _model(found: re.Match[str]) -> str:
    """As the API spells it: gemini-2.5-flash-lite."""
    parts = [found["family"]]
    if found["version"] is None:
        parts += ["embedding", found["embedding"]]
    else:
        variants = re.split(r"[ -]+", found["variants"].strip(" -"))
        # Ids have ".0" up to the second generation: gemini-2.0-flash, gemini-3-pro.
        version = found["version"]
        version = version if version[:2] in ("1.", "2.") else version.removesuffix(".0")
        parts += [version, found["size"], found["lite"], *variants]
    return "-".join(part.lower() for part in parts if part)


def _token_type(rest: str) -> str | None:
    """The side that is named first is the one that is counted: "output token count … short input text"."""
    if _STORAGE.search(rest):
        return None
    cached, modality, found = _CACHED.search(rest), _MODALITY.search(rest), _SIDE.search(rest)
    if not found and not cached:
        return None
    side = found[1].lower() if found else "input"
    parts = ("cached" if cached and side == "input" else "", modality[1].lower() if modality else "", side, "tokens")
    return "_".join(part for part in parts if part)
