"""Re-sealing with a new encryption key what channels, alerts and messages keep sealed: addresses and secrets."""

from functools import partial
from typing import Any

from sqlmodel import Session, col, func, select

from guardian.crypto import EncryptionService
from guardian.errors import DecryptionError
from guardian.models import Alert, AlertNotification, NotificationTarget
from guardian.services.guard.incidents import PLACE, place_in
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


def reseal_messages(
    session: Session, encryption: EncryptionService, *, after: str | None = None, dry_run: bool = False
) -> Batch:
    """The places that the next messages carry, in the same way. One that no key opens fails when it is sent."""
    return reseal(
        session,
        select(AlertNotification).where(col(AlertNotification.payload)[PLACE].is_not(None)),
        col(AlertNotification.id),
        partial(_message, encryption),
        lambda row: None,
        after=after,
        dry_run=dry_run,
    )


def _message(encryption: EncryptionService, row: AlertNotification, keep: bool) -> bool:
    place = dict(place_in(row) or {})
    if "secrets" in place:
        renewed = _secrets(encryption, place["secrets"])
        place |= {} if renewed is None else {"secrets": renewed}
    elif _is_current(encryption, place["config"], place["iv"], place["tag"]):
        renewed = None
    else:
        renewed = encryption.encrypt(encryption.decrypt(place["config"], place["iv"], place["tag"]))
        place = {"config": renewed.encrypted_data, "iv": renewed.iv, "tag": renewed.tag}
    if renewed is not None and keep:
        row.payload = {**(row.payload or {}), PLACE: place}
    return renewed is not None


def _channel(encryption: EncryptionService, row: NotificationTarget, keep: bool) -> bool:
    """Whether it has to be sealed anew; done when it is to be kept. Raises DecryptionError."""
    if _is_current(encryption, row.encrypted_config, row.iv, row.tag):
        return False
    sealed = encryption.encrypt(encryption.decrypt(row.encrypted_config, row.iv, row.tag))
    if keep:
        row.encrypted_config, row.iv, row.tag = sealed.encrypted_data, sealed.iv, sealed.tag
    return True


def _alert(encryption: EncryptionService, row: Alert, keep: bool) -> bool:
    renewed = _secrets(encryption, row.webhook_secrets or [])
    if renewed is not None and keep:
        row.webhook_secrets = renewed
    return renewed is not None


def _secrets(encryption: EncryptionService, stored: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """An alert's secrets under the current key; None where they are so already. Raises DecryptionError."""
    if all(_is_current(encryption, each["key"], each["iv"], each["tag"]) for each in stored):
        return None
    renewed: list[dict[str, Any]] = []
    for each in stored:
        sealed = encryption.encrypt(encryption.decrypt(each["key"], each["iv"], each["tag"]))
        renewed.append({**each, "key": sealed.encrypted_data, "iv": sealed.iv, "tag": sealed.tag})
    return renewed


def _is_current(encryption: EncryptionService, data: str, iv: str, tag: str) -> bool:
    try:
        encryption.decrypt(data, iv, tag, encryption.current_key_id)
    except DecryptionError:
        return False
    return True
