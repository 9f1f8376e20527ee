"""What every table shares: time-ordered ids, column types, constraint names."""

import hashlib
import random
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Dialect, Numeric, func, text
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

# One rule for every constraint's name, so that a migration can name what it drops.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = tuple(one + two for one in _DIGITS for two in _DIGITS)
_EIGHT = 36**8
ID_LENGTH = 25
_TIMED = 9  # of these are "c" and the time

MONEY = Numeric(20, 10)
TIMESTAMP = DateTime(timezone=True)


def _base36(number: int) -> str:
    """The last eight digits. Every stored row has three such parts in its id: pairs, and no loop, take a third."""
    number, last = divmod(number, 1296)
    number, third = divmod(number, 1296)
    number, second = divmod(number, 1296)
    return _PAIRS[number % 1296] + _PAIRS[second] + _PAIRS[third] + _PAIRS[last]


def _id(at: datetime, number: int) -> str:
    """Eight digits of milliseconds, enough until the year 2059, and sixteen, 82 bits, of the number."""
    high, low = divmod(number, _EIGHT)
    return f"c{_base36(int(at.timestamp() * 1000))}{_base36(high)}{_base36(low)}"


def new_id(at: datetime | None = None) -> str:
    """A new id in cuid form ("c" and 24 base-36 digits); ids sort by their time to the millisecond."""
    moment = at or datetime.now(UTC)
    # No secret, and nobody is let in for knowing one: the system's own randomness takes nine times as long.
    return _id(moment, random.getrandbits(96))


def derived_id(at: datetime, *identity: str | None) -> str:
    """The id of something that already has an identity: the same parts give the same id, so a replay changes nothing.

    None and "" are different parts.
    """
    digest = hashlib.sha256(b"".join([b"-" if part is None else _measured(part.encode()) for part in identity]))
    return _id(at, int.from_bytes(digest.digest()[:12], "big"))


def id_at(id: str, at: datetime) -> str:
    """What the id derived from the same identity would be at another time."""
    return f"c{_base36(int(at.timestamp() * 1000))}{id[_TIMED:]}"


def _measured(part: bytes) -> bytes:
    return b"%d:%b" % (len(part), part)


def enum_type(enum: type[StrEnum], name: str) -> SqlEnum:
    """A native PostgreSQL enum that stores the values, not Python's member names."""
    return SqlEnum(enum, name=name, values_callable=_values)


def _values(enum: type[StrEnum]) -> list[str]:
    return [member.value for member in enum]


def enum_field(enum: type[StrEnum], name: str, default: StrEnum | None = None, **options: Any) -> Any:
    """A column of that enum, whose default is also the database's."""
    kwargs: dict[str, Any] = {"server_default": default.value} if default is not None else {}
    if default is not None:
        options["default"] = default
    return Field(sa_type=enum_type(enum, name), sa_column_kwargs=kwargs, **options)  # pyright: ignore[reportCallIssue, reportArgumentType, reportUnknownVariableType]  # SQLModel types sa_type as a class only


def json_field(column: str | None = None) -> Any:
    """A jsonb column that defaults to {}, in Python and in the database."""
    kwargs: dict[str, Any] = {"server_default": text("'{}'::jsonb")}
    if column:
        kwargs["name"] = column
    return Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs=kwargs)


class Document(TypeDecorator[dict[str, Any]]):
    """A jsonb object that is NULL in the database where it is empty, as most of a call's are."""

    impl = JSONB(none_as_null=True)
    cache_ok = True

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return self.impl_instance.coerce_compared_value(op, value)

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> dict[str, Any] | None:
        return value or None

    def process_result_value(self, value: dict[str, Any] | None, dialect: Dialect) -> dict[str, Any]:
        return {} if value is None else value


def document_field(column: str | None = None) -> Any:
    """A jsonb column that is {} most often, and takes no room then."""
    kwargs: dict[str, Any] = {"server_default": text("'{}'::jsonb")}
    if column:
        kwargs["name"] = column
    return Field(default_factory=dict, sa_type=Document, nullable=True, sa_column_kwargs=kwargs)


def json_list_field() -> Any:
    """A jsonb column that defaults to []."""
    return Field(default_factory=list, sa_type=JSONB, sa_column_kwargs={"server_default": text("'[]'::jsonb")})


def money_field(*, nullable: bool = False, default: Any = None) -> Any:
    """NUMERIC(20,10) dollars: ten embedding tokens cost $0.0000002, a busy bucket passes $9,999.999999."""
    kwargs: dict[str, Any] = {} if default is None else {"server_default": str(default)}
    if default is not None:
        return Field(default=default, sa_type=MONEY, nullable=nullable, sa_column_kwargs=kwargs)  # pyright: ignore[reportCallIssue, reportArgumentType]  # as above
    if nullable:
        return Field(default=None, sa_type=MONEY, nullable=True)  # pyright: ignore[reportCallIssue, reportArgumentType]  # as above
    return Field(sa_type=MONEY)  # pyright: ignore[reportCallIssue, reportArgumentType]  # as above


def time_field(*, now: bool = False, nullable: bool = False, on_update: bool = False, **options: Any) -> Any:
    """A timestamptz column; `now` makes it default to the present, in Python and in the database."""
    kwargs: dict[str, Any] = {}
    if now:
        kwargs["server_default"] = func.now()
        options["default_factory"] = _now
    elif nullable:
        options["default"] = None
    if on_update:
        kwargs["onupdate"] = _now
    return Field(sa_type=TIMESTAMP, nullable=nullable, sa_column_kwargs=kwargs, **options)  # pyright: ignore[reportCallIssue, reportArgumentType, reportUnknownVariableType]  # as above


def count_field(default: int | None = 0) -> Any:
    """A bigint counter: one bucket of a busy account passes two billion tokens."""
    if default is None:
        return Field(default=None, sa_type=BigInteger, nullable=True)
    return Field(default=default, sa_type=BigInteger, sa_column_kwargs={"server_default": str(default)})


class Share(TypeDecorator[int]):
    """A bigint that is NULL in the database where it is zero, as most shares of a call are; sums of none are zero, too.

    In SQL of our own it is `coalesce(…, 0)`.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        return value or None

    def process_result_value(self, value: int | None, dialect: Dialect) -> int:
        return 0 if value is None else value


def share_field() -> Any:
    """A counter that is zero most often, and takes no room then."""
    return Field(default=0, sa_type=Share, nullable=True)


def flag_field(default: bool) -> Any:
    return Field(default=default, sa_column_kwargs={"server_default": text("true" if default else "false")})


def _now() -> datetime:
    return datetime.now(UTC)


class Table(SQLModel):
    """Base of every table."""

    if TYPE_CHECKING:
        # SQLModel declares it as an untyped declared_attr; a plain name is what it takes.
        __tablename__: ClassVar[str]  # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleUnannotatedOverride]


class Row(Table):
    """A table row with a cuid, and its times of birth and of last change."""

    id: str = Field(default_factory=new_id, primary_key=True)
    created_at: datetime = time_field(now=True)
    updated_at: datetime = time_field(now=True, on_update=True)


def relation(**options: Any) -> Any:
    """Options of a relation that never runs a query behind the reader's back: load it explicitly, or it raises."""
    return {"lazy": "raise_on_sql", **options}
