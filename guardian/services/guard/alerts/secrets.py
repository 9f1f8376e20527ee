"""The secrets that sign what goes to an alert's own webhook: made, rotated, opened.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from guardian.channels.signing import new_secret
from guardian.crypto import encryption
from guardian.models import Alert
from guardian.periods import rfc3339

OVERLAP = timedelta(hours=24)


def renew_secret(alert: Alert, now: datetime) -> str:
    """A new secret for this alert, which is told once; the one before signs too for another 24 h."""
    secret = new_secret()
    sealed = encryption().encrypt(secret)
    newest = {"key": sealed.encrypted_data, "iv": sealed.iv, "tag": sealed.tag, "until": None}
    before = [{**each, "until": rfc3339(now + OVERLAP)} for each in (alert.webhook_secrets or [])[:1]]
    alert.webhook_secrets = [newest, *before]
    return secret


def secrets_of(alert: Alert, now: datetime) -> list[str]:
    """The secrets that sign now, the newest first. Raises DecryptionError."""
    return signing_secrets(alert.webhook_secrets or [], now)


def signing_secrets(stored: Iterable[dict[str, Any]], now: datetime) -> list[str]:
    """The same, of secrets as an alert keeps them."""
    return [_open(each) for each in stored if _signs(each, now)]


def _signs(stored: dict[str, Any], now: datetime) -> bool:
    until: str | None = stored["until"]
    return until is None or datetime.fromisoformat(until) > now


def _open(stored: dict[str, Any]) -> str:
    return encryption().decrypt(stored["key"], stored["iv"], stored["tag"])
