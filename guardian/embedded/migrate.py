"""`guardian migrate`: the database brought to the newest migration, each step said, and partitions made ahead."""

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from alembic import command
from guardian import db
from guardian.embedded import citus
from guardian.errors import GuardianError, UnavailableError
from guardian.periods import DAY, floor_month, utcnow
from guardian.services.ledger.sql.partitions import ensure_partitions

ROOT = Path(__file__).parents[2]
_AHEAD = timedelta(days=92)


class _Progress(logging.Handler):
    """Alembic tells its steps only to the log."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        words = record.getMessage()
        if words.startswith("Running "):
            self._tell(words.removeprefix("Running "))


def configuration() -> Config:
    return Config(str(ROOT / "alembic.ini"))


def current_and_head() -> tuple[str | None, str | None]:
    """The database's revision and the newest one. Raises UnavailableError when the database does not answer."""
    try:
        with db.engine().connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except OperationalError as error:
        raise UnavailableError(_unreachable(error)) from error
    return current, ScriptDirectory.from_config(configuration()).get_current_head()


def migrate(tell: Callable[[str], None]) -> None:
    """Upgrade to the newest migration and make the partitions from last month to three months ahead.

    Tells each step, and of a new database how many they are.
    Raises UnavailableError when the database does not answer, GuardianError when it is newer than this program.
    """
    current, head = current_and_head()
    known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
    if current is None:  # what each step changed says something to those only who have data from before it
        tell(f"a new database: {len(known)} steps to the newest tables")
    if current is not None and current not in known:
        raise GuardianError(
            f"The database is at revision {current}, which this version does not know. "
            "Install the version that made it."
        )
    if current != head:
        _upgrade(tell if current is not None else _unsaid)
    tell(f"database at revision {head}")
    with db.engine().connect() as connection:
        if citus.is_there(connection):
            tell("Citus is here: tables are spread over its nodes")
            citus.distribute(connection, tell)
    now = utcnow()
    with db.session() as session:
        made = ensure_partitions(session, floor_month(floor_month(now) - DAY), now + _AHEAD)
    if made:
        tell(f"partitions made: {', '.join(made)}")


def _upgrade(tell: Callable[[str], None]) -> None:
    logger = logging.getLogger("alembic.runtime.migration")
    progress, level = _Progress(tell), logger.level
    logger.addHandler(progress)
    logger.setLevel(logging.INFO)
    try:
        command.upgrade(configuration(), "head")
    except OperationalError as error:
        raise UnavailableError(_unreachable(error)) from error
    finally:
        logger.removeHandler(progress)
        logger.setLevel(level)


def _unsaid(_step: str) -> None:
    """Nobody is told."""


def _unreachable(error: OperationalError) -> str:
    """SQLAlchemy's message without the statement and the link that follow its first line."""
    return f"The database does not answer: {str(error.orig).strip().splitlines()[0]}. Check DATABASE_URL."
