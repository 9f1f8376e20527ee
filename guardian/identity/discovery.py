"""What an issuer says of itself (OIDC Discovery 1.0) and its keys, each kept for an hour."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from guardian.errors import SignInRefused
from guardian.identity.facts import mapping
from guardian.identity.http import get_json

T = TypeVar("T")
_KEPT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Metadata:
    """`auth_method` is how the token endpoint wants to be told the client's secret."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    auth_method: str


class _Kept(Generic[T]):
    """By address, in this process; what is kept too long still serves while the issuer does not answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, tuple[float, T]] = {}

    def get(self, address: str, read: Callable[[], T], *, anew: bool = False) -> T:
        now = time.monotonic()
        with self._lock:
            at, kept = self._found.get(address, (0.0, None))
        if kept is not None and not anew and now - at < _KEPT_SECONDS:
            return kept
        try:
            fresh = read()
        except SignInRefused as error:
            if kept is None or error.reason != "oauth-unavailable":
                raise
            return kept
        with self._lock:
            self._found[address] = now, fresh
        return fresh


_metadata: _Kept[Metadata] = _Kept()
_keys: _Kept[KeySet] = _Kept()


def metadata_of(client: Any, issuer: str) -> Metadata:
    """The issuer's description. Raises SignInRefused where it is not to be had, or describes somebody else."""
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    return _metadata.get(address, lambda: _metadata_in(mapping(get_json(client, address), "description"), issuer))


def keys_of(client: Any, known: Metadata, *, anew: bool = False) -> KeySet:
    """The issuer's public keys; `anew` asks for them even if they are known."""

    def read() -> KeySet:
        try:
            found: Any = mapping(get_json(client, known.jwks_uri), "set of keys")
            return KeySet.import_key_set(found)
        except (JoseError, ValueError, KeyError, TypeError):
            raise SignInRefused("oauth-token", "The sign-in provider's keys cannot be read.") from None

    return _keys.get(known.jwks_uri, read, anew=anew)


def _metadata_in(said: dict[str, Any], issuer: str) -> Metadata:
    if said.get("issuer") != issuer:
        raise SignInRefused(
            "oauth-setup",
            f"The issuer at {issuer} calls itself {str(said.get('issuer'))[:200]}: set that as the issuer.",
        )
    secure = urlsplit(issuer).scheme == "https"
    methods = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_endpoint(said, "authorization_endpoint", secure),
        token_endpoint=_endpoint(said, "token_endpoint", secure),
        jwks_uri=_endpoint(said, "jwks_uri", secure),
        userinfo_endpoint=_endpoint(said, "userinfo_endpoint", secure) if said.get("userinfo_endpoint") else None,
        auth_method="client_secret_basic" if "client_secret_basic" in methods else "client_secret_post",
    )


def _endpoint(said: dict[str, Any], name: str, secure: bool) -> str:
    address = said.get(name)
    allowed = ("https",) if secure else ("https", "http")
    if not isinstance(address, str) or urlsplit(address).scheme not in allowed:
        raise SignInRefused("oauth-setup", f"The sign-in provider's {name} is missing, or is not on https.")
    return address
