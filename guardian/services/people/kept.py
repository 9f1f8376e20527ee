"""Small reads kept in the cache: cache-aside, outside of transactions that change something, forgotten on commit."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlmodel import Session

from guardian import db
from guardian.cache import CacheKeys, CacheService

T = TypeVar("T")
keys = CacheKeys


def read(session: Session, key: str, fetch: Callable[[], T], *, owner: str) -> T:
    """What `fetch` reads (JSON), maybe as it was up to five minutes ago, where nothing made it outdated since.

    A transaction that has changed something reads for itself: what it sees is not everybody's before its commit.
    """
    if db.has_changes(session):
        return fetch()
    return CacheService().get_or_set(key, fetch, owner=owner)


def forget(session: Session, owner: str) -> None:
    """After this transaction's commit, nobody is shown what was kept for this owner before it.

    To be called before the pages are told: callbacks run in the order in which they were given.
    """
    db.after_commit(session, partial(_forget, owner))


def _forget(owner: str) -> None:
    CacheService().invalidate(owner)


def provider_owner(provider: str) -> str:
    """Whose the standing of a provider's keys is, those of all organizations together."""
    return f"provider:{provider}"


def prices_owner(organization_id: str) -> str:
    """Whose the agreed prices of an organization are: usage that arrives does not change them."""
    return f"prices:{organization_id}"
