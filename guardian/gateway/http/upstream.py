"""Where a provider's server is: scheme, host, port, the path that all of its paths begin with, and how to connect."""

from typing import NamedTuple, Self
from urllib.parse import urlsplit

from guardian.errors import ConfigurationError

_PORTS = {"http": 80, "https": 443}


class Upstream(NamedTuple):
    """`path_prefix` has no slash at its end; `authority` is the Host header.

    `checked`: the address was given by a user, so only public addresses, and those of OUTBOUND_ALLOWLIST, are
    connected to. The first five say which connections may be shared.
    """

    scheme: str
    host: str
    port: int
    verify_tls: bool
    checked: bool
    path_prefix: bytes
    authority: bytes

    @property
    def place(self) -> tuple[object, ...]:
        return self[:5]

    @classmethod
    def of(cls, url: str, *, verify_tls: bool = True, checked: bool = False) -> Self:
        """From a base URL. Raises ConfigurationError for one that is no http(s) address, or has a query or a user."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ConfigurationError("The base URL is no address. It looks like https://host/path.") from None
        host = parts.hostname or ""
        plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
        if (
            not (plain and host and parts.scheme in _PORTS)
            or parts.username is not None
            or parts.query
            or parts.fragment
        ):
            raise ConfigurationError("The base URL is no address. It looks like https://host/path.")
        usual = _PORTS[parts.scheme]
        name = f"[{host}]" if ":" in host else host
        authority = name if port in (None, usual) else f"{name}:{port}"
        prefix = parts.path.rstrip("/").encode()
        return cls(parts.scheme, host, port or usual, verify_tls, checked, prefix, authority.encode())
