"""The head of an answer as bytes, and how its body is framed: by its length, in chunks, or by the connection's end."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple

from guardian.gateway.http.headers import OF_OWN_ANSWERS, Header

_CLOSES, _CHUNKED, _END = b"connection: close\r\n", b"transfer-encoding: chunked\r\n", b"\r\n"
_LINES = {
    status: b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())
    for status in map(int, HTTPStatus)  # others have no phrase
}
_BODILESS = frozenset({204, 304})


class Framed(NamedTuple):
    """`length` is what the body has to have: None for one in chunks, or one that ends with the connection."""

    head: bytes
    length: int | None
    chunked: bool
    closes: bool


def frame(status: int, headers: Iterable[Header], *, method: str, old: bool, closes: bool) -> Framed:
    """Names of `headers` may have any case. `old` is HTTP/1.0, which has no chunks; `closes` ends the connection.

    Raises ValueError for a header that would break out of its line.
    """
    pieces = [_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
    length: int | None = None
    count = 1
    for name, value in headers:
        size = len(name)
        if size == 14 and name.lower() == b"content-length":
            length = int(value)
        elif size == 17 and name.lower() == b"transfer-encoding":
            continue  # ours to say
        elif size == 10 and name.lower() == b"connection":
            closes = closes or value.lower() == b"close"
            continue
        pieces += (name, b": ", value, _END)
        count += 1
    bodiless = method == "HEAD" or status in _BODILESS
    chunked = length is None and not bodiless and not old
    if chunked:
        pieces.append(_CHUNKED)
        count += 1
    elif length is None and not bodiless:
        closes = True
    if closes:
        pieces.append(_CLOSES)
        count += 1
    pieces.append(_END)
    head = b"".join(pieces)
    if head.count(b"\n") != count + 1 or head.count(b"\r") != count + 1 or b"\x00" in head:
        raise ValueError("A header of this answer contains a line break.")
    return Framed(head, 0 if bodiless else length, chunked, closes)


def plain(status: int, message: str) -> bytes:
    """A whole answer in plain text, the last one of its connection."""
    body = f"{message}\n".encode()
    kind, length = (b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))
    headers = (kind, length, *OF_OWN_ANSWERS)
    return frame(status, headers, method="GET", old=False, closes=True).head + body
