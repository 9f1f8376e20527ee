"""When the gateway last called with the keys of the vault, as its shipped calls tell; written once a minute at most."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import or_
from sqlmodel import Session, col, update

from guardian import db
from guardian.models import ApiKey
from guardian.models.enums import UsageOrigin
from guardian.services.ledger.ingest.entries import CallEntry
from guardian.services.people import audit
from guardian.services.people.provider_keys.vault import TOUCH

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class KeyUses:
    """What this process has written of each key. Shipping is not kept up by it: most batches write nothing."""

    def __init__(self) -> None:
        self._written: dict[str, int] = {}

    def note(self, entries: Iterable[CallEntry]) -> None:
        """Write down the newest call of each key, in a transaction of its own."""
        newest: dict[str, int] = {}
        owners: dict[str, str] = {}
        for entry in entries:
            key_id = entry.api_key_id
            if key_id is not None and entry.origin == UsageOrigin.GATEWAY and entry.at > newest.get(key_id, 0):
                newest[key_id], owners[key_id] = entry.at, entry.organization_id
        touch = TOUCH // _MICROSECOND
        due = {key_id: at for key_id, at in newest.items() if at >= self._written.get(key_id, -touch) + touch}
        if due:
            with db.session() as session:
                _write(session, due)
            for key_id in due:
                # Each in a transaction of its own: nobody waits for two organizations' logs at once.
                with db.session() as session:
                    audit.note_use(session, owners[key_id], "key", key_id, "gateway")
            self._written |= due


def _write(session: Session, newest: dict[str, int]) -> None:
    # In the order of their ids, so that two who write never wait for each other in a circle.
    for key_id, at in sorted(newest.items()):
        moment = _EPOCH + at * _MICROSECOND
        older = or_(col(ApiKey.last_used).is_(None), col(ApiKey.last_used) <= moment - TOUCH)
        # To be used is no change of it: whoever is about to change it still has its newest version.
        used = {"last_used": moment, "updated_at": col(ApiKey.updated_at)}
        session.exec(update(ApiKey).where(col(ApiKey.id) == key_id, older).values(used))
