"""Rights by role and by the scope of a token: a higher team role never has fewer, a narrower scope never more."""

import itertools
from dataclasses import replace

import pytest

from guardian.errors import AuthorizationError
from guardian.models.enums import TeamRole, UserRole
from guardian.services.actor import Actor

NOBODY_SPECIAL = Actor(user_id="u", organization_id="o", role=UserRole.USER, team_role=TeamRole.VIEWER)


def test_each_team_role_may_what_the_one_below_may_and_more() -> None:
    ladder = [TeamRole.VIEWER, TeamRole.MEMBER, TeamRole.ADMIN, TeamRole.OWNER]
    granted = [replace(NOBODY_SPECIAL, team_role=role).permissions for role in ladder]
    assert all(low < high for low, high in itertools.pairwise(granted))


def test_only_the_installations_administrator_may_look_beyond_an_organization() -> None:
    for role in UserRole:
        owner = replace(NOBODY_SPECIAL, role=role, team_role=TeamRole.OWNER)
        assert owner.can("admin:read") is owner.can("mailbox:read") is (role is UserRole.SUPER_ADMIN)


@pytest.mark.parametrize(
    ("scopes", "granted"),
    [({"gateway"}, set()), ({"ingest"}, {"usage:write"}), ({"ingest", "gateway"}, {"usage:write"}), (set(), set())],
)
def test_a_token_without_the_api_scope_may_next_to_nothing(scopes: set[str], granted: set[str]) -> None:
    for role in UserRole:
        holder = replace(NOBODY_SPECIAL, role=role, team_role=TeamRole.OWNER, scopes=frozenset(scopes))
        assert holder.permissions == granted


def test_a_token_with_the_api_scope_may_what_its_person_may() -> None:
    assert replace(NOBODY_SPECIAL, scopes=frozenset({"api"})).permissions == NOBODY_SPECIAL.permissions


def test_a_refusal_says_whom_to_ask() -> None:
    with pytest.raises(AuthorizationError, match=r"keys:delete.*administrator"):
        NOBODY_SPECIAL.require("keys:delete")
    NOBODY_SPECIAL.require("keys:read")


@pytest.mark.parametrize(
    ("has", "permission", "needs"), [("ingest", "usage:read", "api"), ("gateway", "usage:write", "ingest")]
)
def test_a_token_that_lacks_a_scope_is_told_which(has: str, permission: str, needs: str) -> None:
    """Its owner may do it, and no administrator can help."""
    token = replace(NOBODY_SPECIAL, team_role=TeamRole.OWNER, scopes=frozenset({has}))
    with pytest.raises(AuthorizationError, match=rf"\({permission}\): use one with the scope {needs}\.") as refused:
        token.require(permission)
    assert "administrator" not in refused.value.message
