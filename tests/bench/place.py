"""Where benches run: servers of the product's own kind and settings, and a migrated database, all gone afterwards."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from guardian.embedded.postgres import PostgresServer
from guardian.embedded.redis import RedisServer
from tests.conftest import ENCRYPTION_KEY, ROOT, forget_caches

FULL = os.environ.get("GUARDIAN_FULL") == "1"


@dataclass(frozen=True, slots=True)
class Place:
    """Addresses of this bench's servers; `environment` is what a process of the product needs to use them."""

    folder: Path
    environment: dict[str, str]

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]


@contextmanager
def place() -> Iterator[Place]:
    """Start the servers with the settings that people run (fsync on), and point this process at them."""
    with tempfile.TemporaryDirectory(prefix="guardian-bench-") as folder:
        Path(folder).chmod(0o711)  # so that root's servers have their files in it, and leave nothing elsewhere
        postgres, redis = PostgresServer(Path(folder)), RedisServer(Path(folder))
        try:
            own = {
                "DATABASE_URL": postgres.start(),
                "REDIS_URL": redis.start(),
                "ENCRYPTION_KEY": ENCRYPTION_KEY,
                "GUARDIAN_DATA_DIR": folder,
            }
            os.environ.update(own)
            forget_caches()
            subprocess.run([sys.executable, "-m", "alembic", "upgrade", "head"], cwd=ROOT, check=True)
            yield Place(Path(folder), {**os.environ, **own})
            forget_caches()
        finally:
            redis.stop()
            postgres.stop()
