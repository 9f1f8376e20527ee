"""Where a caller's token stands in a request, whichever SDK or other gateway's convention it follows."""

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode

from guardian.gateway.http.headers import Header

_PREFIX = b"gdn_"
_BEARER = b"bearer "
# The vendors' own SDKs, Azure's, and the headers in which Helicone, Portkey and Bifrost take theirs.
PLACES = (
    b"authorization",
    b"x-api-key",
    b"x-goog-api-key",
    b"api-key",
    b"helicone-auth",
    b"x-portkey-api-key",
    b"x-bf-vk",
)
_PLACES = frozenset(PLACES)
# Headers with the caller's own credentials, which never go out.
CREDENTIALS = _PLACES | {b"cookie"}


def token_of(headers: Iterable[Header], query: bytes) -> str | None:
    """The first token of ours in any of these headers, or in Google's `key` parameter; names are in lower case."""
    for name, value in headers:
        if name in _PLACES:
            bare = value[7:].lstrip() if value[:7].lower() == _BEARER else value
            if bare.startswith(_PREFIX):
                return bare.decode("latin-1").strip()
    if b"key=gdn_" in query:
        return next((value for name, value in parse_qsl(query.decode("latin-1")) if name == "key"), None)
    return None


def without_token(query: bytes) -> bytes:
    """The query without Google's `key`, which holds a token of ours."""
    if b"key=" not in query:
        return query
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    if not any(name == "key" for name, _ in pairs):
        return query
    return urlencode([pair for pair in pairs if pair[0] != "key"], encoding="latin-1").encode("latin-1")
