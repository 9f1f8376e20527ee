"""A channel's settings, sealed and opened: the address of a webhook lets anybody write there."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from guardian.channels.signing import new_secret
from guardian.crypto import encryption
from guardian.models import NotificationTarget
from guardian.models.enums import NotificationChannel
from guardian.periods import rfc3339
from guardian.services.guard.incidents import place_of_channel
from guardian.services.guard.notices.checking import SECRETS, hint_of

OVERLAP = timedelta(hours=24)  # in which the secret before the current one signs too
PREVIOUS_UNTIL = "previousSecretUntil"  # in a target's metadata


def seal_config(row: NotificationTarget, config: Mapping[str, Any]) -> None:
    """Put the settings into the row, under the current encryption key."""
    sealed = encryption().encrypt(json.dumps(config))
    row.encrypted_config, row.iv, row.tag = sealed.encrypted_data, sealed.iv, sealed.tag
    row.hint = hint_of(row.kind, config)


def open_config(row: NotificationTarget) -> dict[str, Any]:
    """The settings as they are kept. Raises DecryptionError."""
    return _opened(place_of_channel(row))


def usable_config(row: NotificationTarget, now: datetime) -> dict[str, Any]:
    """The settings as a sender takes them: of the secrets those that sign now. Raises DecryptionError."""
    return carried_config(row.kind, place_of_channel(row), now)


def carried_config(kind: NotificationChannel, place: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The same, of the place that a message carries."""
    config = _opened(place)
    if kind is NotificationChannel.WEBHOOK:
        config[SECRETS] = [each["secret"] for each in config[SECRETS] if _signs(each, now)]
    return config


def with_first_secret(config: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The settings of a new webhook, and its secret, which is told once."""
    secret = new_secret()
    return {**config, SECRETS: [{"secret": secret, "until": None}]}, secret


def rotate(row: NotificationTarget, now: datetime) -> str:
    """A new secret, which is told once; the one before signs too for another 24 h. Raises DecryptionError."""
    config, secret = open_config(row), new_secret()
    until = rfc3339(now + OVERLAP)
    before = [{**each, "until": until} for each in config[SECRETS][:1]]
    seal_config(row, {**config, SECRETS: [{"secret": secret, "until": None}, *before]})
    row.meta = {**(row.meta or {}), PREVIOUS_UNTIL: until}
    return secret


def _opened(place: Mapping[str, Any]) -> dict[str, Any]:
    opened: dict[str, Any] = json.loads(encryption().decrypt(place["config"], place["iv"], place["tag"]))
    return opened


def _signs(stored: Mapping[str, Any], now: datetime) -> bool:
    until: str | None = stored["until"]
    return until is None or datetime.fromisoformat(until) > now
