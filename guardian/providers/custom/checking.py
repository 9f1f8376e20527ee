"""Checks what people give with a CUSTOM key, field by field, and brings it into the form in which it is kept."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast
from urllib.parse import parse_qsl, urlsplit

from guardian.errors import ValidationError
from guardian.providers.custom.fields import BEARER, DEEPSEEK, KEY_FIELDS, OPENROUTER, PLAIN

BASE_URLS = {OPENROUTER: "https://openrouter.ai/api/v1", DEEPSEEK: "https://api.deepseek.com/v1"}
LONGEST_TIMEOUT = 600
_MOST_HEADERS = 20
_MOST_TEXT = 2_000
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110, 5.6.2
_DOTTED = re.compile(r"[\w-]+(\.[\w-]+)*")
# Of the connection, not of the caller.
_OURS = {
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "accept-encoding",
}
_SECRET_NAME = re.compile(r"auth|key|token|secret|cookie|password|credential", re.IGNORECASE)
_FIELDS = {each.name: each for each in KEY_FIELDS}
SECRETS = "secretHeaders"
_USAGE = "usage"


def clean(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a key's metadata: texts, the `headers` as an object, and the settings of `usage` as another.

    Takes it as a form has it (headers as lines, "usage.cost") or as it is kept; names that are not of KEY_FIELDS are
    left out. Of the secret headers only the names are kept, as a list. Raises ValidationError with the field's name.
    """
    given = _flat(metadata)
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name in _FIELDS and value not in (None, "", {}, []):
            found[name] = _CHECKS.get(name, _text)(name, value)
    found["preset"] = found.get("preset", PLAIN)
    found["baseUrl"] = found.get("baseUrl") or BASE_URLS.get(found["preset"]) or _wrong("baseUrl", "Give the base URL.")
    found["authScheme"] = found.get("authScheme", BEARER)
    usage = {name.partition(".")[2]: found.pop(name) for name in list(found) if name.startswith(f"{_USAGE}.")}
    return {**found, **({_USAGE: usage} if usage else {})}


def check_names(metadata: Mapping[str, Any]) -> None:
    """Raises ValidationError for a name that no field has."""
    for name in _flat(metadata):
        if name not in _FIELDS:
            _wrong(name, f"This is no setting of a custom provider. There are {', '.join(_FIELDS)}.")


def secret_headers(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The headers that are to be sealed; none where only their names are left. Raises ValidationError."""
    given: object = metadata.get(SECRETS)
    return {} if not given or isinstance(given, list) else _headers(SECRETS, given)


def _flat(metadata: Mapping[str, Any]) -> dict[str, Any]:
    usage: object = metadata.get(_USAGE)
    flat: dict[str, Any] = {}
    if isinstance(usage, Mapping):
        flat = {f"{_USAGE}.{name}": value for name, value in cast("Mapping[str, Any]", usage).items()}
    return flat | {name: value for name, value in metadata.items() if name != _USAGE}


def _text(name: str, value: Any) -> str:
    """A text on one line; of a field with choices, one of them."""
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > _MOST_TEXT or not text.isprintable():
        _wrong(name, f"Use a text of at most {_MOST_TEXT} characters, on one line.")
    choices = [each for each, _ in _FIELDS[name].choices]
    if choices and text not in choices:
        _wrong(name, f"Choose one of {', '.join(filter(None, choices))}.")
    return text


def _base_url(name: str, value: Any) -> str:
    text = _text(name, value).rstrip("/")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        _wrong(name, "This is no address. It looks like https://host/path.")
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in text or not text.isascii():
        _wrong(name, "This is no address. It looks like https://host/path.")
    if parts.username is not None or parts.password is not None:
        _wrong(name, "The address can be read by everybody: give the credentials as the key or as a secret header.")
    if parts.query or parts.fragment:
        _wrong(name, "Give what follows the ? as query parameters.")
    return text if parts.path else f"{text}/v1"


def _path(name: str, value: Any) -> str:
    text = _text(name, value)
    if not text.startswith("/") or text.startswith("//") or " " in text or not text.isascii():
        _wrong(name, "A path begins with a slash, as in /models.")
    return text


def _header_name(name: str, value: Any) -> str:
    text = _text(name, value)
    if not _TOKEN.fullmatch(text) or text.lower() in _OURS:
        _wrong(name, "This is no name of a header that can be sent.")
    return text


def _dotted(name: str, value: Any) -> str:
    text = _text(name, value)
    if not _DOTTED.fullmatch(text):
        _wrong(name, "Give a path of names with dots between them, as in usage.cost.")
    return text


def _timeout(name: str, value: Any) -> str:
    text = _text(name, str(value))
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= LONGEST_TIMEOUT:
        _wrong(name, f"Give whole seconds from 1 to {LONGEST_TIMEOUT}.")
    return text


def _query(name: str, value: Any) -> str:
    text = _text(name, value)
    for parameter, _ in parse_qsl(text, keep_blank_values=True):
        if _SECRET_NAME.search(parameter):
            _wrong(name, f"{parameter} looks like a secret, and everybody can read these: send it as a secret header.")
    return text


def _open_headers(name: str, value: Any) -> dict[str, str]:
    found = _headers(name, value)
    for header in found:
        if _SECRET_NAME.search(header):
            _wrong(name, f"{header} looks like a secret, and these headers can be read: make it a secret header.")
    return found


def _secret_names(name: str, value: Any) -> list[str]:
    names = cast("list[Any]", value) if isinstance(value, list) else list(_headers(name, value))
    return sorted(_header_name(name, each) for each in names)


def _lines(name: str, value: Any) -> list[str]:
    """The lines of a text, or a list of them. What prices mean is checked where prices are known."""
    lines: list[Any] = cast("list[Any]", value) if isinstance(value, list) else str(value).splitlines()
    return [_text(name, line) for line in lines if line != ""]


def _headers(name: str, value: Any) -> dict[str, str]:
    """Headers from "Name: value" lines, or from an object."""
    pairs: list[tuple[str, str]] = []
    if isinstance(value, Mapping):
        pairs = [(str(header), str(text)) for header, text in cast("Mapping[Any, Any]", value).items()]
    else:
        for line in str(value).splitlines():
            header, colon, text = line.partition(":")
            if not colon and line.strip():
                _wrong(name, "Write one header a line, as in X-Team: search.")
            if colon:
                pairs.append((header, text))
    found: dict[str, str] = {}
    for header, text in pairs:
        clean_text = text.strip()
        if not clean_text.isascii() or not clean_text.isprintable() or not 1 <= len(clean_text) <= _MOST_TEXT:
            _wrong(name, "The value of a header is a text of ASCII characters.")
        found[_header_name(name, header.strip())] = clean_text
    if len(found) > _MOST_HEADERS:
        _wrong(name, f"Give at most {_MOST_HEADERS} headers.")
    return found


def _wrong(name: str, message: str) -> NoReturn:
    label = _FIELDS[name].label if name in _FIELDS else name[:50]
    raise ValidationError(f"{label}: {message}", details=[{"field": f"metadata.{name}"[:100], "message": message}])


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "prices": _lines,
    "baseUrl": _base_url,
    "authHeader": _header_name,
    "headers": _open_headers,
    "query": _query,
    SECRETS: _secret_names,
    "modelsPath": _path,
    "usage.cost": _dotted,
    "usage.cached": _dotted,
    "timeout": _timeout,
}
