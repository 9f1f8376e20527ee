"""What is asked of a backup before it replaces anything, and of a database after it was restored."""

import re
from collections.abc import Sequence

import psycopg
from alembic.script import ScriptDirectory

from guardian.config import Settings
from guardian.crypto import key_id
from guardian.embedded.keyfile import stored_key
from guardian.embedded.migrate import configuration
from guardian.errors import ConfigurationError

_REVISION = re.compile(r"^COPY \S*alembic_version .*?;\n(\S+)\n", re.MULTILINE)
_SEALED = ("api_keys", "second_factors")


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


def key_warnings(settings: Settings, url: str) -> Sequence[str]:
    """What the encryption keys that are configured here cannot open of the database."""
    given = [settings.encryption_key, settings.encryption_key_previous]
    keys = [key.get_secret_value() for key in given if key is not None]
    if not keys and (stored := stored_key(settings.guardian_data_dir)) is not None:
        keys = [stored]
    ours = {key_id(key) for key in keys}
    sealed: dict[str, int] = {}
    with psycopg.connect(url, autocommit=True) as connection:
        for table in _SEALED:
            if connection.execute("SELECT to_regclass(%s)", (table,)).fetchone() == (None,):
                continue  # the backup is of a time before it
            query = f"SELECT encryption_key_id, count(*) FROM {table} WHERE encryption_key_id IS NOT NULL GROUP BY 1"  # noqa: S608  # our own names
            for name, count in connection.execute(query.encode()):
                sealed[name] = sealed.get(name, 0) + count
    return [
        f"{count} stored secrets are sealed with encryption key {name}, which is not configured here: "
        "set it as ENCRYPTION_KEY (or ENCRYPTION_KEY_PREVIOUS), or they are lost"
        for name, count in sorted(sealed.items())
        if name not in ours
    ]
