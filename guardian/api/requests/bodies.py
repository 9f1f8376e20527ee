"""Bodies of requests: read whole once, within a bound and of the right type, and given on to be read again."""

from fastapi import Request
from starlette.types import Message

from guardian.errors import ApiError

MAX_BODY_BYTES = 1_000_000


async def read_body(request: Request, *, form: bool) -> bytes:
    """The whole body. Raises ApiError (413, 415) when it is too large, or neither empty nor of the right type."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise ApiError(f"The request is larger than {MAX_BODY_BYTES:,} bytes.", 413, "PAYLOAD_TOO_LARGE")
        chunks.append(chunk)
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = "application/x-www-form-urlencoded" if form else "application/json"
    if size and sent != wanted:
        raise ApiError(f"Send the body as {wanted}.", 415, "UNSUPPORTED_MEDIA_TYPE")
    return b"".join(chunks)


def replayed(request: Request, body: bytes) -> Request:
    """The same request for somebody who reads its body again."""
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return await request.receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)
