"""Who somebody is, by the word of a sign-in provider: Google, GitHub, or any OpenID Connect issuer."""

from guardian.identity.flow import Begun, Identity, begin, finish
from guardian.identity.registry import IdentityProvider, configured, provider_named

__all__ = ["Begun", "Identity", "IdentityProvider", "begin", "configured", "finish", "provider_named"]
