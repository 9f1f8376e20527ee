"""The usage export: every fact of every row, as CSV that the import reads back, and as Parquet."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import pyarrow as pa
from sqlmodel import Session

from guardian.periods import rfc3339
from guardian.services.actor import Actor
from guardian.services.ledger.exports.columns import COLUMNS, NAMES, Kind, escaped, money
from guardian.services.ledger.exports.files import csv_file, parquet_file
from guardian.services.ledger.exports.reading import usage_rows
from guardian.services.ledger.views import UsageFilter

_TEXT: Mapping[Kind, Callable[[Any], str]] = {
    "text": lambda value: escaped(str(value)),
    "count": str,
    "money": money,
    "time": rfc3339,
    "document": str,
    "date": str,
}
_ARROW: Mapping[Kind, Any] = {
    "text": pa.string(),
    "count": pa.int64(),
    "money": pa.decimal128(22, 12),
    "time": pa.timestamp("us", tz="UTC"),
    "document": pa.string(),
    "date": pa.date32(),
}


def usage_csv(session: Session, actor: Actor, usage: UsageFilter) -> Iterator[bytes]:
    """The file in pieces. Errors are raised before the first one. Raises AuthorizationError, ValidationError."""
    rows = usage_rows(session, actor, usage)
    columns = [(name, _TEXT[kind]) for name, (_, kind) in COLUMNS.items()]
    cells = (["" if row[name] is None else text(row[name]) for name, text in columns] for row in rows)
    return csv_file(NAMES, cells)


def usage_parquet(session: Session, actor: Actor, usage: UsageFilter) -> Iterator[bytes]:
    """The same as Parquet: amounts as decimals, times as instants. Raises as usage_csv."""
    rows = usage_rows(session, actor, usage)
    schema = cast("Any", pa).schema([(name, _ARROW[kind]) for name, kind in COLUMNS.values()])
    return parquet_file(schema, ({COLUMNS[name][0]: value for name, value in row.items()} for row in rows))
