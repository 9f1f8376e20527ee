"""Many rows in one statement: read by PostgreSQL from one JSON document, or, where there are thousands, from COPY."""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Table, TextClause, text
from sqlalchemy.dialects import postgresql
from sqlmodel import Session

from guardian import db
from guardian.models.bills import Bill, stored

Row = dict[str, Any]
"""One row by database column name. All rows of one call have the same columns."""

# A usage row is about 1.2 KB of JSON, so that a statement carries some 6 MB.
_ROWS_PER_STATEMENT = 5_000
_FEW = 100  # rows, up to which it is not worth while to stage them
_DIALECT = postgresql.dialect()


def upsert(
    session: Session, table: Table, rows: Sequence[Row], *, replace: Iterable[str] = (), add: Iterable[str] = ()
) -> None:
    """Insert rows in the order given. Where the primary key exists, the columns `replace` take the new values instead,
    and to the columns `add` the new values are added. Names come from our code, never from input.
    """
    if not rows:
        return
    statement = _upserting(table, tuple(rows[0]), tuple(replace), tuple(add))
    for some in _portions(rows):
        session.connection().execute(statement, {"rows": _document(table, some)})


@lru_cache(maxsize=32)
def _upserting(table: Table, names: tuple[str, ...], replace: tuple[str, ...], add: tuple[str, ...]) -> TextClause:
    key = [column.name for column in table.primary_key.columns]
    changes = [f'"{name}" = EXCLUDED."{name}"' for name in replace]
    changes += [f'"{name}" = {table.name}."{name}" + EXCLUDED."{name}"' for name in add]
    columns = _quoted(names)
    return text(
        f"INSERT INTO {table.name} ({columns}) "  # noqa: S608  # all names are our own
        f"SELECT {columns} FROM json_populate_recordset(NULL::{table.name}, CAST(:rows AS json)) "
        f"ON CONFLICT ({_quoted(key)}) DO UPDATE SET {', '.join(changes)}"
    )


def copy_new(
    session: Session, table: Table, columns: Sequence[str], lines: Iterable[str], null: str, returning: str, query: str
) -> list[tuple[Any, ...]]:
    """Insert those of the rows whose primary key does not exist yet, and leave the others as they are.

    `lines` are rows in the text format of COPY, with `null` for null. `query` is asked of `new`, which holds the
    columns `returning` of the rows that were new; its answer is given. Some 40,000 usage rows a second get into the
    ledger this way, and 6,000 as JSON. The staging table lives as long as its connection: to make one for each call
    would bloat the catalog. A few go in with the one statement: of what they cost, most would be the way there.
    """
    connection = session.connection()
    driver = driver_of(connection)
    # Half a surrogate pair has no UTF-8: PostgreSQL would refuse the whole block.
    written = [line.encode("utf-8", "replace") for line in lines]
    whole = b"".join(written)
    # A backslash is one that COPY alone would undo.
    if len(written) <= _FEW and b"\\" not in whole:
        inserting = _inserting(table, tuple(columns), null, returning, query)
        return driver.execute(inserting, (whole[:-1].decode(),)).fetchall()
    staging, create, clear, copying, insert = _staged(table.name, tuple(columns), null, returning, query)
    with driver.cursor() as cursor:
        if not _is_staged(session, connection, cursor, staging):
            cursor.execute(create)
        elif session.info.get(staging) is session.get_transaction():
            cursor.execute(clear)
        session.info[staging] = session.get_transaction()
        with cursor.copy(copying) as copy:
            copy.write(whole)
        cursor.execute(insert)
        return cursor.fetchall()


