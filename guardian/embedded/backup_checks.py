"""What is asked of a backup before it replaces anything, and of a database after it was restored."""

import re
from collections import Counter
from collections.abc import Sequence

import psycopg
from alembic.script import ScriptDirectory

from guardian.config import Settings
from guardian.crypto import key_id
from guardian.db import engine_url
from guardian.embedded.keyfile import stored_key
from guardian.embedded.migrate import configuration
from guardian.errors import ConfigurationError

_THERE = (
    "SELECT 1 FROM information_schema.columns WHERE table_schema = 'public' AND (table_name, column_name) = (%s, %s)"
)
_REVISION = re.compile(r"^COPY \S*alembic_version .*?;\n([^\s\\]\S*)\n", re.MULTILINE)
# Tables whose rows name the key that sealed them, in which column, and what a row is. Secrets of channels and alerts
# name none; nearly every database has an audit log, whose end does.
_SEALED = (
    ("api_keys", "encryption_key_id", "stored secrets"),
    ("second_factors", "encryption_key_id", "stored secrets"),
    ("activity_heads", "key_id", "ends of the audit log"),
)


def require_known(revisions: str, source: str) -> None:
    """Look at the revision that a backup is of, told by the script that restores `alembic_version`.

    A database that was never migrated has none. Raises ConfigurationError for one that this version of the program does
    not know: nothing is replaced then.
    """
    found = _REVISION.search(revisions)
    if found is None:
        return
    known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
    if found[1] not in known:
        raise ConfigurationError(
            f"{source} is of a newer version (revision {found[1]}), which this one does not know. "
            "Install the version that made it; nothing was changed."
        )


def require_tables(url: str) -> None:
    """Look whether the database is ours: an empty file would pass for a backup. Raises ConfigurationError.

    One that does not answer is left to who asks it next.
    """
    try:
        with psycopg.connect(engine_url(url).replace("+psycopg", "", 1), autocommit=True) as connection:
            found = connection.execute("SELECT to_regclass('public.alembic_version')").fetchone()
    except psycopg.OperationalError:
        return
    if found == (None,):
        raise ConfigurationError(
            "The database has no tables of this product: there is nothing to back up. Check DATABASE_URL or "
            "GUARDIAN_DATA_DIR; they name what the processes run with."
        )


def key_warnings(settings: Settings, url: str) -> Sequence[str]:
    """What the encryption keys that are configured here cannot open of the database."""
    given = [settings.encryption_key, settings.encryption_key_previous]
    keys = [key.get_secret_value() for key in given if key is not None]
    if not keys and (stored := stored_key(settings.guardian_data_dir)) is not None:
        keys = [stored]
    ours = {key_id(key) for key in keys}
    sealed: dict[str, Counter[str]] = {}
    with psycopg.connect(url, autocommit=True) as connection:
        for table, column, kind in _SEALED:
            if connection.execute(_THERE, (table, column)).fetchone() is None:
                continue  # the backup is of a time before it
            query = f"SELECT {column}, count(*) FROM {table} WHERE {column} IS NOT NULL GROUP BY 1"  # noqa: S608  # our own names
            for name, count in connection.execute(query.encode()):
                sealed.setdefault(name, Counter())[kind] += count
    return [
        f"Sealed with encryption key {name}, which is not configured here: "
        f"{', '.join(f'{kind} ({count})' for kind, count in kinds.items())}. Set it as ENCRYPTION_KEY (or "
        "ENCRYPTION_KEY_PREVIOUS) before anything starts: without it the secrets are lost and the log counts as altered"
        for name, kinds in sorted(sealed.items())
        if name not in ours
    ]
