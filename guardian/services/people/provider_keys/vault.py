"""Sealing and opening: the only code that sees a provider's key in plain, besides the test of a new one."""

from datetime import timedelta
from functools import partial

from sqlmodel import Session

from guardian import db, live
from guardian.crypto import SealedSecret, encryption
from guardian.errors import (
    DecryptionError,
    NotFoundError,
    ProviderAddressRefused,
    ProviderContractBroken,
    ProviderError,
    ProviderForbidden,
    ProviderKeyRejected,
    ProviderQuotaExhausted,
    ProviderRateLimited,
    ProviderRequestRejected,
    ProviderUnavailable,
    ProviderUnreachable,
    ProviderWrongKeyKind,
)
from guardian.models import ApiKey
from guardian.models.enums import KeyStatus
from guardian.periods import utcnow
from guardian.providers.registry import adapter_of
from guardian.services.people import audit, kept

TOUCH = timedelta(minutes=1)
SHORTEST_HINTED = 12  # four characters of anything shorter would tell too much of it

_REFUSALS: dict[str, type[ProviderError]] = {
    kind.code: kind
    for kind in (
        ProviderKeyRejected,
        ProviderWrongKeyKind,
        ProviderForbidden,
        ProviderQuotaExhausted,
        ProviderRequestRejected,
        ProviderAddressRefused,
        ProviderContractBroken,
        ProviderRateLimited,
        ProviderUnavailable,
        ProviderUnreachable,
    )
}
_STATUS = {
    ProviderKeyRejected.code: KeyStatus.REJECTED,
    ProviderWrongKeyKind.code: KeyStatus.WRONG_KIND,
    ProviderForbidden.code: KeyStatus.FORBIDDEN,
    ProviderQuotaExhausted.code: KeyStatus.EXHAUSTED,
}


def status_for(code: str | None) -> KeyStatus:
    """What an error of a provider, by its code, says about the key; FAILING where it says nothing lasting."""
    return _STATUS.get(code or "", KeyStatus.FAILING)


def refusal(code: str | None, message: str) -> ProviderError:
    """The error that a failed key test stands for."""
    return _REFUSALS.get(code or "", ProviderError)(message, details=[{"field": "key", "message": message}])


def seal(row: ApiKey, secret: str) -> None:
    """Put the secret into the row, under the current encryption key."""
    sealed = encryption().encrypt_api_key(secret)
    row.encrypted_key, row.iv, row.tag = sealed.encrypted_key, sealed.iv, sealed.tag
    row.encryption_key_id = sealed.key_id
    shown = adapter_of(row.provider).key_hint(secret)
    row.hint = shown[-4:] if len(shown) >= SHORTEST_HINTED else ""


def unseal(row: ApiKey) -> str:
    """Raises DecryptionError."""
    return encryption().decrypt_api_key(SealedSecret(row.encrypted_key, row.iv, row.tag, row.encryption_key_id))


def open_secret(session: Session, key_id: str) -> str:
    """The key in plain, for a job that is about to use it.

    Raises NotFoundError, and DecryptionError after the key is marked so that its owner can read why.
    """
    row = session.get(ApiKey, key_id)
    if row is None:
        raise NotFoundError("Key")
    secret = unseal_or_mark(row)
    now = utcnow()
    if row.last_used is None or row.last_used <= now - TOUCH:
        row.last_used = now
        session.flush()
    audit.note_use(session, row.organization_id, "key", row.id, "pull")
    return secret


def unseal_or_mark(row: ApiKey) -> str:
    """The key in plain. Raises DecryptionError after the key is marked."""
    try:
        return unseal(row)
    except DecryptionError as error:
        # The caller's transaction is rolled back by this error, and the mark must stay.
        with db.session() as own:
            mark_key(own, row.id, KeyStatus.FAILING, error.message)
        raise


def mark_key(session: Session, key_id: str, status: KeyStatus, message: str | None) -> None:
    """Note what the last contact with the provider said of this key; nothing to do when it was deleted meanwhile."""
    row = session.get(ApiKey, key_id)
    if row is None:
        return
    if row.status is not status:
        tell_changed(session, row)
    row.status, row.status_message = status, message
    if status is KeyStatus.ACTIVE:
        row.last_validated = utcnow()
    session.flush()


def tell_changed(session: Session, row: ApiKey) -> None:
    """After the commit calls go out with the keys as they are then, and their provider's standing is read anew."""
    kept.forget(session, kept.provider_owner(row.provider))
    if row.organization_id is not None:
        db.after_commit(session, partial(live.tell_gateways, row.organization_id))