def driver_of(connection: Connection) -> "psycopg.Connection[Any]":
    """The driver's connection, for statements that run so often that what SQLAlchemy does around each would show."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def _is_staged(session: Session, connection: Connection, cursor: psycopg.Cursor[Any], staging: str) -> bool:
    """Whether the connection has the staging table; asked until it is there of an earlier transaction."""
    if staging in connection.info:
        return True
    # Behind a pooler the next transaction may be on a connection without it: there it is asked for each time.
    found = cursor.execute("SELECT to_regclass('pg_temp.' || %s::text)", (staging,)).fetchone() != (None,)
    # What this transaction has made may yet be rolled back.
    if found and staging not in session.info and not db.is_pooled():
        connection.info[staging] = True
    return found


@lru_cache(maxsize=8)
def _inserting(table: Table, columns: tuple[str, ...], null: str, returning: str, query: str) -> bytes:
    """What reads the rows from their text, as COPY would, and stores them."""
    kinds = [table.c[name].type.compile(dialect=_DIALECT) for name in columns]
    values = ", ".join([f"CAST(part[{place}] AS {kind})" for place, kind in enumerate(kinds, 1)])
    return (
        f"WITH new AS (INSERT INTO {table.name} ({_quoted(columns)}) SELECT {values} "  # noqa: S608  # as in _upserting
        f"FROM string_to_table(%s::text, E'\\n') AS line, string_to_array(line, E'\\t', '{null}') AS part "
        f"ON CONFLICT DO NOTHING RETURNING {returning}) {query}"
    ).encode()


@lru_cache(maxsize=8)
def _staged(
    table: str, columns: tuple[str, ...], null: str, returning: str, query: str
) -> tuple[str, bytes, bytes, bytes, bytes]:
    """The staging table's name, and what makes it, empties it, fills it and moves its rows on."""
    staging = f"incoming_{zlib.crc32(','.join(columns).encode()):08x}"
    names = _quoted(columns)
    return (
        staging,
        (
            f"CREATE TEMP TABLE {staging} ON COMMIT DELETE ROWS AS "  # noqa: S608  # all names are our own
            f"SELECT {names} FROM {table} WITH NO DATA"
        ).encode(),
        f"DELETE FROM {staging}".encode(),  # noqa: S608  # as above
        f"COPY {staging} ({names}) FROM STDIN (NULL '{null}')".encode(),
        (
            f"WITH new AS (INSERT INTO {table} ({names}) SELECT {names} FROM {staging} "  # noqa: S608  # as above
            f"ON CONFLICT DO NOTHING RETURNING {returning}) {query}"
        ).encode(),
    )


def insert_new(session: Session, table: Table, rows: Sequence[Row]) -> set[str]:
    """Insert the rows whose primary key does not exist yet, and leave the others as they are; gives the new ids."""
    found: set[str] = set()
    for some in _portions(rows):
        columns = _quoted(some[0])
        statement = text(
            f"INSERT INTO {table.name} ({columns}) "  # noqa: S608  # as in _upserting
            f"SELECT {columns} FROM json_populate_recordset(NULL::{table.name}, CAST(:rows AS json)) "
            "ON CONFLICT DO NOTHING RETURNING id"
        )
        found.update(session.connection().execute(statement, {"rows": _document(table, some)}).scalars())
    return found


def delete(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Delete the rows that have these rows' primary keys."""
    key = [column.name for column in table.primary_key.columns]
    statement = text(
        f"DELETE FROM {table.name} WHERE ({_quoted(key)}) IN "  # noqa: S608  # as above
        f"(SELECT {_quoted(key)} FROM json_populate_recordset(NULL::{table.name}, CAST(:rows AS json)))"
    )
    for some in _portions(rows):
        keys = [{name: row[name] for name in key} for row in some]
        session.connection().execute(statement, {"rows": json.dumps(keys, default=str)})


def _document(table: Table, rows: Sequence[Row]) -> str:
    """The rows as JSON. Decimal and datetime both are read back exactly from what str() writes."""
    bills = [name for name in rows[0] if isinstance(table.c[name].type, Bill)]
    if bills:
        rows = [{**row, **{name: stored(row[name]) for name in bills}} for row in rows]
    return json.dumps(rows, default=str)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _portions(rows: Sequence[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while some := list(islice(left, _ROWS_PER_STATEMENT)):
        yield some
