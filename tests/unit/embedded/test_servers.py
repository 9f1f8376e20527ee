"""The embedded PostgreSQL and Redis: they start, keep their data, come back after kill -9, and open nobody's folder."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from guardian.embedded.postgres import PostgresServer
from guardian.embedded.processes import port_is_free, wait_until, working_in
from guardian.embedded.redis import RedisServer
from guardian.embedded.server import EmbeddedServer
from guardian.errors import ConfigurationError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def postgres(open_dir: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(open_dir / "data")
    yield server
    server.stop()


@pytest.fixture
def redis_server(open_dir: Path) -> Iterator[RedisServer]:
    server = RedisServer(open_dir / "data")
    yield server
    server.stop()


def remember_in_postgres(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('still here')")


def recall_from_postgres(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT word FROM kept").fetchone()
        assert row is not None
        return row[0]


def kill(server: EmbeddedServer) -> None:
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: server.pid is None, 10)


def test_postgres_keeps_its_data_its_port_and_its_password_over_a_restart(postgres: PostgresServer) -> None:
    url = postgres.start()
    remember_in_postgres(url)
    postgres.stop()
    assert postgres.pid is None
    assert not working_in(postgres.workplace, "postgres")
    again = PostgresServer(postgres.home.data_dir)
    try:
        assert again.start() == url
        assert recall_from_postgres(url) == "still here"
    finally:
        again.stop()


def test_postgres_is_what_the_product_needs(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.start()) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),"
            " current_setting('data_checksums'), current_setting('fsync'), current_setting('synchronous_commit'),"
            " current_setting('TimeZone'), current_setting('listen_addresses')"
        ).fetchone()
    assert row is not None
    assert row[0] >= 180000
    assert row[1:] == ("UTF8", "on", "on", "on", "UTC", "127.0.0.1")


def test_nobody_gets_into_postgres_without_the_password(postgres: PostgresServer) -> None:
    url = postgres.start()
    stranger = url.replace(str(postgres.home.memory["password"]), "guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(stranger, connect_timeout=5)
    port = postgres.home.memory["port"]
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(f"postgresql://guardian@127.0.0.1:{port}/guardian", connect_timeout=5)


def test_postgres_killed_with_its_transaction_committed_has_it_afterwards(postgres: PostgresServer) -> None:
    url = postgres.start()
    remember_in_postgres(url)
    kill(postgres)
    assert (postgres.workplace / "postmaster.pid").exists()
    assert postgres.start() == url
    assert recall_from_postgres(url) == "still here"


def test_a_lock_file_that_names_another_programs_pid_does_not_stop_postgres(postgres: PostgresServer) -> None:
    postgres.start()
    postgres.stop()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            # What a kill -9 and a restart of the machine can leave: the number now belongs to somebody else.
            lock = postgres.workplace / "postmaster.pid"
            lock.write_text(f"{stranger.pid}\n{postgres.workplace}\n0\n{postgres.home.memory['port']}\n\n\n\n\n")
            remember_in_postgres(postgres.start())
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_redis_keeps_its_data_over_a_restart_and_a_kill(redis_server: RedisServer) -> None:
    url = redis_server.start()
    with redis.Redis.from_url(url) as client:
        client.set("kept", "still here")
        client.execute_command("WAITAOF" if client.info()["redis_version"] >= "7.2" else "PING")
        assert wait_until(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0, 5)
    redis_server.stop()
    assert redis_server.start() == url
    kill(redis_server)
    assert redis_server.start() == url
    with redis.Redis.from_url(url) as client:
        assert client.get("kept") == b"still here"


def test_redis_is_what_the_queues_need(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.start()) as client:
        found = {
            name: client.config_get(name)[name] for name in ("maxmemory-policy", "appendonly", "appendfsync", "bind")
        }
    assert found == {
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "bind": "127.0.0.1",
    }
    with pytest.raises(redis.AuthenticationError), redis.Redis(port=redis_server.home.memory["port"]) as stranger:
        stranger.ping()


@pytest.mark.parametrize("kind", [PostgresServer, RedisServer])
def test_secrets_are_not_seen_by_other_users(kind: type[EmbeddedServer], open_dir: Path) -> None:
    server = kind(open_dir / "data")
    server.start()
    try:
        password = str(server.home.memory["password"])
        assert len(password) >= 32
        assert password not in " ".join(psutil.Process(server.pid).cmdline())
        assert stat.S_IMODE((server.home.data_dir / f"{server.slug}.json").stat().st_mode) == 0o600
        assert stat.S_IMODE(server.home.path.stat().st_mode) == 0o700
        readable = [path for path in server.home.path.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
        assert readable == []
        assert not list(server.home.path.parent.rglob("password"))
    finally:
        server.stop()


LEAVE_BEHIND = """
    import os, sys
    from pathlib import Path
    import guardian.embedded.server as servers
    servers.dying_with_parent = lambda number: None  # as on a system that has no such thing
    from guardian.embedded.postgres import PostgresServer
    from guardian.embedded.redis import RedisServer
    for kind in (PostgresServer, RedisServer):
        print(kind(Path(sys.argv[1])).start(), flush=True)
    os.kill(os.getpid(), 9)
