"""The people of an organization: who they are, what role and team they have, how they come and go."""

from guardian.services.people.members.changing import MemberChange, remove_member, transfer_ownership, update_member
from guardian.services.people.members.joining import join, lock_members
from guardian.services.people.members.leaving import move_on, take_out
from guardian.services.people.members.reading import MemberView, list_members, page_of_members
from guardian.services.people.members.removed import was_removed
from guardian.services.people.members.roles import LADDER, require_browser, require_may_give, roles_to_give

__all__ = [
    "LADDER",
    "MemberChange",
    "MemberView",
    "join",
    "list_members",
    "lock_members",
    "move_on",
    "page_of_members",
    "remove_member",
    "require_browser",
    "require_may_give",
    "roles_to_give",
    "take_out",
    "transfer_ownership",
    "update_member",
    "was_removed",
]
