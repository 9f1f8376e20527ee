"""The encryption key that the first `guardian up` makes: a file of mode 600 in the data directory, never replaced."""

import os
import secrets
from pathlib import Path

from guardian.errors import ConfigurationError

_NAME = "encryption.key"


def stored_key(data_dir: Path) -> str | None:
    """The key in the data directory; None when none was made yet.

    Raises ConfigurationError when the file holds no key: what it sealed would be lost by making another.
    """
    path = data_dir / _NAME
    try:
        key = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The encryption key {path} cannot be read: {error}.") from error
    if len(key) != 64 or any(digit not in "0123456789abcdefABCDEF" for digit in key):
        raise ConfigurationError(
            f"{path} does not hold 64 hex characters. "
            "Put the right key back: without it the stored provider keys are lost."
        )
    return key


def stored_or_new_key(data_dir: Path) -> str:
    """The key in the data directory, made now (32 random bytes, on the disk before it is used) if there is none."""
    known = stored_key(data_dir)
    if known is not None:
        return known
    key = secrets.token_hex(32)
    draft = data_dir / f".{_NAME}.{secrets.token_hex(4)}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, data_dir / _NAME)  # unlike a rename, a link never replaces a key made meanwhile
    except FileExistsError:
        return stored_or_new_key(data_dir)
    finally:
        draft.unlink()
    return key
