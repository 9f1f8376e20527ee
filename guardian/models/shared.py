"""SharedText: what very many rows have in common, kept once, under a number that is made of it."""

import hashlib

from sqlalchemy import BigInteger, Dialect, Text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field

from guardian.models.base import Table


class SharedText(Table, table=True):
    """`id` is `shared_id` of the text: whoever writes it writes the same row, without asking a sequence.

    Rows refer to it by its id alone. Nothing is ever changed or taken away here.
    """

    __tablename__ = "shared_texts"

    id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    text: str = Field(sa_type=Text)


def shared_id(text: str) -> int:
    """64 bits of a hash of the text: of a million texts, two have the same one with a chance of 1 to 37 millions."""
    return int.from_bytes(hashlib.sha256(storable(text).encode()).digest()[:8], "big", signed=True)


def storable(text: str) -> str:
    """As PostgreSQL takes it: without NUL, and half a surrogate pair has no UTF-8."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


class Shared(TypeDecorator[str | int]):
    """The column of an id of SharedText. A text is written, and compared, as its id; what is read is the id."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: str | int | None, dialect: Dialect) -> int | None:
        return shared_id(value) if isinstance(value, str) else value
