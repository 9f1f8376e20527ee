"""The session cookie on its way into the pages: sealed at the door, so that no State and no Redis ever holds it.

Reflex keeps the headers of a WebSocket's handshake in the page's state, which lives in Redis. The database knows only a
hash of the cookie's token; the state must not know more.
"""

from http.cookies import CookieError, SimpleCookie

from starlette.types import ASGIApp, Receive, Scope, Send

from guardian.crypto import encryption
from guardian.errors import DecryptionError

COOKIE_NAME = "guardian_session"


class SealedCookie:
    """ASGI middleware: of a WebSocket handshake's cookies only ours remains, and it is sealed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            headers: list[tuple[bytes, bytes]] = scope["headers"]
            found = "; ".join(value.decode("latin-1") for name, value in headers if name == b"cookie")
            token = _value(found)
            kept = [(name, value) for name, value in headers if name != b"cookie"]
            sealed = [(b"cookie", seal(token).encode())] if token else []
            scope = {**scope, "headers": [*kept, *sealed]}
        await self._app(scope, receive, send)


def seal(token: str) -> str:
    """The Cookie header that a State sees in place of the token."""
    sealed = encryption().encrypt(token)
    return f"{COOKIE_NAME}={sealed.key_id}.{sealed.iv}.{sealed.tag}.{sealed.encrypted_data}"


def session_token(header: str) -> str | None:
    """The token in a header that `seal` wrote; None without one, and when its key is no longer in the ring."""
    parts = (_value(header) or "").split(".")
    if len(parts) != 4:
        return None
    key_id, iv, tag, data = parts
    try:
        return encryption().decrypt(data, iv, tag, key_id)
    except DecryptionError:
        return None


def _value(header: str) -> str | None:
    try:
        found = SimpleCookie(header).get(COOKIE_NAME)
    except CookieError:
        return None
    return found.value if found else None
