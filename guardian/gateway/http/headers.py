"""The head of a request as bytes: framing is ours alone, and no value can begin another header or request."""

import re
from collections.abc import Iterable

Header = tuple[bytes, bytes]

# RFC 9110, 7.6.1, and what frames a message or names its place: of one connection, never of the next.
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# On what the gateway answers itself, as on what the web process does. What a provider answers keeps its own headers.
OF_OWN_ANSWERS: tuple[Header, ...] = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_OURS = HOP_BY_HOP | {b"host", b"content-length", b"expect"}
# What the gateway says of a call, which a provider cannot say: one behind a gateway of its own would.
_SAID_HERE = frozenset({b"x-guardian-request-id", b"x-guardian-cost-usd"})
_NOT_PASSED_ON = HOP_BY_HOP | _SAID_HERE
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_TARGET = re.compile(rb"/(?!/)[!-~]*")
# What was decided about each name; callers could make up new ones without end.
_kept: dict[bytes, bool] = {}
_MOST_NAMES = 2_048


def head(
    method: bytes, target: bytes, host: bytes, headers: Iterable[Header], length: int | None, *, framed: bool
) -> bytes:
    """The request line and headers. `length` None: chunked, where the request is `framed` (has a body) at all.

    Host, Content-Length, Transfer-Encoding and the other headers of a connection among `headers` are left out. Raises
    ValueError for a name, a value or a target that would break out of its line.
    """
    if not _TARGET.fullmatch(target):
        raise ValueError("The path of a request begins with one slash and has no spaces.")
    lines = [method, b" ", target, b" HTTP/1.1\r\nhost: ", host]
    count = 2
    for name, value in headers:
        kept = _kept.get(name)
        if kept is None:
            kept = _decide(name)
        if kept:
            lines += (b"\r\n", name, b": ", value)
            count += 1
    if framed:
        lines.append(b"\r\ntransfer-encoding: chunked" if length is None else b"\r\ncontent-length: %d" % length)
        count += 1
    lines.append(b"\r\n\r\n")
    found = b"".join(lines)
    count += 1
    if found.count(b"\n") != count or found.count(b"\r") != count or b"\x00" in found:
        raise ValueError("A header or the path of this request contains a line break.")
    return found


def end_to_end(headers: Iterable[Header]) -> list[Header]:
    """What a proxy passes on: without the headers of a connection, also those that Connection names, and our own."""
    kept = list(headers)
    dropped = _NOT_PASSED_ON
    named = [value for name, value in kept if name.lower() == b"connection"]
    if named:
        dropped = dropped | {each.strip().lower() for value in named for each in value.split(b",")}
    return [(name, value) for name, value in kept if name.lower() not in dropped]


def _decide(name: bytes) -> bool:
    if not _NAME.fullmatch(name):
        raise ValueError("A header of this request has a name that is none.")
    if len(_kept) >= _MOST_NAMES:
        _kept.clear()
    kept = _kept[name] = name.lower() not in _OURS
    return kept
