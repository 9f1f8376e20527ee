"""The sign-in providers that this installation is set up for."""

from dataclasses import dataclass

from guardian.config import Settings, settings
from guardian.errors import NotFoundError

GOOGLE, GITHUB, OIDC = "google", "github", "oidc"


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """One of them. `issuer` is empty for GitHub, which speaks OAuth 2 alone; `label` is how people call it."""

    name: str
    label: str
    client_id: str
    client_secret: str | None
    issuer: str = ""

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to. From the settings: the Host header of a request says nothing."""
        return f"{settings().base_url}/api/v1/auth/oauth/{self.name}/callback"


def configured() -> tuple[IdentityProvider, ...]:
    """Those that have what they need, in the order of their buttons."""
    known = settings()
    return tuple(each for each in (_google(known), _github(known), _oidc(known)) if each)


def provider_named(name: str) -> IdentityProvider:
    """Raises NotFoundError for one that is not set up here."""
    for each in configured():
        if each.name == name:
            return each
    raise NotFoundError("Sign-in provider")


def _google(known: Settings) -> IdentityProvider | None:
    if not known.google_client_id or not known.google_client_secret:
        return None
    secret = known.google_client_secret.get_secret_value()
    return IdentityProvider(GOOGLE, "Google", known.google_client_id, secret, known.google_issuer)


def _github(known: Settings) -> IdentityProvider | None:
    if not known.github_client_id or not known.github_client_secret:
        return None
    return IdentityProvider(GITHUB, "GitHub", known.github_client_id, known.github_client_secret.get_secret_value())


def _oidc(known: Settings) -> IdentityProvider | None:
    if not known.oidc_issuer or not known.oidc_client_id:
        return None
    secret = known.oidc_client_secret.get_secret_value() if known.oidc_client_secret else None
    return IdentityProvider(OIDC, known.oidc_name, known.oidc_client_id, secret, known.oidc_issuer)
