"""Behind a transaction pooler, which gives each transaction another connection: nothing leans on the one before."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, func, select

from guardian import db
from guardian.config import settings
from guardian.embedded.processes import free_port, wait_until
from guardian.models import UsageLog
from guardian.periods import utcnow
from guardian.services.ledger import daily, queries
from guardian.services.ledger.sql.shared import keep_shared
from guardian.services.ledger.views import SummaryQuery
from tests.conftest import ROOT, People, Servers, forget_caches
from tests.fakes.pooler import pooling
from tests.unit.guard.ledger import add_calls

PROGRAM = shutil.which("pgbouncer") or (shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin"))


@contextmanager
def pgbouncer(url: str, folder: Path) -> Iterator[str]:
    """The real one, where the machine has it: one connection for two clients at a time would block, two switch."""
    parts, port = urlsplit(url), free_port()
    (folder / "users").write_text(f'"{parts.username}" "{parts.password}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={parts.hostname} port={parts.port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\npool_mode = transaction\n"
        f"auth_type = plain\nauth_file = {folder}/users\ndefault_pool_size = 3\nserver_round_robin = 1\n"
    )
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen(
        [PROGRAM or "", *user, str(folder / "pgbouncer.ini")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        pooled = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}").geturl()
        assert wait_until(lambda: _takes(port), 20)
        yield pooled
    finally:
        process.terminate()
        process.wait(20)


def _takes(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(params=["own", *(["pgbouncer"] if PROGRAM else [])])
def pooled(
    request: pytest.FixtureRequest, environment: Servers, monkeypatch: pytest.MonkeyPatch, open_dir: Path
) -> Iterator[str]:
    url = os.environ["DATABASE_URL"]
    monkeypatch.setenv("DATABASE_POOLING", "transaction")
    with pooling(url) if request.param == "own" else pgbouncer(url, open_dir) as found:
        address = found if isinstance(found, str) else found.url
        monkeypatch.setenv("DATABASE_URL", address)
        forget_caches()
        yield address
        forget_caches()


def test_transactions_lean_on_nothing(pooled: str, people: People, session: Session) -> None:
    now = utcnow()
    for size in (1, 400, 400, 3, 400):  # few go in by one statement, many by a staging table
        for _ in range(2):
            with db.session() as one:
                add_calls(one, people.alice, now, *(["0.01"] * size))
    with db.session() as one:
        assert one.exec(select(func.count()).select_from(UsageLog)).one() == 2 * (1 + 400 + 400 + 3 + 400)
    for _ in range(8):  # more often than a statement is run before it is prepared
        with db.session() as one:
            keep_shared(one, {n: f"text {n}" for n in range(20)})
            daily.make_days(one, people.alice.organization_id, now)
        with db.session() as one:
            found = queries.summary(
                one, people.alice, SummaryQuery(start=now - timedelta(days=2), end=now + timedelta(days=1), bucket=None)
            )
            assert found.totals.requests == 2408


def test_times_are_utc_on_every_connection(pooled: str) -> None:
    for _ in range(6):
        with db.session() as one:
            assert one.connection().execute(text("SHOW timezone")).scalar_one() == "UTC"
            zone = one.connection().execute(text("SELECT now()")).scalar_one().utcoffset()
            assert zone is not None
            assert not zone


def test_rows_stream_from_one_transaction(pooled: str, people: People) -> None:
    with db.session() as one:
        add_calls(one, people.alice, utcnow(), *(["0.01"] * 500))
    with db.session() as one:
        rows = one.exec(select(UsageLog.id).order_by(col(UsageLog.id)).execution_options(yield_per=50))
        assert len(list(rows)) == 500


def test_the_pooler_switches(environment: Servers) -> None:
    with pooling(os.environ["DATABASE_URL"]) as pooler:
        engine = db._make_engine(pooler.url)
        pids = set()
        with engine.connect() as connection:
            for _ in range(6):
                pids.add(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
                connection.commit()
        engine.dispose()
        assert len(pids) == 2
        assert pooler.switched > 2


def test_migrations_run_behind_it(pooled: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "current"], cwd=ROOT, env=os.environ.copy(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert settings().database_pooling == "transaction"
