"""The shape of every answer: what FastAPI documents and what a client reads."""

import unicodedata
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, StringConstraints

from guardian.periods import rfc3339

T = TypeVar("T")


def camel(name: str) -> str:
    """cache_write_5m_tokens → cacheWrite5mTokens; Pydantic's own makes 5M of it."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def plain(amount: Decimal) -> str:
    """An amount as people write it: never an exponent, no zeros at the end ("0.0000002", "12.5", "0")."""
    text = f"{amount:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _no_control_characters(text: str) -> str:
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise ValueError("must not contain control characters")
    return text


# Marks that turn the direction of what follows, and blanks without width: a name with them is not the one that is read.
_DECEIVING = frozenset(
    "\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)


def _one_spelling(text: object) -> object:
    """NFC: "é" of one and of two characters are one name, and found by each other."""
    return unicodedata.normalize("NFC", text) if isinstance(text, str) and not text.isascii() else text


def _as_it_reads(text: str) -> str:
    if not _DECEIVING.isdisjoint(text):
        raise ValueError("must not contain invisible characters or marks that change the direction of text")
    return text


Money = Annotated[Decimal, PlainSerializer(plain, return_type=str)]
Time = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]
Line = Annotated[
    str,
    BeforeValidator(_one_spelling),
    StringConstraints(strip_whitespace=True, max_length=200),
    AfterValidator(_no_control_characters),
    AfterValidator(_as_it_reads),
]


class Body(BaseModel):
    """What a client sends: camelCase, and nothing that we do not know."""

    model_config = ConfigDict(alias_generator=camel, extra="forbid", hide_input_in_errors=True)


class Out(BaseModel):
    """What a client gets: camelCase, made from a view of the services."""

    model_config = ConfigDict(alias_generator=camel, populate_by_name=True, from_attributes=True)


class Metadata(Out):
    """`response_time` is in milliseconds."""

    timestamp: Time
    request_id: str
    response_time: int


class ListMetadata(Metadata):
    """`next_cursor` asks for the next page; null on the last one."""

    next_cursor: str | None


class Envelope(BaseModel, Generic[T]):
    success: Literal[True] = True
    data: T
    metadata: Metadata


class ListEnvelope(BaseModel, Generic[T]):
    success: Literal[True] = True
    data: list[T]
    metadata: ListMetadata


class Failure(Out):
    """`retry_after`, in seconds, is there on 429 and 503 only."""

    success: Literal[False] = False
    error: str
    code: str
    details: Any = None
    request_id: str
    retry_after: int | None = None
