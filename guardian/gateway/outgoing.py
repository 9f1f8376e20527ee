"""A key of the vault as a call needs it: where it leads, and what goes out with it, in bytes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode

import structlog

from guardian.config import Settings
from guardian.errors import GuardianError
from guardian.gateway.http.upstream import Upstream
from guardian.models.enums import Provider
from guardian.providers.registry import adapter_of
from guardian.services.people.provider_keys.outgoing import OutgoingKey

log = structlog.get_logger(__name__)

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`query` is appended to each target; `timeout` in seconds, None for the usual."""

    key: OutgoingKey
    upstream: Upstream
    headers: Headers = field(repr=False)
    names: frozenset[bytes]
    """The names of `headers`: a caller's own ones of these names stay behind."""
    query: bytes
    timeout: float | None
    asks_for_usage: bool

    def target(self, asked: bytes) -> bytes:
        """The path and query to send, below the upstream's own path."""
        if not self.query:
            return asked
        return asked + (b"&" if b"?" in asked else b"?") + self.query


def routes_of(keys: Iterable[OutgoingKey], settings: Settings) -> dict[Provider, tuple[Route, ...]]:
    """By provider; a key whose settings are wrong is left out and logged."""
    found: dict[Provider, list[Route]] = {}
    for key in keys:
        try:
            found.setdefault(key.provider, []).append(_route(key, settings))
        except GuardianError as error:
            log.error("gateway.key_left_out", key=key.id, error=error.message)
    return {provider: tuple(routes) for provider, routes in found.items()}


def _route(key: OutgoingKey, settings: Settings) -> Route:
    way = adapter_of(key.provider).outgoing(key.secret, key.metadata, settings)
    headers = tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in way.headers.items())
    return Route(
        key=key,
        upstream=Upstream.of(way.base_url, verify_tls=way.verify_tls, checked=way.by_person),
        headers=headers,
        names=frozenset(name for name, _ in headers),
        query=urlencode(way.query).encode(),
        timeout=way.timeout,
        asks_for_usage=way.asks_for_usage,
    )
