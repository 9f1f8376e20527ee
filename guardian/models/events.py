"""KnownEvent: what is remembered of each event that a sender told, so that the same one told again is no new call."""

from uuid import UUID

from sqlalchemy import BigInteger, Uuid
from sqlmodel import Field

from guardian.models.base import Table


class KnownEvent(Table, table=True):
    """`key` is a hash of the organization and the sender's id of the event, `fingerprint` one of what it said.

    A row of the ledger has its time in its key, so that one event under two times would be two rows. Kept for good,
    some 100 bytes with its index: an event that is told again after years is still known. It names nobody.
    """

    __tablename__ = "known_events"

    key: UUID = Field(primary_key=True, sa_type=Uuid)
    fingerprint: int = Field(sa_type=BigInteger)
