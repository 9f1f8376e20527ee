"""The process's one engine and one Redis connection."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy

from guardian import db, queue
from tests.conftest import Servers


def test_threads_that_ask_at_once_get_the_same_engine(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    make = sqlalchemy.create_engine

    def slowly(*arguments: object, **options: object) -> object:
        time.sleep(0.05)  # long enough for every thread to have asked
        return make(*arguments, **options)

    monkeypatch.setattr(db, "create_engine", slowly)
    gate = Barrier(4)

    def ask(_: int) -> tuple[int, int]:
        gate.wait()
        return id(db.engine()), id(queue.connection())

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(ask, range(4)))) == 1
