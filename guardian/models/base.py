"""What every table shares: time-ordered ids, column types, constraint names."""

import hashlib
import random
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Numeric, func, text
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.dialects.postgresql import JSONB
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
_TIME_DIGITS = 8  # base 36 milliseconds: enough until the year 2059
_TAIL_DIGITS = 16  # 82 bits

MONEY = Numeric(20, 10)
TIMESTAMP = DateTime(timezone=True)


def _base36(number: int, width: int) -> str:
    """The last `width` digits (an even number of them). Every stored row has such an id: pairs take half the time."""
    digits: list[str] = []
    for _ in range(width // 2):
        number, rest = divmod(number, 1296)
        digits.append(_PAIRS[rest])
    return "".join(digits[::-1])


def new_id(at: datetime | None = None) -> str:
    """A new id in cuid form ("c" and 24 base-36 digits); ids sort by their time to the millisecond."""
    moment = at or datetime.now(UTC)
    # No secret, and nobody is let in for knowing one: the system's own randomness takes nine times as long.
    tail = random.getrandbits(96)
    return "c" + _base36(int(moment.timestamp() * 1000), _TIME_DIGITS) + _base36(tail, _TAIL_DIGITS)


def derived_id(at: datetime, *identity: str | None) -> str:
    """The id of something that already has an identity: the same parts give the same id, so a replay changes nothing.

    None and "" are different parts.
    """
    parts: list[bytes] = []
    for part in identity:
        encoded = b"" if part is None else part.encode()
        parts.append(b"-" if part is None else b"%d:" % len(encoded) + encoded)
    digest = hashlib.sha256(b"".join(parts))
    number = int.from_bytes(digest.digest()[:12], "big")
    return "c" + _base36(int(at.timestamp() * 1000), _TIME_DIGITS) + _base36(number, _TAIL_DIGITS)


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
