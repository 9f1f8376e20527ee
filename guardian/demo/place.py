"""Where a demonstration lives: a data directory of its own, marked as such, which is never a real one's."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from guardian.embedded.home import make_data_dir, write_private
from guardian.embedded.up import DEMO_MARK
from guardian.errors import ConfigurationError

EMAIL = "demo@northwind.example"


@dataclass(frozen=True, slots=True)
class Place:
    """What the mark in the data directory says: where its traffic comes from, when it began, and who signs in."""

    folder: Path
    seed: int
    born: datetime
    password: str
    email: str = EMAIL
    is_new: bool = False


def open_place(folder: Path, seed: int | None) -> Place:
    """The demonstration in that folder, begun now if there is none yet; `seed` None: its own, or 1.

    Raises ConfigurationError where the folder holds something else, or a demonstration of another seed.
    """
    if folder.exists() and not (folder / DEMO_MARK).exists() and any(folder.iterdir()):
        raise ConfigurationError(
            f"{folder} holds data that are no demonstration's: it is left alone. "
            "Name another directory: guardian demo --data-dir DIRECTORY."
        )
    real = make_data_dir(folder)
    mark = real / DEMO_MARK
    if not mark.exists():
        begun = Place(real, 1 if seed is None else seed, datetime.now(UTC), secrets.token_urlsafe(12))
        told = {**asdict(begun), "folder": str(real), "born": begun.born.isoformat()}
        write_private(mark, json.dumps(told, indent=1))
        return Place(real, begun.seed, begun.born, begun.password, is_new=True)
    found = read_place(real)
    if seed is not None and seed != found.seed:
        raise ConfigurationError(
            f"The demonstration in {folder} was begun with the seed {found.seed}. Go on with it, or name another "
            "directory: guardian demo --data-dir DIRECTORY."
        )
    return found


def read_place(folder: Path) -> Place:
    """The demonstration of a folder. Raises ConfigurationError where there is none, or its mark is damaged."""
    try:
        found = json.loads((folder / DEMO_MARK).read_text(encoding="utf-8"))
        return Place(folder, int(found["seed"]), datetime.fromisoformat(found["born"]), str(found["password"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{folder / DEMO_MARK} cannot be read ({error}). Delete {folder} to begin a new demonstration."
        ) from None


def secrets_of(folder: Path) -> dict[str, str]:
    """The access tokens that the company's applications were given, by their name."""
    path = folder / "demo-tokens.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def keep_secrets(folder: Path, tokens: dict[str, str]) -> None:
    """Store them as `secrets_of` reads them, for their owner alone."""
    write_private(folder / "demo-tokens.json", json.dumps(tokens))


def bare_environment(names: frozenset[str]) -> None:
    """Take all of these settings out of the environment: what a real installation uses is none of ours."""
    for name in list(os.environ):
        if name.upper().removesuffix("_FILE") in names:
            del os.environ[name]
