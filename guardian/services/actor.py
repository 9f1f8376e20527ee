"""Actor: who asks, for which organization, with which rights. Every service call takes one."""

from dataclasses import dataclass, field

from guardian.errors import AuthorizationError
from guardian.models.enums import TeamRole, UserRole
from guardian.services.permissions import GRANTS, INSTALLATION, NOT_FOR_ANOTHER, OWN_ACCOUNT, SCOPES


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person, or a job that acts for one.

    What they may is by `team_role`, their role in this organization: `role` adds to it only for those who run the
    installation. `scopes` is None for a browser session, else the scopes of the access token in use. `session_id` names
    the session so that it can be told apart in the list of sessions. `request_id` and `ip_address` go to the audit log,
    and so does `impersonator_id`: who really acts where an administrator of the installation looks through their eyes.
    """

    user_id: str
    organization_id: str
    role: UserRole
    team_role: TeamRole
    email: str = ""
    session_id: str | None = None
    scopes: frozenset[str] | None = None
    request_id: str | None = None
    ip_address: str | None = None
    impersonator_id: str | None = None
    permissions: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        granted = GRANTS[self.team_role] | OWN_ACCOUNT
        if self.role is UserRole.SUPER_ADMIN:
            granted |= GRANTS[TeamRole.OWNER] | INSTALLATION
        if self.scopes is not None and "api" not in self.scopes:
            granted = frozenset[str]().union(*(SCOPES.get(scope, ()) for scope in self.scopes))
        if self.impersonator_id is not None:
            granted = granted - NOT_FOR_ANOTHER - INSTALLATION
        object.__setattr__(self, "permissions", granted)

    @classmethod
    def for_job(cls, user_id: str, organization_id: str) -> "Actor":
        """A job that acts for the owner of what it works on, whatever has become of that person's role."""
        return cls(user_id, organization_id, UserRole.USER, TeamRole.ADMIN)

    def can(self, permission: str) -> bool:
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raises AuthorizationError when this actor may not do that."""
        if permission not in self.permissions and self.impersonator_id is not None:
            raise AuthorizationError(
                f"You look through another person's eyes, and may not do this ({permission}). End it first."
            )
        if permission not in self.permissions and self.scopes is not None and "api" not in self.scopes:
            needed = next((scope for scope, allowed in SCOPES.items() if permission in allowed), "api")
            raise AuthorizationError(
                f"This access token may not do this ({permission}): use one with the scope {needed}."
            )
        if permission not in self.permissions:
            raise AuthorizationError(
                f"You are not allowed to do this ({permission}). Ask an administrator of your organization."
            )
