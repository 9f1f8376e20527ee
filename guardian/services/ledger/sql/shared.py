"""Texts that very many rows share: stored before the rows, once; read back by their ids."""

from collections.abc import Iterable, Mapping

import psycopg
from sqlalchemy import text
from sqlmodel import Session

from guardian import db
from guardian.errors import UnavailableError

_SEEN = "guardian.shared_texts_seen"
_MOST = 50_000  # texts in memory: some 10 MB
_STORED = text("SELECT id FROM shared_texts WHERE id = ANY(:ids)")
_READ = text("SELECT id, text FROM shared_texts WHERE id = ANY(:ids)")
# By their ids, which are made of them: what was once read is true for good, whatever the database.
_texts: dict[int, str] = {}


def keep_shared(session: Session, texts: Mapping[int, str]) -> None:
    """Have the texts (by `shared_id`) in the database; that costs a round trip for what a connection has not yet seen.

    New ones are committed at once, apart from the session's transaction: in it, everybody else who has the same new
    price would wait until it ends, which in an import is after minutes, and two could wait for each other. Raises
    UnavailableError.
    """
    connection = session.connection()
    seen: set[int] = connection.info.setdefault(_SEEN, set())
    unseen = texts.keys() - seen
    if not unseen:
        return
    stored = set(connection.execute(_STORED, {"ids": list(unseen)}).scalars())
    if new := sorted(unseen - stored):
        _store([(id, texts[id]) for id in new])
    if len(seen) > _MOST:
        seen.clear()
    seen |= unseen


def read_shared(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """The texts by their ids. Raises LookupError for one that is not there."""
    wanted = {id for id in ids if id is not None}
    if missing := wanted - _texts.keys():
        if len(_texts) > _MOST:
            _texts.clear()
            missing = wanted
        rows = session.connection().execute(_READ, {"ids": list(missing)})
        _texts.update({row.id: row.text for row in rows})
    return {id: _texts[id] for id in wanted}


def _store(texts: list[tuple[int, str]]) -> None:
    url = db.engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with (
            psycopg.connect(url, **db.connect_options()) as connection,
            connection.cursor() as cursor,
        ):
            cursor.executemany("INSERT INTO shared_texts (id, text) VALUES (%s, %s) ON CONFLICT DO NOTHING", texts)
    except psycopg.OperationalError as error:
        raise UnavailableError("The database does not answer. Nothing was changed; try again shortly.") from error
