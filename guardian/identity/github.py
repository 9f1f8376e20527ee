"""GitHub: OAuth 2 with PKCE, and the verified primary address through its API.

https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
https://docs.github.com/en/rest/users/emails#list-email-addresses-for-the-authenticated-user
"""

from typing import Any, cast

from guardian.config import settings
from guardian.errors import SignInRefused
from guardian.identity.facts import Identity, mapping, text
from guardian.identity.http import fetch_token, get_json
from guardian.identity.registry import IdentityProvider

SCOPE = "read:user user:email"
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


def authorize_address() -> str:
    return f"{settings().github_base_url.rstrip('/')}/login/oauth/authorize"


def identity_of(client: Any, provider: IdentityProvider, code: str, verifier: str) -> Identity:
    """Who gave us that code. Raises SignInRefused."""
    address = f"{settings().github_base_url.rstrip('/')}/login/oauth/access_token"
    answer = fetch_token(client, address, code=code, verifier=verifier, method="client_secret_post")
    token = text(answer.get("access_token"))
    if token is None:
        raise SignInRefused("oauth-token", "GitHub gave no access token.")
    api = settings().github_api_url.rstrip("/")
    user = mapping(get_json(client, f"{api}/user", token=token, headers=_HEADERS), "user")
    subject = user.get("id")
    # A login can be given up and taken by somebody else; the number cannot.
    if not isinstance(subject, int) or isinstance(subject, bool):
        raise SignInRefused("oauth-token", "GitHub did not say whom it means.")
    return Identity(
        provider=provider.name,
        subject=str(subject),
        email=_primary(get_json(client, f"{api}/user/emails", token=token, headers=_HEADERS)),
        name=text(user.get("name")) or text(user.get("login")),
    )


def _primary(listed: object) -> str | None:
    """The address that is primary and verified; the one on the profile is whatever a person likes to show."""
    if not isinstance(listed, list):
        raise SignInRefused("oauth-token", "GitHub's list of addresses is no list.")
    for each in cast("list[object]", listed):
        row = mapping(each, "address")
        if row.get("primary") is True and row.get("verified") is True:
            return text(row.get("email"))
    return None
