"""OpenID Connect: an issuer's own description, its keys, and what of an id_token has to be right."""

from typing import Any

import structlog
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError

from guardian.errors import SignInRefused
from guardian.identity.discovery import Metadata, keys_of, metadata_of
from guardian.identity.facts import Identity, mapping, text
from guardian.identity.http import fetch_token, get_json
from guardian.identity.registry import IdentityProvider

__all__ = ["SCOPE", "identity_of", "metadata_of"]

SCOPE = "openid email profile"
# Signatures by keys of which only the issuer has the secret half: no "none", and no HMAC with what others know too.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
LEEWAY_SECONDS = 120  # of two clocks that were not set for a while

log = structlog.get_logger(__name__)


def identity_of(client: Any, provider: IdentityProvider, code: str, verifier: str, nonce: str) -> Identity:
    """Who gave us that code; signature, iss, aud, azp, exp, iat, nonce, at_hash are checked. Raises SignInRefused."""
    known = metadata_of(client, provider.issuer)
    method = known.auth_method if provider.client_secret else "none"
    answer = fetch_token(client, known.token_endpoint, code=code, verifier=verifier, method=method)
    id_token, access_token = text_of_token(answer.get("id_token")), answer.get("access_token")
    claims = _checked(client, provider, known, id_token, nonce, access_token)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise SignInRefused("oauth-token", "The sign-in provider did not say whom it means.")
    if "email" not in claims and known.userinfo_endpoint and isinstance(access_token, str):
        more = mapping(get_json(client, known.userinfo_endpoint, token=access_token), "user info")
        # An access token that was swapped for another person's would bring that person's address (OIDC Core 5.3.2).
        if more.get("sub") == subject:
            claims = {**more, **claims}
    return Identity(
        provider=provider.name,
        subject=subject,
        # Some issuers write the flag as a text.
        email=text(claims.get("email")) if claims.get("email_verified") in (True, "true") else None,
        name=text(claims.get("name")) or text(claims.get("preferred_username")),
    )


def text_of_token(value: object) -> str:
    if not isinstance(value, str) or value.count(".") != 2:
        raise SignInRefused("oauth-token", "The sign-in provider gave no signed id_token.")
    return value


def _checked(
    client: Any, provider: IdentityProvider, known: Metadata, id_token: str, nonce: str, access_token: object
) -> dict[str, Any]:
    try:
        found = _verified(client, known, id_token)
        claims: Any = CodeIDToken(
            found.claims,
            found.header,
            options={
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client_id},
            },
            params={"nonce": nonce, "client_id": provider.client_id, "access_token": access_token},
        )
        claims.validate(leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError) as error:
        log.warning("identity.id_token_refused", provider=provider.name, error=type(error).__name__, why=str(error))
        raise SignInRefused("oauth-token", f"The sign-in provider's id_token is not usable: {error}.") from None
    return dict(claims)


def _verified(client: Any, known: Metadata, id_token: str) -> jwt.Token:
    """The token by one of the issuer's keys; read anew once, since an issuer may have changed its keys meanwhile."""
    try:
        return jwt.decode(id_token, keys_of(client, known), algorithms=list(ALGORITHMS))
    except (JoseError, ValueError):
        return jwt.decode(id_token, keys_of(client, known, anew=True), algorithms=list(ALGORITHMS))
