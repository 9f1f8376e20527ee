"""Trying a key at its provider. None of this runs inside a transaction: a provider may take half a minute."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from guardian.errors import ProviderKeyRejected, ValidationError
from guardian.models.enums import CostSource, Provider
from guardian.pricing.own import key_prices
from guardian.providers.registry import adapter_of, provider_for
from guardian.records import CostBreakdown, TestResult, UsageRecord
from guardian.services.actor import Actor
from guardian.services.people.provider_keys.reading import changeable_row
from guardian.services.people.provider_keys.vault import unseal_or_mark

MAX_SECRET = 1_000
MAX_DOCUMENT = 10_000  # a service account's key is a JSON file of some 2,400 characters


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUnderTest:
    """A stored key, opened to be tried. `version` tells whether it was replaced in the meantime."""

    key_id: str
    provider: Provider
    version: str
    metadata: Mapping[str, Any]
    secret: str = field(repr=False)


def prepared(provider: Provider, secret: str, metadata: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
    """What is sealed and what is readable of a pasted key and its settings.

    Raises ValidationError on the field `key`, or on that of a setting, and for a provider without an adapter.
    """
    adapter, pasted = adapter_of(provider), secret.strip()
    if len(pasted) > (MAX_DOCUMENT if pasted.startswith("{") else MAX_SECRET):
        raise _wrong("This is not a key: it is too long. Paste only the key.")
    try:
        sealed, kept = adapter.prepare(pasted, metadata or {})
    except ProviderKeyRejected as error:
        raise _wrong(error.message if pasted else "Paste the provider's key.") from None
    if provider is Provider.CUSTOM:
        key_prices("", kept)
    return sealed, kept


def test_key(actor: Actor, provider: Provider, secret: str, metadata: Mapping[str, Any] | None = None) -> TestResult:  # noqa: PT028  # no test of pytest's
    """Ask the provider about a key that is not stored yet. A bad key is a result with `success` False, no error.

    Raises ValidationError for what is no key at all, and for a provider without an adapter.
    """
    actor.require("keys:create")
    sealed, kept = prepared(provider, secret, metadata)
    with closing(provider_for(provider, pricer=_no_price, metadata=kept)) as adapter:
        return adapter.test_connection(sealed)


test_key.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]  # pytest would take it for a test


def key_under_test(session: Session, actor: Actor, key_id: str) -> KeyUnderTest:
    """Open a stored key for a test. Raises NotFoundError, AuthorizationError, DecryptionError."""
    row = changeable_row(session, actor, key_id, "keys:sync")
    return KeyUnderTest(
        key_id=row.id, provider=row.provider, version=row.iv, metadata=dict(row.meta or {}), secret=unseal_or_mark(row)
    )


def test_stored_key(key: KeyUnderTest) -> TestResult:
    """Ask the provider about a stored key."""
    with closing(provider_for(key.provider, pricer=_no_price, metadata=key.metadata)) as adapter:
        return adapter.test_connection(key.secret)


test_stored_key.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]  # as above


def _no_price(_usage: UsageRecord) -> CostBreakdown:
    return CostBreakdown(amount=None, source=CostSource.UNPRICED, reason="a key test prices nothing")


def _wrong(message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": "key", "message": message}])
