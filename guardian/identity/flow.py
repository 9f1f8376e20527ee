"""The authorization code flow with PKCE, from the button to a proven identity (RFC 6749, 7636, 9207; OIDC Core 3.1)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from guardian.crypto import new_token
from guardian.errors import SignInRefused
from guardian.identity import github, oidc
from guardian.identity.facts import Identity
from guardian.identity.http import client_of
from guardian.identity.registry import IdentityProvider

__all__ = ["Begun", "Identity", "begin", "finish"]


@dataclass(frozen=True, slots=True)
class Begun:
    """What the browser that began must bring back, and what the provider's answer is checked against."""

    state: str
    nonce: str
    verifier: str


def begin(provider: IdentityProvider) -> tuple[str, Begun]:
    """The provider's address to send the browser to, and what has to be remembered for `finish`.

    Raises SignInRefused (oauth-unavailable, oauth-token) when an issuer does not say where to.
    """
    begun = Begun(new_token(), new_token(), new_token() + new_token())
    with client_of(provider) as client:
        if provider.issuer:
            address = oidc.metadata_of(client, provider.issuer).authorization_endpoint
            extra = {"nonce": begun.nonce, "scope": oidc.SCOPE}
        else:
            address, extra = github.authorize_address(), {"scope": github.SCOPE}
        url: str = client.create_authorization_url(address, state=begun.state, code_verifier=begun.verifier, **extra)[0]
    return url, begun


def finish(provider: IdentityProvider, query: Mapping[str, str], begun: Begun) -> Identity:
    """Who came back. Raises SignInRefused: oauth-state, oauth-denied, oauth-token, oauth-unavailable, oauth-setup."""
    if not hmac.compare_digest(query.get("state", "").encode(), begun.state.encode()):
        raise SignInRefused("oauth-state", "This sign-in was not begun here, or is answered already. Begin it again.")
    if "error" in query:
        raise _told(query["error"])
    code = query.get("code", "")
    # Whose code it is, where the provider says so: one issuer's code must not be given to another (RFC 9207).
    if not code or (provider.issuer and query.get("iss", provider.issuer) != provider.issuer):
        raise SignInRefused("oauth-token", "The sign-in provider came back without a code of its own.")
    with client_of(provider) as client:
        if provider.issuer:
            return oidc.identity_of(client, provider, code, begun.verifier, begun.nonce)
        return github.identity_of(client, provider, code, begun.verifier)


def _told(error: str) -> SignInRefused:
    """The provider's own word (RFC 6749, 4.1.2.1)."""
    if error in ("access_denied", "login_required", "consent_required", "interaction_required"):
        return SignInRefused("oauth-denied", "The sign-in was called off at the provider.")
    if error in ("server_error", "temporarily_unavailable"):
        return SignInRefused("oauth-unavailable", "The sign-in provider cannot answer right now. Try again shortly.")
    return SignInRefused("oauth-setup", "The sign-in provider refuses this installation. Ask who runs it.")
