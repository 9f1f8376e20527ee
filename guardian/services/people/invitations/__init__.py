"""Invitations: a mailed link by which the person who reads that mail, and nobody else, joins once."""

from guardian.services.people.invitations.accepting import (
    OF_SOMEBODY_ELSE,
    Invited,
    accept_invitation,
    accept_invitation_as,
    invitation_refused,
    invited_address,
    look_up,
)
from guardian.services.people.invitations.inviting import (
    InvitationView,
    invite,
    list_invitations,
    page_of_invitations,
    resend_invitation,
    revoke_invitation,
)

__all__ = [
    "OF_SOMEBODY_ELSE",
    "InvitationView",
    "Invited",
    "accept_invitation",
    "accept_invitation_as",
    "invitation_refused",
    "invite",
    "invited_address",
    "list_invitations",
    "look_up",
    "page_of_invitations",
    "resend_invitation",
    "revoke_invitation",
]
