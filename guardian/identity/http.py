"""Calls to a sign-in provider while a person waits: short, tried again once, and never redirected."""

import random
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client

from guardian.config import settings
from guardian.errors import SignInRefused
from guardian.identity.registry import IdentityProvider

T = TypeVar("T")
_ATTEMPTS = 2
_PAUSE_SECONDS = 0.3

log = structlog.get_logger(__name__)


def client_of(provider: IdentityProvider) -> Any:
    """Authlib's client for the provider; close it, or use it with `with`."""
    return OAuth2Client(
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        redirect_uri=provider.redirect_uri,
        code_challenge_method="S256",
        timeout=settings().sign_in_timeout_seconds,
        follow_redirects=False,
    )


def get_json(client: Any, address: str, *, token: str = "", headers: Mapping[str, str] | None = None) -> Any:
    """The JSON at an address. Raises SignInRefused: oauth-unavailable, or oauth-token where it is no JSON."""
    sent = {"Accept": "application/json", **(headers or {})}
    if token:
        sent["Authorization"] = f"Bearer {token}"

    def ask() -> Any:
        answer = client.request("GET", address, withhold_token=True, headers=sent)
        answer.raise_for_status()
        return answer.json()

    return _tried(ask)


def fetch_token(client: Any, address: str, *, code: str, verifier: str, method: str) -> dict[str, Any]:
    """The token endpoint's answer to a code. Raises SignInRefused as `get_json`, and oauth-setup for a wrong client.

    A code works once. The call is made again only where the provider says, by its status, that it did nothing.
    """
    client.token_endpoint_auth_method = method

    def ask() -> Any:
        try:
            return client.fetch_token(address, grant_type="authorization_code", code=code, code_verifier=verifier)
        except OAuthError as error:
            if error.error in ("invalid_client", "unauthorized_client", "incorrect_client_credentials"):
                raise SignInRefused(
                    "oauth-setup", "The sign-in provider refuses this installation. Ask who runs it."
                ) from None
            raise SignInRefused(
                "oauth-token", f"The sign-in provider did not take its own code ({str(error.error)[:60]})."
            ) from None

    return dict(_tried(ask))


def _tried(ask: Callable[[], T]) -> T:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return ask()
        except (httpx2.HTTPStatusError, httpx2.TransportError, httpx2.InvalidURL) as error:
            if attempt == _ATTEMPTS or not _temporary(error):
                raise _unavailable(error) from None
        except ValueError:
            raise SignInRefused("oauth-token", "The sign-in provider answered with something else than JSON.") from None
        time.sleep(_PAUSE_SECONDS * (0.5 + random.random()))  # noqa: S311  # spreads retries, keeps no secret
    raise AssertionError("unreachable")


def _temporary(error: Exception) -> bool:
    """Who was silent for as long as a person waits is not asked a second time."""
    if isinstance(error, httpx2.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code == 429
    return isinstance(error, httpx2.TransportError) and not isinstance(error, httpx2.ReadTimeout)


def _unavailable(error: Exception) -> SignInRefused:
    log.warning("identity.unavailable", error=type(error).__name__, detail=str(error)[:200])
    return SignInRefused("oauth-unavailable", "The sign-in provider does not answer right now. Try again shortly.")
