"""Who may give which role: nobody gives a right, or takes it from somebody, that they do not have themselves."""

from guardian.errors import AuthorizationError
from guardian.models.enums import TeamRole
from guardian.services.actor import Actor
from guardian.services.permissions import GRANTS

# From the one that may most to the one that may least, as lists show them.
LADDER: tuple[TeamRole, ...] = (
    TeamRole.OWNER,
    TeamRole.ADMIN,
    TeamRole.MEMBER,
    TeamRole.BILLING,
    TeamRole.VIEWER,
)


def roles_to_give(actor: Actor) -> tuple[TeamRole, ...]:
    """The roles whose every right the actor has; none for who may not change the team."""
    if not actor.can("team:update"):
        return ()
    return tuple(role for role in LADDER if GRANTS[role] <= actor.permissions)


def require_may_give(actor: Actor, role: TeamRole) -> None:
    """Raises AuthorizationError for a role that may more than the actor."""
    if role not in roles_to_give(actor):
        raise AuthorizationError(
            f"Your role cannot give or take the role {role.value.lower()}, which may more than yours. Ask an owner."
        )


def require_browser(actor: Actor) -> None:
    """Raises AuthorizationError for an access token, which is one of its organization and of no other, and for who
    looks through somebody else's eyes.
    """
    if actor.impersonator_id is not None:
        raise AuthorizationError("You look through another person's eyes: only they themselves do this. End it first.")
    if actor.scopes is not None:
        raise AuthorizationError("An access token cannot do this. Sign in with a browser.")
