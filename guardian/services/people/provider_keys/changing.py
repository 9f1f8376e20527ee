"""Changing the vault: storing, replacing, naming, switching off and deleting keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from guardian.crypto import hash_token
from guardian.errors import DecryptionError
from guardian.models import ApiKey, ProviderAccount
from guardian.models.enums import KeyStatus, Provider
from guardian.periods import utcnow
from guardian.providers.registry import adapter_of
from guardian.records import TestResult
from guardian.services.actor import Actor
from guardian.services.people.billing.plans import require_room
from guardian.services.people.provider_keys.balances import keep_balance
from guardian.services.people.provider_keys.checks import (
    EXTERNAL_ID,
    clean_id,
    clean_label,
    one_at_a_time,
    require_good,
    require_new_label,
    require_new_secret,
)
from guardian.services.people.provider_keys.reading import changeable_row, get_key
from guardian.services.people.provider_keys.testing import prepared
from guardian.services.people.provider_keys.vault import mark_key, seal, status_for, tell_changed, unseal
from guardian.services.people.views import KeyView

OWN_ACCOUNT = "key:"
KIND = "kind"  # in a key's metadata: what the last test said it is


def add_key(
    session: Session,
    actor: Actor,
    *,
    provider: Provider,
    secret: str,
    label: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    external_id: str | None = None,
    tested: TestResult,
) -> KeyView:
    """Seal and store a key that `test_key` has just found good.

    Raises ProviderError with the test's words when it was not, ConflictError when the key, or the label, is there
    already, or the plan has no room. Whoever adds an admin key (`kind`) also asks for its back-fill, in the same
    transaction.
    """
    actor.require("keys:create")
    secret, kept = prepared(provider, secret, metadata)
    require_good(tested)
    label = clean_label(label)
    one_at_a_time(session, actor)
    require_room(session, actor.organization_id, "keys")
    require_new_label(session, actor.user_id, provider, label)
    require_new_secret(session, actor, provider, secret)
    told = clean_id(session, actor, provider, external_id)
    row = ApiKey(
        provider=provider,
        encrypted_key="",
        iv="",
        tag="",
        label=label,
        user_id=actor.user_id,
        organization_id=actor.organization_id,
        meta={**kept, **({EXTERNAL_ID: told} if told else {})},
    )
    _store(session, row, secret, tested)
    return get_key(session, actor, row.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyToReplace:
    """What `test_key` needs to know of a key whose secret is to be replaced; `metadata` may hold further secrets."""

    key_id: str
    provider: Provider
    metadata: Mapping[str, Any] = field(repr=False)


def key_to_replace(session: Session, actor: Actor, key_id: str) -> KeyToReplace:
    """The key as it is, for whoever may replace its secret. Raises NotFoundError, AuthorizationError."""
    row = changeable_row(session, actor, key_id, "keys:update")
    return KeyToReplace(key_id=row.id, provider=row.provider, metadata=_given_again(row))


def _given_again(row: ApiKey) -> dict[str, Any]:
    """The settings with which the key was given, the sealed ones too, as far as they can still be opened."""
    try:
        sealed = unseal(row)
    except DecryptionError:
        sealed = ""
    told = {name: value for name, value in (row.meta or {}).items() if name not in (KIND, EXTERNAL_ID)}
    return adapter_of(row.provider).given_again(sealed, told)


def replace_secret(
    session: Session,
    actor: Actor,
    key_id: str,
    secret: str,
    tested: TestResult,
    metadata: Mapping[str, Any] | None = None,
) -> KeyView:
    """Put a new, tested secret in the place of the old one; name, owner and history stay.

    So do the settings, but for those of `metadata`, where "" takes one away; the provider's id was the old key's, and
    goes. Raises as `add_key` does.
    """
    row = changeable_row(session, actor, key_id, "keys:update")
    secret, kept = prepared(row.provider, secret, {**_given_again(row), **(metadata or {})})
    require_good(tested)
    one_at_a_time(session, actor)
    require_new_secret(session, actor, row.provider, secret, but=row.id)
    row.meta = kept
    # Another account's usage belongs under that account. One that the old key stood for itself stays: the same usage
    # under a second name would be counted twice.
    if not (row.account_id or "").startswith(OWN_ACCOUNT):
        row.account_id = tested.account_id or row.account_id
    _store(session, row, secret, tested)
    return get_key(session, actor, row.id)


def update_key(
    session: Session,
    actor: Actor,
    key_id: str,
    *,
    label: str | None = None,
    is_active: bool | None = None,
    external_id: str | None = None,
) -> KeyView:
    """Rename the key, switch it off and on, or tell the provider's own id of it; None leaves it, "" takes it away.

    Raises ConflictError when its owner has another key of that provider under that label, or the organization one of
    that id; ValidationError.
    """
    row = changeable_row(session, actor, key_id, "keys:update")
    if label is not None:
        wanted = clean_label(label)
        if wanted != row.label:
            one_at_a_time(session, actor)
            require_new_label(session, row.user_id, row.provider, wanted)
            row.label = wanted
    if external_id is not None:
        one_at_a_time(session, actor)
        told = clean_id(session, actor, row.provider, external_id, but=row.id)
        others = {name: value for name, value in (row.meta or {}).items() if name != EXTERNAL_ID}
        row.meta = {**others, **({EXTERNAL_ID: told} if told else {})}
    if is_active is not None:
        row.is_active = is_active
    session.flush()
    tell_changed(session, row)
    return get_key(session, actor, key_id)


def record_test(
    session: Session, actor: Actor, key_id: str, result: TestResult, *, version: str | None = None
) -> KeyView:
    """Note what `test_stored_key` found. With a `version`, nothing is noted of a key that was replaced meanwhile."""
    row = changeable_row(session, actor, key_id, "keys:sync")
    if version is None or version == row.iv:
        if result.success:
            _note_success(session, row, result)
        else:
            mark_key(session, key_id, status_for(result.metadata.get("code")), result.message)
    return get_key(session, actor, key_id)


def delete_key(session: Session, actor: Actor, key_id: str) -> KeyView:
    """Delete the key and its pulls; what they brought stays in the ledger. Gives the last look at it."""
    row = changeable_row(session, actor, key_id, "keys:delete")
    view = get_key(session, actor, key_id)
    session.delete(row)
    session.flush()
    tell_changed(session, row)
    return view


def _store(session: Session, row: ApiKey, secret: str, tested: TestResult) -> None:
    seal(row, secret)
    session.add(row)
    session.flush()
    _note_success(session, row, tested)


def _note_success(session: Session, row: ApiKey, tested: TestResult) -> None:
    row.meta = {**(row.meta or {}), **({KIND: tested.kind} if tested.kind else {})}
    row.status, row.status_message, row.last_validated = KeyStatus.ACTIVE, tested.message, utcnow()
    # A key does not change its account.
    if row.account_id is None:
        row.account_id = tested.account_id or (_own_account(row) if tested.kind == "admin" else None)
    session.flush()
    tell_changed(session, row)
    if row.account_id is not None and row.organization_id is not None:
        _know_account(session, row.organization_id, row.provider, row.account_id, tested.account_name)
        if tested.balance is not None:
            keep_balance(session, row.organization_id, row.provider, row.account_id, tested.balance)


def _own_account(row: ApiKey) -> str:
    """An account whose provider does not name it is named by its key: the same key stored again finds its history."""
    return f"{OWN_ACCOUNT}{hash_token(unseal(row))[:16]}"


def _know_account(session: Session, organization_id: str, provider: Provider, account: str, name: str | None) -> None:
    statement = insert(ProviderAccount).values(
        ProviderAccount(organization_id=organization_id, provider=provider, account_id=account, name=name).model_dump()
    )
    natural_key = ["organization_id", "provider", "account_id"]
    if name is None:
        session.exec(statement.on_conflict_do_nothing(index_elements=natural_key))
    else:
        session.exec(
            statement.on_conflict_do_update(index_elements=natural_key, set_={"name": name, "updated_at": utcnow()})
        )
