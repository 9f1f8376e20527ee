"""A domain of mail that an organization has proved to be its own, and joining by an address at it."""

from guardian.services.people.domains.claiming import (
    DomainView,
    change_domain_role,
    claim_domain,
    confirm_domain,
    drop_domain,
    get_domain,
    pending_domain,
)
from guardian.services.people.domains.dns_lookup import txt_records
from guardian.services.people.domains.joining import Joinable, give_place, join_by_address, join_by_domain, joinable

__all__ = [
    "DomainView",
    "Joinable",
    "change_domain_role",
    "claim_domain",
    "confirm_domain",
    "drop_domain",
    "get_domain",
    "give_place",
    "join_by_address",
    "join_by_domain",
    "joinable",
    "pending_domain",
    "txt_records",
]
