"""Bodies of requests: read whole once, within a bound and of the right type, and given on to be read again."""

from fastapi import Request
from starlette.types import Message

from guardian.api.requests.json_text import require_sound_json
from guardian.errors import ApiError

MAX_BODY_BYTES = 1_000_000


async def read_body(request: Request, *, form: bool) -> bytes:
    """The whole body. Raises ApiError: 413 when it is too large, 415 when it is neither empty nor of the right type,
    400 when it is JSON that could be read in two ways.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise ApiError(f"The request is larger than {MAX_BODY_BYTES:,} bytes.", 413, "PAYLOAD_TOO_LARGE")
        chunks.append(chunk)
    body = b"".join(chunks)
    if body:
        _require_kind(request, "application/x-www-form-urlencoded" if form else "application/json")
        if not form:
            require_sound_json(body)
    return body


def _require_kind(request: Request, wanted: str) -> None:
    sent, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    if sent.strip() != wanted:
        raise ApiError(f"Send the body as {wanted}.", 415, "UNSUPPORTED_MEDIA_TYPE")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ApiError("Send the body as it is, without Content-Encoding.", 415, "UNSUPPORTED_MEDIA_TYPE")
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(' "')
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise ApiError("Send the body in UTF-8.", 415, "UNSUPPORTED_MEDIA_TYPE")


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
