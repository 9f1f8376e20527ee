"""Do the migrations make what the models say? `python -m tests.tools.drift`, on a PostgreSQL of its own."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from guardian.embedded.postgres import PostgresServer

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Upgrade an empty database and compare. Exit status 1, with the differences, when they are not the same."""
    with tempfile.TemporaryDirectory(prefix="guardian-drift-") as folder:
        Path(folder).chmod(0o711)  # so that root's server can have its files in it, and leaves nothing elsewhere
        server = PostgresServer(Path(folder) / "data", options={"fsync": "off"})
        try:
            environment = {**os.environ, "DATABASE_URL": server.start()}
            for step in (["upgrade", "head"], ["check"]):
                command = [sys.executable, "-m", "alembic", *step]
                if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
                    sys.exit(1)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
