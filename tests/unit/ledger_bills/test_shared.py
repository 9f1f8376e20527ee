"""Texts that rows share: there before their rows are, once, whoever brings them and whatever becomes of the rows."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, text
from sqlmodel import Session

from guardian import db
from guardian.models.shared import shared_id
from guardian.services.ledger.sql.shared import keep_shared, read_shared
from tests.conftest import Servers


def of(*texts: str) -> dict[int, str]:
    return {shared_id(each): each for each in texts}


def stored(session: Session) -> set[str]:
    return set(session.connection().execute(text("SELECT text FROM shared_texts")).scalars())


def test_they_stay_where_their_rows_do_not(session: Session) -> None:
    keep_shared(session, of("one", "two"))
    session.rollback()
    assert stored(session) == {"one", "two"}
    assert read_shared(session, [*of("two"), None]) == of("two")


def test_a_connection_asks_once_for_each(session: Session) -> None:
    asked: list[str] = []
    keep_shared(session, of("one"))
    event.listen(session.connection(), "before_cursor_execute", lambda *told: asked.append(told[2]))
    keep_shared(session, of("one"))
    assert asked == []
    keep_shared(session, of("one", "three"))
    assert len(asked) == 1


@pytest.mark.usefixtures("environment")
def test_many_may_bring_the_same_new_one_at_once() -> None:
    def bring(number: int) -> None:
        with db.session() as session:
            keep_shared(session, of("same", f"own {number}"))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(bring, range(12)))
    with db.session() as session:
        assert stored(session) == {"same", *(f"own {number}" for number in range(12))}


def test_another_database_has_none_of_them(session: Session, environment: Servers) -> None:
    """What the process knows of one database must not be taken for known in the next."""
    assert environment
    keep_shared(session, of("one"))
    session.connection().execute(text("DELETE FROM shared_texts"))
    session.commit()
    session.connection().invalidate()
    session.rollback()
    keep_shared(session, of("one"))
    assert stored(session) == {"one"}


def test_one_that_is_not_there_is_an_error(session: Session) -> None:
    with pytest.raises(LookupError):
        read_shared(session, [shared_id("never told")])
