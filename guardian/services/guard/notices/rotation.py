"""Re-sealing with a new encryption key what channels and alerts keep sealed: addresses, and secrets that sign."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from guardian.crypto import EncryptionService
from guardian.errors import DecryptionError
from guardian.models import Alert, NotificationTarget
from guardian.services.people.provider_keys.rotation import Batch, Unopened

_BATCH = 200

Row = TypeVar("Row", NotificationTarget, Alert)


def reseal_channels(
    session: Session, encryption: EncryptionService, *, after: str | None = None, dry_run: bool = False
) -> Batch:
    """The next channels, as provider_keys.reseal_batch does it for keys. Only the command line calls it."""
    query = select(NotificationTarget).order_by(col(NotificationTarget.id))
    if after is not None:
        query = query.where(col(NotificationTarget.id) > after)
    rows = _locked(session, query, dry_run)
    return _resealed(
        rows, dry_run, lambda row: f"channel {row.name}", lambda row, keep: _channel(row, encryption, keep)
    )


def reseal_alerts(
    session: Session, encryption: EncryptionService, *, after: str | None = None, dry_run: bool = False
) -> Batch:
    """The secrets of the next alerts that have a webhook of their own, in the same way."""
    query = select(Alert).where(func.jsonb_array_length(Alert.webhook_secrets) > 0).order_by(col(Alert.id))
    if after is not None:
        query = query.where(col(Alert.id) > after)
    rows = _locked(session, query, dry_run)
    return _resealed(rows, dry_run, lambda row: f"alert {row.name}", lambda row, keep: _alert(row, encryption, keep))


def _locked(session: Session, query: SelectOfScalar[Row], dry_run: bool) -> Sequence[Row]:
    return session.exec((query if dry_run else query.with_for_update()).limit(_BATCH)).all()


def _resealed(
    rows: Sequence[Row], dry_run: bool, name: Callable[[Row], str], reseal: Callable[[Row, bool], bool]
) -> Batch:
    changed = current = 0
    unopened: list[Unopened] = []
    for row in rows:
        try:
            if reseal(row, not dry_run):
                changed += 1
            else:
                current += 1
        except DecryptionError as error:
            unopened.append(Unopened(id=row.id, name=name(row), reason=error.message))
    return Batch(last_id=rows[-1].id if rows else None, resealed=changed, current=current, unopened=tuple(unopened))


def _channel(row: NotificationTarget, encryption: EncryptionService, keep: bool) -> bool:
    """Whether it has to be sealed anew; done when it is to be kept. Raises DecryptionError."""
    if _is_current(encryption, row.encrypted_config, row.iv, row.tag):
        return False
    sealed = encryption.encrypt(encryption.decrypt(row.encrypted_config, row.iv, row.tag))
    if keep:
        row.encrypted_config, row.iv, row.tag = sealed.encrypted_data, sealed.iv, sealed.tag
    return True


def _alert(row: Alert, encryption: EncryptionService, keep: bool) -> bool:
    stored: list[dict[str, Any]] = row.webhook_secrets or []
    if all(_is_current(encryption, each["key"], each["iv"], each["tag"]) for each in stored):
        return False
    renewed: list[dict[str, Any]] = []
    for each in stored:
        sealed = encryption.encrypt(encryption.decrypt(each["key"], each["iv"], each["tag"]))
        renewed.append({**each, "key": sealed.encrypted_data, "iv": sealed.iv, "tag": sealed.tag})
    if keep:
        row.webhook_secrets = renewed
    return True


def _is_current(encryption: EncryptionService, data: str, iv: str, tag: str) -> bool:
    try:
        encryption.decrypt(data, iv, tag, encryption.current_key_id)
    except DecryptionError:
        return False
    return True
