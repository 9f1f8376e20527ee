"""Everything that the database keeps sealed, for a change of the encryption key: one list of it, and one way through.

Mailed links and cookies of sign-in are with people: without ENCRYPTION_KEY_PREVIOUS they count as expired.
"""

from collections.abc import Iterator
from typing import Protocol

from sqlmodel import Session

from guardian import db
from guardian.crypto import EncryptionService
from guardian.services.guard.notices.rotation import reseal_alerts, reseal_channels, reseal_messages
from guardian.services.people.access.second_factor_rotation import reseal_second_factors
from guardian.services.people.audit_resealing import reseal_heads
from guardian.services.people.provider_keys.rotation import reseal_keys
from guardian.services.people.repeats_resealing import reseal_answers
from guardian.services.people.resealing import Batch


class Reseal(Protocol):
    def __call__(
        self, session: Session, encryption: EncryptionService, *, after: str | None = None, dry_run: bool = False
    ) -> Batch: ...


RESEALED: dict[str, Reseal] = {
    "api_keys": reseal_keys,
    "notification_targets": reseal_channels,
    "alerts": reseal_alerts,
    "alert_notifications": reseal_messages,
    "second_factors": reseal_second_factors,
    "activity_heads": reseal_heads,
    "idempotent_requests": reseal_answers,
}
"""By the table whose sealed columns it renews."""


def reseal_all(encryption: EncryptionService, *, dry_run: bool = False) -> Iterator[Batch]:
    """Each batch in a transaction of its own: web and gateway go on meanwhile, since they open what either key sealed.

    Run again, it changes nothing.
    """
    for reseal in RESEALED.values():
        after, more = None, True
        while more:
            with db.session() as session:
                batch = reseal(session, encryption, after=after, dry_run=dry_run)
            yield batch
            after, more = batch.last_id, batch.last_id is not None