"""


def test_servers_of_a_killed_run_are_stopped_and_started_anew_with_their_data(open_dir: Path) -> None:
    data = open_dir / "data"
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LEAVE_BEHIND), str(data)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    postgres_url, redis_url = killed.stdout.split()
    remember_in_postgres(postgres_url)
    postgres, redis_server = PostgresServer(data), RedisServer(data)
    left = working_in(postgres.workplace, "postgres") + working_in(redis_server.workplace, "redis-server")
    assert len(left) > 2
    try:
        assert postgres.start() == postgres_url
        assert redis_server.start() == redis_url
        assert not [process for process in left if process.is_running()]
        assert recall_from_postgres(postgres_url) == "still here"
    finally:
        postgres.stop()
        redis_server.stop()


def test_servers_end_by_themselves_when_their_starter_is_killed(open_dir: Path) -> None:
    data = open_dir / "data"
    script = textwrap.dedent(LEAVE_BEHIND).replace("servers.dying_with_parent =", "never =")
    subprocess.run([sys.executable, "-c", script, str(data)], cwd=ROOT, capture_output=True, check=False)
    postgres, redis_server = PostgresServer(data), RedisServer(data)
    assert wait_until(lambda: not working_in(postgres.workplace, "postgres"), 20)
    assert wait_until(lambda: not working_in(redis_server.workplace, "redis-server"), 20)
    assert not (postgres.workplace / "postmaster.pid").exists(), "it was not shut down in order"


def test_a_port_taken_meanwhile_is_replaced_unless_it_was_asked_for(open_dir: Path) -> None:
    server = RedisServer(open_dir / "data")
    server.start()
    server.stop()
    known = server.home.memory["port"]
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", known))
        thief.listen()
        assert not port_is_free(known)
        with pytest.raises(ConfigurationError, match=f"Port {known}"):
            RedisServer(open_dir / "data", port=known).start()
        another = RedisServer(open_dir / "data")
        try:
            another.start()
            assert another.home.memory["port"] != known
        finally:
            another.stop()


def test_a_server_that_cannot_start_says_why(open_dir: Path) -> None:
    server = PostgresServer(open_dir / "data", options={"shared_buffers": "nonsense"})
    with pytest.raises(ConfigurationError, match="shared_buffers"):
        server.start()
    assert server.pid is None


def test_a_cluster_that_is_gone_is_not_silently_replaced(open_dir: Path) -> None:
    server = RedisServer(open_dir / "data")
    server.home.path.rename(open_dir / "moved")
    with pytest.raises(ConfigurationError, match="which is gone"):
        RedisServer(open_dir / "data")


def test_a_moved_data_directory_takes_its_servers_along(open_dir: Path) -> None:
    server = PostgresServer(open_dir / "data")
    remember_in_postgres(server.start())
    server.stop()
    (open_dir / "data").rename(open_dir / "moved")
    moved = PostgresServer(open_dir / "moved")
    try:
        assert recall_from_postgres(moved.start()) == "still here"
        assert not (open_dir / "data").exists()
    finally:
        moved.stop()


def test_a_broken_memory_is_reported_with_its_name(open_dir: Path) -> None:
    server = RedisServer(open_dir / "data")
    memory = server.home.data_dir / "redis.json"
    assert json.loads(memory.read_text())["folder"] == "redis"
    memory.write_text("{")
    with pytest.raises(ConfigurationError, match=r"redis\.json"):
        RedisServer(open_dir / "data")
