"""From an upstream to an open connection: addresses looked up, checked and tried in turn, TLS under the host's name.

Where the environment names a proxy for it, the connection goes through that one, as those of the adapters do: names are
then the proxy's to look up, and an address that a user gave is checked by what this machine's DNS says of it.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import TypeVar

from guardian import outbound
from guardian.errors import OutboundRefused
from guardian.gateway.http import tls
from guardian.gateway.http.connection import Connection
from guardian.gateway.http.failures import AddressRefused, ConnectFailed, TlsFailed, UpstreamFailure
from guardian.gateway.http.tunnel import Proxy, dig
from guardian.gateway.http.upstream import Upstream

T = TypeVar("T")

# For how long an address is believed; a name that moves is followed, and no call waits for the DNS in between.
_ADDRESS_SECONDS = 30.0
# An address that does not answer leaves time for the next one (an IPv6 route that leads nowhere).
_SHARE_SECONDS = 1.5


class Connector:
    """Opens connections within `seconds` each. `allowed` are the entries of OUTBOUND_ALLOWLIST."""

    def __init__(self, seconds: float, allowed: Sequence[str]) -> None:
        self._seconds = seconds
        self._allowed = tuple(allowed)
        self._addresses: dict[tuple[str, int, bool], tuple[float, list[str]]] = {}

    async def open(self, upstream: Upstream, make: Callable[[], Connection]) -> Connection:
        """Raises ConnectFailed, AddressRefused or TlsFailed."""
        try:
            async with asyncio.timeout(self._seconds):
                if (proxy := Proxy.of(upstream)) is not None:
                    return await self._through(proxy, upstream, make)
                return await self._try_all(upstream, await self._look_up(upstream), make)
        except TimeoutError:
            raise ConnectFailed(f"{upstream.host} cannot be connected to within {self._seconds:g} s.") from None

    async def _through(self, proxy: Proxy, upstream: Upstream, make: Callable[[], Connection]) -> Connection:
        await asyncio.to_thread(self._check, upstream)
        connection = make()
        _tune((await _named(upstream, dig(proxy, upstream, connection))).get_extra_info("socket"))
        return connection

    def _check(self, upstream: Upstream) -> None:
        """Raises AddressRefused. A name that only the proxy knows is the proxy's to judge."""
        if upstream.scheme == "https":
            tls.context(upstream.verify_tls)
        if upstream.checked:
            try:
                outbound.reachable(upstream.host, upstream.port, self._allowed)
            except OutboundRefused as error:
                raise AddressRefused(error.message) from None
            except OSError:
                return

    async def _try_all(
        self, upstream: Upstream, addresses: Sequence[str], make: Callable[[], Connection]
    ) -> Connection:
        failure: UpstreamFailure = ConnectFailed(f"{upstream.host} has no address.")
        for number, address in enumerate(addresses, 1):
            try:
                async with asyncio.timeout(None if number == len(addresses) else _SHARE_SECONDS):
                    return await _connect(upstream, address, make)
            except TimeoutError:
                failure = ConnectFailed(f"{upstream.host} cannot be connected to.")
            except UpstreamFailure as error:
                failure = error
        self._addresses.pop((upstream.host, upstream.port, upstream.checked), None)
        raise failure

    async def _look_up(self, upstream: Upstream) -> list[str]:
        key = (upstream.host, upstream.port, upstream.checked)
        known = self._addresses.get(key)
        if known is not None and known[0] > monotonic():
            return known[1]
        try:
            found = await asyncio.to_thread(self._resolve, upstream)
        except OutboundRefused as error:
            raise AddressRefused(error.message) from None
        except (OSError, UnicodeError):
            raise ConnectFailed(f"{upstream.host} is not known to the DNS.") from None
        self._addresses[key] = (monotonic() + _ADDRESS_SECONDS, found)
        return found

    def _resolve(self, upstream: Upstream) -> list[str]:
        if upstream.scheme == "https":
            tls.context(upstream.verify_tls)  # read from the disk here, not in the event loop
        if upstream.checked:
            return outbound.reachable(upstream.host, upstream.port, self._allowed)
        found = socket.getaddrinfo(upstream.host, upstream.port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(each[4][0]) for each in found))


async def _connect(upstream: Upstream, address: str, make: Callable[[], Connection]) -> Connection:
    secure = upstream.scheme == "https"
    opening = asyncio.get_running_loop().create_connection(
        make,
        address,
        upstream.port,
        ssl=tls.context(upstream.verify_tls) if secure else None,
        server_hostname=upstream.host if secure else None,
    )
    transport, connection = await _named(upstream, opening)
    _tune(transport.get_extra_info("socket"))
    return connection


async def _named(upstream: Upstream, opening: Awaitable[T]) -> T:
    """What it gives, or by name what went wrong."""
    try:
        return await opening
    except ssl.SSLCertVerificationError as error:
        raise TlsFailed(f"The certificate of {upstream.host} is not valid: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise TlsFailed(
            f"{upstream.host} does not speak TLS as expected: {error.reason or 'handshake failed'}."
        ) from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConnectFailed(f"{upstream.host} cannot be connected to: {why}.") from None


def _tune(found: socket.socket | None) -> None:
    """No waiting for fuller packets; and a peer that vanished during a long silence is noticed after some minutes."""
    if found is None or found.family not in (socket.AF_INET, socket.AF_INET6):
        return
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 60), ("TCP_KEEPCNT", 5)):
        if hasattr(socket, name):
            found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
