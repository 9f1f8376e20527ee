"""KnownEvent: what is remembered of each event that a sender told, so that the same one told again is no new call."""

from sqlalchemy import BigInteger
from sqlmodel import Field

from guardian.models.base import Table


class KnownEvent(Table, table=True):
    """`key` and `rest` are 96 bits of a hash of the organization and of what the event is known by, `fingerprint` 32 of
    one of what it said.

    A row of the ledger has its time in its key, so that one event under two times would be two rows. Kept for good,
    some 75 bytes with its index, in which 64 bits take a third less than all of them would: of a billion events, one
    in forty billions finds its key taken by another, and goes to its second one (services.ledger.ingest.once). An event
    that is told again after years is still known. It names nobody.
    """

    __tablename__ = "known_events"

    key: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    rest: int
    fingerprint: int
