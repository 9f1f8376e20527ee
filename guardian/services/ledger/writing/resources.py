"""The names of a provider's projects, keys and users: kept also when the provider has forgotten them."""

from collections.abc import Iterable

from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from guardian.models import ProviderResource
from guardian.periods import utcnow
from guardian.records import NamedResource
from guardian.services.ledger.writing.rows import LedgerAccount

_NATURAL_KEY = ("organization_id", "provider", "account_id", "kind", "external_id")
_ROWS_PER_STATEMENT = 1_000


def keep_names(session: Session, account: LedgerAccount, resources: Iterable[NamedResource]) -> None:
    """Store new names and changed ones. Of a resource that comes twice the last name counts."""
    # In the order of their ids, so that two pulls of one account never wait for each other in a circle.
    named = sorted({(r.kind, r.external_id): r for r in resources}.items())
    for first in range(0, len(named), _ROWS_PER_STATEMENT):
        statement = insert(ProviderResource).values(
            [
                ProviderResource(
                    organization_id=account.organization_id,
                    provider=account.provider,
                    account_id=account.account_id,
                    kind=kind,
                    external_id=external_id,
                    name=resource.name,
                    parent_id=resource.parent_id,
                ).model_dump()
                for (kind, external_id), resource in named[first : first + _ROWS_PER_STATEMENT]
            ]
        )
        new = statement.excluded
        session.exec(
            statement.on_conflict_do_update(
                index_elements=_NATURAL_KEY,
                set_={"name": new.name, "parent_id": new.parent_id, "updated_at": utcnow()},
                where=or_(
                    col(ProviderResource.name) != new.name,
                    col(ProviderResource.parent_id).is_distinct_from(new.parent_id),
                ),
            )
        )
