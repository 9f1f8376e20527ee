"""`guardian backup` and `guardian restore`: the whole database as one file, by PostgreSQL's own programs."""

import os
import secrets
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy.engine import make_url

from guardian.config import Settings
from guardian.db import engine_url
from guardian.embedded.backup_checks import key_warnings, require_known, require_tables
from guardian.embedded.home import make_data_dir
from guardian.embedded.postgres import PostgresServer, programs
from guardian.embedded.runs import RunFolder
from guardian.errors import ConfigurationError, GuardianError

# Everything of ours is in the schema public; a dump brings all of it back.
_EMPTY = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
_QUIETLY = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction")


@contextmanager
def database(settings: Settings, *, alone: bool = False) -> Generator[str]:
    """The database's URL: the configured one, that of a running `guardian up`, or the embedded one started for this.

    `alone` refuses a running `guardian up`, whose processes would see the data change under them.
    """
    if settings.database_url is not None:
        yield settings.require_database_url()
        return
    data_dir = make_data_dir(settings.guardian_data_dir)
    run = RunFolder(data_dir)
    running = run.published().get("DATABASE_URL")
    if running is not None and not alone:
        yield running
        return
    run.acquire()
    server = PostgresServer(data_dir)
    try:
        yield server.start()
    finally:
        server.stop()
        run.release()


def backup(settings: Settings, target: Path) -> int:
    """Write the database to `target` (mode 600, whole or not at all) and return its size in bytes.

    Raises ConfigurationError when the file exists already or there is nothing to save, GuardianError with pg_dump's
    words when it fails.
    """
    if target.exists():
        raise ConfigurationError(f"{target} exists already. Name a new file.")
    if settings.database_url is None and not _is_there(settings.guardian_data_dir):
        raise ConfigurationError(
            f"There is no database in {settings.guardian_data_dir}. Set GUARDIAN_DATA_DIR, or DATABASE_URL, to what "
            "the processes run with."
        )
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with database(settings) as url:
            require_tables(url)
            _require(_run(["pg_dump", "--format=custom", "--no-owner", f"--file={draft}"], url), "pg_dump")
        draft.rename(target)
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return target.stat().st_size


def _is_there(data_dir: Path) -> bool:
    """Whether an embedded database was made in that directory, or runs; nothing is made by looking."""
    return "DATABASE_URL" in RunFolder(data_dir).published() or (data_dir / f"{PostgresServer.slug}.json").exists()


def restore(settings: Settings, source: Path) -> Sequence[str]:
    """Replace everything in the database by what `source` holds: all of it in one transaction, or nothing.

    Gives warnings: what the encryption keys that are configured here do not open. Raises ConfigurationError when there
    is no such backup, it is of a newer version, or `guardian up` runs, GuardianError when it cannot be read.
    """
    if not source.is_file():
        raise ConfigurationError(f"{source} is no file.")
    # A cut archive ends its script early, and psql would take the end of the script for the end of the work.
    checked = _run(["pg_restore", "--file=/dev/null", str(source)])
    if checked.returncode != 0:
        raise GuardianError(f"{source} cannot be read: {checked.stderr.decode(errors='replace').strip()}")
    revision = subprocess.run(
        [_program("pg_restore"), "--data-only", "--table=alembic_version", "--file=-", str(source)],
        capture_output=True,
        check=False,
    )
    require_known(revision.stdout.decode(errors="replace"), str(source))
    with database(settings, alone=True) as url:
        script = subprocess.Popen(
            [_program("pg_restore"), "--file=-", "--no-owner", "--no-privileges", str(source)], stdout=subprocess.PIPE
        )
        try:
            _require(_run(["psql", *_QUIETLY, f"--command={_EMPTY}", "--file=-"], url, stdin=script.stdout), "psql")
        finally:
            script.communicate()
        return key_warnings(settings, url)


def _program(name: str) -> str:
    return str(programs() / name)


def _run(
    command: list[str], url: str | None = None, stdin: IO[bytes] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run one of PostgreSQL's programs; the password goes by its environment, so that `ps` does not show it."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    arguments = [_program(command[0]), *command[1:]]
    if url is not None:
        parts = make_url(engine_url(url)).set(drivername="postgresql")
        environment["PGPASSWORD"] = parts.password or ""
        bare = parts.set(password="").render_as_string(hide_password=False)
        arguments.insert(1, f"--dbname={bare}")
    return subprocess.run(
        arguments,
        env=environment,
        stdin=stdin,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )


def _require(done: subprocess.CompletedProcess[bytes], name: str) -> None:
    if done.returncode != 0:
        raise GuardianError(f"{name} failed: {done.stderr.decode(errors='replace').strip()}")
