"""What each role may do: the one table of the product. Pages show it, routes and handlers name its lines."""

from collections.abc import Mapping
from dataclasses import dataclass

from guardian.models.enums import TeamRole

_VIEWER, _BILLING, _MEMBER, _ADMIN, _OWNER = (
    TeamRole.VIEWER,
    TeamRole.BILLING,
    TeamRole.MEMBER,
    TeamRole.ADMIN,
    TeamRole.OWNER,
)
_ALL = (_VIEWER, _BILLING, _MEMBER, _ADMIN, _OWNER)
_WORKING = (_VIEWER, _MEMBER, _ADMIN, _OWNER)
_MEMBERS = (_MEMBER, _ADMIN, _OWNER)
_ADMINS = (_ADMIN, _OWNER)
_PAYERS = (_BILLING, _OWNER)
_OWNERS = (_OWNER,)


@dataclass(frozen=True, slots=True)
class Permission:
    """One line of the table: `about` finishes the sentence "may …", `roles` may do it."""

    about: str
    roles: tuple[TeamRole, ...]


# resource:action, by what people come for.
TABLE: Mapping[str, Permission] = {
    "usage:read": Permission("see usage, spend and every call", _ALL),
    "usage:write": Permission("send and import usage", _MEMBERS),
    "views:share": Permission("save views for everybody", _MEMBERS),
    "reports:read": Permission("read reports", _ALL),
    "reports:create": Permission("make reports", _MEMBERS),
    "prices:read": Permission("see prices and agreements", _ALL),
    "prices:update": Permission("change agreements, price and re-price usage", _ADMINS),
    "books:close": Permission("close months", _ADMINS),
    "keys:read": Permission("see the providers' keys, never their secrets", _WORKING),
    "keys:create": Permission("add providers' keys", _MEMBERS),
    "keys:sync": Permission("pull usage now", _MEMBERS),
    "keys:update": Permission("change providers' keys", _ADMINS),
    "keys:delete": Permission("remove providers' keys", _ADMINS),
    "jobs:read": Permission("follow jobs", _ALL),
    "budgets:read": Permission("see budgets", _ALL),
    "budgets:update": Permission("make, change and raise budgets", _ADMINS),
    "alerts:read": Permission("see alerts", _ALL),
    "alerts:create": Permission("make alerts, and change their own", _MEMBERS),
    "alerts:update": Permission("change everybody's alerts", _ADMINS),
    "channels:read": Permission("see where notices go", _WORKING),
    "channels:update": Permission("change where notices go", _ADMINS),
    "organization:read": Permission("see the organization", _ALL),
    "organization:update": Permission("change the organization, its domain and how people sign in", _ADMINS),
    "organization:delete": Permission("delete the organization", _OWNERS),
    "organization:transfer": Permission("hand the organization to another owner", _OWNERS),
    "team:read": Permission("see members and teams", _ALL),
    "team:update": Permission("invite and remove members, give roles, make teams", _ADMINS),
    # It tells where from people sign in.
    "activity:read": Permission("read the audit log", _ADMINS),
    "billing:read": Permission("see plan, limits and invoices", (_BILLING, _ADMIN, _OWNER)),
    "billing:update": Permission("change the plan and how it is paid", _PAYERS),
}

GRANTS: Mapping[TeamRole, frozenset[str]] = {
    role: frozenset(name for name, line in TABLE.items() if role in line.roles) for role in TeamRole
}
# What a person may do to their own account, whatever their role.
OWN_ACCOUNT = frozenset(
    {
        "session:read",
        "session:delete",
        "tokens:read",
        "tokens:create",
        "tokens:delete",
        "account:read",
        "account:update",
        "team:leave",
        "organization:create",
        "organization:switch",
    }
)
# What those do who run the installation.
INSTALLATION = frozenset({"admin:read", "admin:update", "mailbox:read"})
# What nobody may do through another person's eyes: see or use a secret, change who that
# person is and where they work, or stay longer.
NOT_FOR_ANOTHER = frozenset(
    {
        "account:update",
        "alerts:create",
        "alerts:update",
        "billing:update",
        "channels:update",
        "keys:create",
        "keys:delete",
        "keys:sync",
        "keys:update",
        "organization:create",
        "organization:delete",
        "organization:switch",
        "organization:transfer",
        "organization:update",
        "session:delete",
        "team:leave",
        "team:update",
        "tokens:create",
        "tokens:delete",
    }
)
# What an access token without the scope "api" may still do, by its scope.
SCOPES: Mapping[str, frozenset[str]] = {"ingest": frozenset({"usage:write"})}
