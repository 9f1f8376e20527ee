"""What changes how a person signs in is theirs alone, in a browser that they signed in with."""

from guardian.errors import AuthorizationError
from guardian.services.actor import Actor


def require(actor: Actor, permission: str) -> None:
    """Raises AuthorizationError for an access token, and for who looks through somebody else's eyes."""
    actor.require(permission)
    if actor.impersonator_id is not None:
        raise AuthorizationError("Only the person themselves changes how they sign in.")
    if actor.session_id is None:
        raise AuthorizationError("How you sign in is changed in a browser, not with an access token.")
