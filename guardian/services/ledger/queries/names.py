"""The names that people know things by: projects, keys, users and accounts, many at once, in one round trip."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, literal, select, union_all
from sqlmodel import Session, col

from guardian.models.enums import ResourceKind
from guardian.models.keys import ApiKey, ProviderAccount, ProviderResource
from guardian.models.people import AccessToken, User
from guardian.services.ledger.queries.dimensions import Query
from guardian.services.people.membership import is_known

Names = Mapping[tuple[str, str], str]
_KINDS: Mapping[str, tuple[ResourceKind, ...]] = {
    "project": (ResourceKind.PROJECT,),
    "providerKey": (ResourceKind.API_KEY,),
    "externalUser": (ResourceKind.USER, ResourceKind.SERVICE_ACCOUNT),
}
NAMED = (*_KINDS, "apiKey", "user", "account")
ACCESS_TOKEN = "accessToken"  # noqa: S105  # what calls came with, which is no dimension of sums
_KNOWN = (*NAMED, ACCESS_TOKEN)


def read_names(session: Session, organization_id: str, wanted: Mapping[str, Iterable[str | None]]) -> Names:
    """Names by (dimension, id), for the ids in `wanted` that have one. Ids of other organizations have none."""
    queries = [
        _query(organization_id, dimension, ids)
        for dimension, values in wanted.items()
        if dimension in _KNOWN and (ids := sorted({value for value in values if value}))
    ]
    if not queries:
        return {}
    rows: Any = session.connection().execute(union_all(*queries).order_by("changed"))
    # Oldest first: where two accounts name the same id differently, the latest word stays.
    return {(dimension, id): name for dimension, id, name, _ in rows if name}


def names_of(names: Names, values: Mapping[str, str | None]) -> dict[str, str]:
    """The names of one combination of values, by dimension."""
    return {dimension: name for dimension, value in values.items() if value and (name := names.get((dimension, value)))}


def _query(organization_id: str, dimension: str, ids: list[str]) -> Query:
    if dimension == "apiKey":
        named = func.coalesce(col(ApiKey.label), func.concat("…", col(ApiKey.hint)))
        return _select(dimension, ApiKey.id, named, ApiKey.updated_at).where(
            col(ApiKey.organization_id) == organization_id, col(ApiKey.id).in_(ids)
        )
    if dimension == ACCESS_TOKEN:
        token = AccessToken
        return _select(dimension, token.id, token.name, token.updated_at).where(
            col(token.organization_id) == organization_id, col(token.id).in_(ids)
        )
    if dimension == "user":
        named = func.coalesce(func.nullif(col(User.name), ""), col(User.email))
        return _select(dimension, User.id, named, User.updated_at).where(
            is_known(organization_id), col(User.id).in_(ids)
        )
    if dimension == "account":
        account = ProviderAccount
        return _select(dimension, account.account_id, account.name, account.updated_at).where(
            col(account.organization_id) == organization_id, col(account.account_id).in_(ids)
        )
    resource = ProviderResource
    return _select(dimension, resource.external_id, resource.name, resource.updated_at).where(
        col(resource.organization_id) == organization_id,
        col(resource.kind).in_(_KINDS[dimension]),
        col(resource.external_id).in_(ids),
    )


def _select(dimension: str, id: Any, name: Any, changed: Any) -> Query:
    return select(literal(dimension).label("dimension"), id.label("id"), name.label("name"), changed.label("changed"))
