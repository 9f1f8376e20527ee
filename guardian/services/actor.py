"""Actor: who asks, for which organization, with which rights. Every service call takes one."""

from dataclasses import dataclass, field

from guardian.errors import AuthorizationError
from guardian.models.enums import TeamRole, UserRole

# resource:action. A team role grants what it names and everything of the roles below it.
_VIEWER = frozenset(
    {
        "usage:read",
        "keys:read",
        "jobs:read",
        "organization:read",
        "team:read",
        "activity:read",
        "prices:read",
        "budgets:read",
        "alerts:read",
        "channels:read",
        "reports:read",
    }
)
_MEMBER = _VIEWER | {"keys:create", "keys:sync", "usage:write", "views:share", "alerts:create", "reports:create"}
_ADMIN = _MEMBER | {
    "keys:update",
    "keys:delete",
    "organization:update",
    "team:update",
    "prices:update",
    "books:close",
    "budgets:update",
    "alerts:update",
    "channels:update",
}
_GRANTS: dict[TeamRole, frozenset[str]] = {
    TeamRole.VIEWER: _VIEWER,
    TeamRole.MEMBER: _MEMBER,
    TeamRole.ADMIN: _ADMIN,
    TeamRole.OWNER: _ADMIN | {"organization:delete", "billing:update"},
}
# What a person may do to their own account, whatever their role.
_SELF = frozenset({"session:read", "session:delete", "tokens:read", "tokens:create", "tokens:delete"})
_INGEST = frozenset({"usage:write"})
_NOTHING: frozenset[str] = frozenset()
_INSTALLATION = frozenset({"admin:read", "admin:update", "mailbox:read"})


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person, or a job that acts for one.

    `scopes` is None for a browser session, else the scopes of the access token in use. `session_id` names the session
    so that it can be told apart in the list of sessions. `request_id` and `ip_address` go to the audit log.
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
    permissions: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        granted = _GRANTS[self.team_role] | _SELF
        if self.role is UserRole.ADMIN:
            granted |= _ADMIN
        if self.role is UserRole.SUPER_ADMIN:
            granted |= _GRANTS[TeamRole.OWNER] | _INSTALLATION
        if self.scopes is not None and "api" not in self.scopes:
            granted = _INGEST if "ingest" in self.scopes else _NOTHING
        object.__setattr__(self, "permissions", granted)

    @classmethod
    def for_job(cls, user_id: str, organization_id: str) -> "Actor":
        """A job that acts for the owner of what it works on, whatever has become of that person's role."""
        return cls(user_id, organization_id, UserRole.USER, TeamRole.ADMIN)

    def can(self, permission: str) -> bool:
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raises AuthorizationError when this actor may not do that."""
        if permission not in self.permissions:
            raise AuthorizationError(
                f"You are not allowed to do this ({permission}). Ask an administrator of your organization."
            )
