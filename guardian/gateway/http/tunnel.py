"""A connection through the proxy that HTTPS_PROXY or HTTP_PROXY names: a tunnel that CONNECT asks for.

RFC 9110, 9.3.6. An address that begins with http:// is reached through a tunnel, too.
"""

import asyncio
from base64 import b64encode
from contextlib import suppress
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

from guardian import wire
from guardian.gateway.http import tls
from guardian.gateway.http.connection import Connection
from guardian.gateway.http.failures import ConnectFailed
from guardian.gateway.http.upstream import Upstream

_MOST_HEAD = 16 * 1024
_END = b"\r\n\r\n"


class Proxy(NamedTuple):
    """`word` is what Proxy-Authorization says, b"" where the environment has no user for it."""

    host: str
    port: int
    word: bytes

    @classmethod
    def of(cls, upstream: Upstream) -> Self | None:
        """What the environment says for this server, NO_PROXY included. Raises ConnectFailed for what is no proxy."""
        host = f"[{upstream.host}]" if ":" in upstream.host else upstream.host
        told = wire.proxy_for(f"{upstream.scheme}://{host}:{upstream.port}")
        if told is None:
            return None
        parts = urlsplit(told if "://" in told else f"http://{told}")
        port: int | None = None
        with suppress(ValueError):
            port = parts.port or 80
        if parts.scheme != "http" or not parts.hostname or port is None:
            raise ConnectFailed("HTTPS_PROXY or HTTP_PROXY is no address that looks like http://host:port.")
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
        return cls(parts.hostname, port, b"Basic " + b64encode(user.encode()) if user else b"")


class _Asking(asyncio.Protocol):
    """Waits for the proxy's word: `answered` gives its status, 0 for none that is HTTP."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        if self._head.endswith(_END) or len(self._head) > _MOST_HEAD or _END in self._head:
            words = self._head.split(b" ", 2)
            right = self._head.startswith(b"HTTP/1.") and len(words) > 1 and words[1][:3].isdigit()
            self._tell(int(words[1][:3]) if right else 0)

    def connection_lost(self, exc: Exception | None) -> None:
        self._tell(0)

    def _tell(self, status: int) -> None:
        if not self.answered.done():
            self.answered.set_result(status)


async def dig(proxy: Proxy, upstream: Upstream, connection: Connection) -> asyncio.BaseTransport:
    """Connect `connection` to the upstream; gives the socket's own transport. Raises ConnectFailed, and OSError for
    what goes wrong behind the proxy.
    """
    loop = asyncio.get_running_loop()
    try:
        transport, asking = await loop.create_connection(_Asking, proxy.host, proxy.port)
    except OSError as error:
        why = error.strerror or type(error).__name__
        message = f"The outbound proxy {proxy.host}:{proxy.port} cannot be connected to: {why}. Check HTTPS_PROXY."
        raise ConnectFailed(message) from None
    try:
        transport.write(_request(proxy, upstream))
        status = await asking.answered
        if not 200 <= status < 300:
            said = f"it answered {status}" if status else "it does not speak HTTP"
            raise ConnectFailed(
                f"The outbound proxy did not connect to {upstream.host}: {said}. Check HTTPS_PROXY and NO_PROXY."
            )
        if upstream.scheme == "https":
            context = tls.context(upstream.verify_tls)
            secure = await loop.start_tls(transport, connection, context, server_hostname=upstream.host)
            if secure is None:
                raise ConnectFailed(f"{upstream.host} closed the connection while it was made.")
            connection.connection_made(secure)
        else:
            transport.set_protocol(connection)
            connection.connection_made(transport)
    except BaseException:
        transport.abort()
        raise
    return transport


def _request(proxy: Proxy, upstream: Upstream) -> bytes:
    host = f"[{upstream.host}]" if ":" in upstream.host else upstream.host
    place = f"{host}:{upstream.port}".encode()
    word = b"proxy-authorization: " + proxy.word + b"\r\n" if proxy.word else b""
    return b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (place, place, word)
