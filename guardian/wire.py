"""The wire below our HTTP clients: an httpx transport in which no step outlives the deadline of the whole call."""

import socket
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

# Gives the addresses that a host and port may be connected to. Raises OutboundRefused, socket.gaierror.
Guard = Callable[[str, int], Sequence[str]]

# httpx's own read timeout starts anew with every byte, so an answer that trickles would hold a worker for hours.
# Sockets are told the rest of the whole call's time instead.
_deadline: ContextVar[float | None] = ContextVar("call_deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Generator[None]:
    """Within this block no read, write or connect of a DeadlineTransport waits past `seconds` from now."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def _rest(timeout: float | None, expired: type[httpcore.TimeoutException]) -> float | None:
    """The smaller of `timeout` and what is left until the deadline. Raises `expired` when nothing is left."""
    ends = _deadline.get()
    if ends is None:
        return timeout
    left = ends - time.monotonic()
    if left <= 0:
        raise expired("the time of the whole call is over")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _rest(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _rest(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _rest(timeout, httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Plain sockets whose waits end at the deadline, to the addresses that `guard` lets through."""

    def __init__(self, guard: Guard | None = None) -> None:
        self._sockets = httpcore.SyncBackend()
        self._guard = guard

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        *others, last = self._addresses(host, port)
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._connect(address, port, timeout, local_address, socket_options)
        return self._connect(last, port, timeout, local_address, socket_options)

    def _connect(
        self,
        host: str,
        port: int,
        timeout: float | None,
        local_address: str | None,
        socket_options: Iterable[Any] | None,
    ) -> httpcore.NetworkStream:
        rest = _rest(timeout, httpcore.ConnectTimeout)
        return _Stream(self._sockets.connect_tcp(host, port, rest, local_address, socket_options))

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        if self._guard is None:
            return [host]
        try:
            return self._guard(host, port)
        except OSError as error:  # as httpcore's own look-up of a name fails
            raise httpcore.ConnectError(error) from error


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


@lru_cache(maxsize=2)
def _trust(verify: bool) -> SSLContext:
    """Loading the certificates takes some 20 ms: once per process. SSL_CERT_FILE and SSL_CERT_DIR are honoured."""
    return httpx.create_ssl_context(verify=verify)


def proxy_for(base_url: str) -> str | None:
    """HTTPS_PROXY or HTTP_PROXY, where the environment names one for this address."""
    target = urlsplit(base_url)
    proxy = getproxies().get(target.scheme)
    return None if proxy is None or proxy_bypass(target.hostname or "") else proxy


def _pool(proxy: str | None, guard: Guard | None, verify: bool) -> httpcore.ConnectionPool:
    """A pool of keep-alive connections, straight or through a proxy."""
    if proxy is None:
        return httpcore.ConnectionPool(
            _trust(verify), max_connections=4, keepalive_expiry=30, network_backend=_Backend(guard)
        )
    url = httpx.URL(proxy if "://" in proxy else f"http://{proxy}")
    return httpcore.HTTPProxy(
        str(url.copy_with(userinfo=b"")),
        proxy_auth=(url.username, url.password) if url.userinfo else None,
        ssl_context=_trust(verify),
        max_connections=4,
        keepalive_expiry=30,
        network_backend=_Backend(),
    )


class DeadlineTransport(httpx.BaseTransport):
    """httpx over httpcore's connection pool. Raises httpcore's errors as they are; Each client tells them apart.

    `guard` decides at connect time which addresses may be reached, so that no second answer of the DNS can lead
    elsewhere. Through a proxy, which looks names up by itself, it decides by what this machine's DNS says.
    Without `verify` any certificate will do.
    """

    def __init__(self, base_url: str, *, guard: Guard | None = None, verify: bool = True) -> None:
        proxy = proxy_for(base_url)
        self._connections = _pool(proxy, guard, verify)
        self._guard = guard if proxy else None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._guard is not None:
            with suppress(socket.gaierror):  # a name that only the proxy knows
                self._guard(request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80))
        response = self._connections.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        self._connections.close()
