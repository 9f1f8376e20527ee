"""Bodies: read whole within a bound, and unpacked within another, so that a small file cannot fill the memory."""

import zlib
from typing import NamedTuple

from starlette.types import Receive

from guardian.errors import ApiError, ValidationError

GZIP = 16 + zlib.MAX_WBITS


class Bounds(NamedTuple):
    """Most bytes as sent, and most bytes unpacked."""

    sent: int
    unpacked: int


async def read(receive: Receive, bounds: Bounds) -> bytes:
    """The body as it was sent. Raises ApiError (413)."""
    message = await receive()
    body = message.get("body", b"")
    if message.get("more_body", False):
        whole = bytearray(body)
        while message.get("more_body", False) and message["type"] == "http.request":
            message = await receive()
            whole += message.get("body", b"")
            if len(whole) > bounds.sent:
                raise _too_large(bounds.sent)
        body = bytes(whole)
    if len(body) > bounds.sent:
        raise _too_large(bounds.sent)
    return body


def unpacked(body: bytes, encoding: str, bounds: Bounds) -> bytes:
    """The body without its Content-Encoding. Raises ApiError (413, 415) and ValidationError for what is broken."""
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise ApiError("Send the body as it is, or packed with gzip.", 415, "UNSUPPORTED_MEDIA_TYPE")
    parts: list[bytes] = []
    room = bounds.unpacked
    try:
        while body:
            unpacking = zlib.decompressobj(GZIP)
            part = unpacking.decompress(body, room + 1)
            if len(part) > room:
                raise _too_large(bounds.unpacked)
            if not unpacking.eof:
                raise ValidationError("The gzip body is cut short.")
            parts.append(part)
            room -= len(part)
            body = unpacking.unused_data
    except zlib.error:
        raise ValidationError("The body is no gzip, although its Content-Encoding says so.") from None
    return b"".join(parts)


def _too_large(most: int) -> ApiError:
    return ApiError(f"The request is larger than {most:,} bytes. Send fewer events at once.", 413, "PAYLOAD_TOO_LARGE")
