"""Re-sealing with a new encryption key what channels and alerts keep sealed: addresses, and secrets that sign."""

from functools import partial
from typing import Any

from sqlmodel import Session, col, func, select

from guardian.crypto import EncryptionService
from guardian.errors import DecryptionError
from guardian.models import Alert, NotificationTarget
from guardian.services.people.resealing import Batch, reseal


def reseal_channels(
    session: Session, encryption: EncryptionService, *, after: str | None = None, dry_run: bool = False
) -> Batch:
    """The next channels, as resealing.reseal says."""
    return reseal(
        session,
        select(NotificationTarget),
        col(NotificationTarget.id),
        partial(_channel, encryption),
        lambda row: f"channel {row.name}",
        after=after,
        dry_run=dry_run,
    )


def reseal_alerts(
    session: Session, encryption: EncryptionService, *, after: str | None = None, dry_run: bool = False
) -> Batch:
    """The secrets of the next alerts that have a webhook of their own, in the same way."""
    return reseal(
        session,
        select(Alert).where(func.jsonb_array_length(Alert.webhook_secrets) > 0),
        col(Alert.id),
        partial(_alert, encryption),
        lambda row: f"alert {row.name}",
        after=after,
        dry_run=dry_run,
    )


def _channel(encryption: EncryptionService, row: NotificationTarget, keep: bool) -> bool:
    """Whether it has to be sealed anew; done when it is to be kept. Raises DecryptionError."""
    if _is_current(encryption, row.encrypted_config, row.iv, row.tag):
        return False
    sealed = encryption.encrypt(encryption.decrypt(row.encrypted_config, row.iv, row.tag))
    if keep:
        row.encrypted_config, row.iv, row.tag = sealed.encrypted_data, sealed.iv, sealed.tag
    return True


def _alert(encryption: EncryptionService, row: Alert, keep: bool) -> bool:
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
