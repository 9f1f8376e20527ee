"""From the path that a caller asked for to the provider, the path to send there, and what is metered.

The target is the caller's path and query, byte for byte. A path is refused, never mended, when some server could read
it as leaving the base URL: dot segments in any encoding, empty segments, backslashes, controls, absolute addresses.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from guardian.gateway.dialects import Dialect
from guardian.gateway.routes import route
from guardian.models.enums import Provider
from guardian.providers.inference import Endpoint

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_BASES: tuple[tuple[bytes, Provider], ...] = (
    (b"/openai/v1", Provider.OPENAI),
    (b"/anthropic", Provider.ANTHROPIC),
    (b"/google", Provider.GOOGLE),
    (b"/xai/v1", Provider.XAI),
    (b"/perplexity", Provider.PERPLEXITY),
)
_CUSTOM = re.compile(rb"/custom/([^/]+)/v1(/.*)")
# RFC 3986, 3.3: segments of pchar, none of them empty but the last; every % with two digits.
_SEGMENTS = re.compile(rb"(?:/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})+)+/?")
# More than RFC 3986 allows, as clients send it; no controls, no spaces, no fragment.
_QUERY = re.compile(rb"[!\"$-~]*")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\\]")
# A name that is encoded this often is an attack: %252525252e.
_MOST_DECODINGS = 4
# No vendor's path comes near; resolved ones are remembered, also those that somebody makes up.
_LONGEST_PATH = 2_048
_LONGEST_QUERY = 8_192


class Asked(NamedTuple):
    """One request, resolved. `target` is the path and query below the base URL; it begins with a slash.

    `label` names a CUSTOM key. `endpoint` None: forwarded, not metered. `model`, `streamed` and `in_array` (a stream as
    one JSON array, without alt=sse) are said by Google's paths only; `polled` is the id of work that an earlier request
    began: all answers about it are one call, and one without usage means that the work goes on.
    """

    provider: Provider
    label: str | None
    target: bytes
    dialect: Dialect
    endpoint: Endpoint | None
    model: str | None
    streamed: bool
    polled: str | None

    @property
    def in_array(self) -> bool:
        return self.streamed and b"alt=sse" not in self.target.partition(b"?")[2].lower().split(b"&")


def resolve(method: str, raw_path: bytes, query: bytes = b"") -> Asked | None:
    """What a request asks for; None when no provider is meant, or its path could lead out of the base URL.

    `raw_path` is as it came over the wire, not decoded, without the query (ASGI's raw_path and query_string).
    """
    found = _resolve(method, raw_path)
    if found is None or not query:
        return found
    if not _QUERY.fullmatch(query) or len(query) > _LONGEST_QUERY:
        return None
    return found._replace(target=found.target + b"?" + query)


def without_key(asked: Asked) -> tuple[bytes | None, Asked]:
    """The token that a caller of Google's API may have put into the query (?key=…), and the request without it.

    It is a secret of ours and must not go out; the vault's key goes in a header.
    """
    path, mark, query = asked.target.partition(b"?")
    if not mark or asked.provider is not Provider.GOOGLE:
        return None, asked
    found: bytes | None = None
    kept: list[bytes] = []
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if unquote_to_bytes(name).lower() == b"key":
            found = found or unquote_to_bytes(value)
        else:
            kept.append(part)
    return found, asked._replace(target=path + mark + b"&".join(kept) if kept else path)


def dialect_of(raw_path: bytes) -> Dialect:
    """The dialect to refuse a path in that does not resolve."""
    if raw_path.startswith(b"/anthropic"):
        return "anthropic"
    return "google" if raw_path.startswith(b"/google") else "openai"


@lru_cache(maxsize=4_096)
def _resolve(method: str, raw_path: bytes) -> Asked | None:
    base = _base(raw_path)
    if base is None or method not in METHODS or len(raw_path) > _LONGEST_PATH:
        return None
    provider, label, target = base
    plain = decoded(target)
    if plain is None:
        return None
    found = route(provider, method, plain)
    return Asked(provider, label, target, found.dialect, found.endpoint, found.model, found.streamed, found.polled)


def _base(raw_path: bytes) -> tuple[Provider, str | None, bytes] | None:
    """The provider, the label of a CUSTOM one, and the rest of the path."""
    for base, provider in _BASES:
        if raw_path.startswith(base + b"/"):
            return provider, None, raw_path[len(base) :]
    custom = _CUSTOM.fullmatch(raw_path)
    if custom is None:
        return None
    try:
        label = unquote_to_bytes(custom[1]).decode()
    except UnicodeDecodeError:
        return None
    return Provider.CUSTOM, label, custom[2]


def decoded(target: bytes) -> str | None:
    """The path with all of its encoding undone; None when any server on the way could see it leave its folder.

    Servers decode none, one or several times, drop parameters after a semicolon, and fold full-width letters: no
    stage of that may show a dot segment, an empty segment, a backslash or a control character.
    """
    if not _SEGMENTS.fullmatch(target):
        return None
    stage = target
    for _ in range(_MOST_DECODINGS):
        try:
            text = stage.decode()
        except UnicodeDecodeError:  # also the overlong forms: %c0%ae
            return None
        if not (_stays(text) and (text.isascii() or _stays(unicodedata.normalize("NFKC", text)))):
            return None
        following = unquote_to_bytes(stage)
        if following == stage:
            return text
        stage = following
    return None


def _stays(path: str) -> bool:
    if _CONTROLS.search(path):
        return False
    segments = [each.partition(";")[0].strip() for each in path[1:].split("/")]
    return all(each not in ("", ".", "..") for each in segments[:-1]) and segments[-1] not in (".", "..")
