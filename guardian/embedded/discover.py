"""Finding the servers of a running `guardian up`, for the commands that people give beside it."""

from guardian.config import Settings
from guardian.embedded.keyfile import stored_key
from guardian.embedded.runs import RunFolder


def settings_with_embedded(settings: Settings) -> dict[str, str]:
    """Environment variables that a command lacks and the data directory knows: servers that run now, and the key.

    Only what is not configured is answered. Raises ConfigurationError when the stored key is damaged.
    """
    known = RunFolder(settings.guardian_data_dir).published()
    key = stored_key(settings.guardian_data_dir)
    if key is not None:
        known["ENCRYPTION_KEY"] = key
    return {name: value for name, value in known.items() if _lacks(settings, name)}


def _lacks(settings: Settings, name: str) -> bool:
    # The mailbox's port means nothing beside an SMTP server of the user's own.
    deciding = "smtp_host" if name.startswith("SMTP_") else name.lower()
    return getattr(settings, deciding) is None
