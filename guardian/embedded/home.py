"""Where an embedded server keeps its files and as whom it runs: never as root, never by opening somebody's folder.

PostgreSQL refuses to run as root, so root lends it an unprivileged uid, which must be able to walk to its files. Where
a parent of the data directory is closed to it (/root is 700), the files go to /var/lib/ai-cost-guardian and the data
directory remembers that place; no existing folder ever gets other permissions.
"""

import hashlib
import json
import os
import pwd
import secrets
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guardian.errors import ConfigurationError

# Where root puts what an unprivileged server must reach and cannot reach in its own place.
ELSEWHERE = Path("/var/lib/ai-cost-guardian")
# Debian keeps 60000-64999 for packages that ask; below 65536 also exists in containers with remapped users.
_UIDS = range(64873, 60999, -1)


@dataclass(frozen=True, slots=True)
class Identity:
    """The uid and gid that a server runs as; None means: as whoever we are."""

    uid: int | None = None
    gid: int | None = None

    @property
    def no_groups(self) -> list[int] | None:
        """What to pass to subprocess as `extra_groups`: root's supplementary groups must not come along."""
        return None if self.uid is None else []

    def in_passwd(self) -> "Identity":
        """This identity if the machine has a name for it, else `nobody`: initdb insists on a user with a name."""
        if _name_of(os.geteuid() if self.uid is None else self.uid) is not None:
            return self
        if self.uid is None:
            raise ConfigurationError(
                f"User id {os.geteuid()} has no name on this machine, and PostgreSQL makes no database for a nameless "
                "user. Add a line for it to /etc/passwd, or set DATABASE_URL to a server of your own."
            )
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            raise ConfigurationError(
                "This machine has no user called nobody, as whom PostgreSQL's files are made. "
                "Add one, or set DATABASE_URL to a server of your own."
            ) from None
        return Identity(nobody.pw_uid, nobody.pw_gid)

    def own(self, *paths: Path) -> None:
        """Make the paths theirs."""
        if self.uid is not None and self.gid is not None:
            for path in paths:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def own_tree(self, folder: Path) -> None:
        """Make a whole folder theirs."""
        if self.uid is not None:
            for parent, _, names in os.walk(folder):
                self.own(Path(parent), *(Path(parent, name) for name in names))

    def may_enter(self, folder: Path) -> bool:
        """Whether this identity can walk into that folder from the root of the file system."""
        if self.uid is None:
            return True
        return all(_opens(place, self.uid, self.gid, 1) for place in (folder, *folder.parents))

    def may_use(self, tree: Path) -> bool:
        """Whether this identity can read a tree of programs: its parents open, and its first level readable."""
        if self.uid is None:
            return True
        if not self.may_enter(tree.parent):
            return False
        return all(_opens(p, self.uid, self.gid, 5 if p.is_dir() else 4) for p in (tree, *tree.iterdir()))


def _opens(path: Path, uid: int, gid: int | None, bits: int) -> bool:
    found = path.stat()
    mode = found.st_mode
    granted = mode >> 6 if found.st_uid == uid else mode >> 3 if found.st_gid == gid else mode
    return granted & bits == bits


def unprivileged() -> Identity:
    """As whom a new server runs: ourselves, or for root a uid that no user of this machine has."""
    if os.geteuid() != 0:
        return Identity()
    for uid in _UIDS:
        if _name_of(uid) is None:
            return Identity(uid, uid)
    raise ConfigurationError("No unused user id between 61000 and 64873 is left to run the embedded servers as.")


def _name_of(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def make_data_dir(data_dir: Path) -> Path:
    """Make the data directory if it is missing and return its real path.

    Others may walk through it, since the embedded servers of root live below it as another user, but not list it; what
    is secret in it carries mode 600. An existing one keeps its permissions.
    """
    try:
        if not data_dir.exists():
            data_dir.parent.mkdir(parents=True, exist_ok=True)
            _make_open(data_dir)
        if not os.access(data_dir, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {data_dir} cannot be used: {error.strerror}. "
            "Set GUARDIAN_DATA_DIR to a folder of yours."
        ) from error
    return data_dir.resolve()


def _make_open(folder: Path) -> None:
    """Make a folder that others may walk through but not list; one that exists keeps its permissions."""
    try:
        folder.mkdir()
    except FileExistsError:
        return
    folder.chmod(0o711)  # a mode given to mkdir would pass through the umask


class ServerHome:
    """The folder of one embedded server, and the little file in the data directory that remembers it.

    `path` is the folder (mode 700, owned by `identity`); `memory` is what `remember` stored: folder, port, password.
    """

    def __init__(self, data_dir: Path, name: str) -> None:
        self.data_dir = make_data_dir(data_dir)
        self._file = self.data_dir / f"{name}.json"
        self.memory: dict[str, Any] = self._read()
        known = self.memory.get("folder")
        if known is None:
            self.identity = unprivileged()
            self.path = self._place(name)
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.identity.own(self.path)
            # Inside the data directory the name alone is remembered, so that the whole can be moved.
            inside = self.path.parent == self.data_dir
            self.remember(folder=name if inside else str(self.path))
        else:
            self.path = self.data_dir / known
            self.identity = self._owner()

    def _read(self) -> dict[str, Any]:
        try:
            return json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{self._file} cannot be read ({error}). It names the server's folder.") from error

    def _place(self, name: str) -> Path:
        if self.identity.may_enter(self.data_dir):
            return self.data_dir / name
        mark = hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:16]
        _make_open(ELSEWHERE)
        _make_open(ELSEWHERE / mark)
        return ELSEWHERE / mark / name

    def _owner(self) -> Identity:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            raise ConfigurationError(
                f"{self._file} says that the data is in {self.path}, which is gone. "
                "Put that folder back, or delete the file to begin with an empty server."
            ) from None
        if found.st_uid == os.geteuid():
            return Identity()
        if os.geteuid() == 0:
            return Identity(found.st_uid, found.st_gid)
        raise ConfigurationError(
            f"{self.path} belongs to user id {found.st_uid}. "
            "Start as that user or as root, or set another GUARDIAN_DATA_DIR."
        )

    def remember(self, **facts: Any) -> None:
        """Add facts to the memory and store it (mode 600) so that a crash leaves the old one or the new one."""
        self.memory |= facts
        write_private(self._file, json.dumps(self.memory, indent=1))


def write_private(path: Path, text: str, identity: Identity | None = None) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            if identity is not None:
                identity.own(draft)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def usable_copy(site: Path, parts: tuple[str, ...], identity: Identity, name: str) -> Path:
    """A folder in which that identity can use the `parts` of `site`: `site` itself, or one copy of them (some 40 MB).

    The copy keeps the parts where they are to each other, since programs look for their libraries that way. `name` is
    the copy's, and has to change with the content.
    """
    if all(identity.may_use(site / part) for part in parts):
        return site
    copy = ELSEWHERE / name
    if not copy.exists():
        _make_open(ELSEWHERE)
        draft = copy.with_name(f".{name}.{secrets.token_hex(4)}")
        for part in parts:
            shutil.copytree(site / part, draft / part, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
        _open(draft)
        try:
            draft.rename(copy)
        except OSError:  # another process was first; its copy is as good
            shutil.rmtree(draft)
    return copy


def _open(tree: Path) -> None:
    """Let everybody read a tree that we just made of programs that everybody can download."""
    for parent, folders, names in os.walk(tree):
        for path in (Path(parent), *(Path(parent, name) for name in (*folders, *names))):
            if not path.is_symlink():
                path.chmod(stat.S_IMODE(path.stat().st_mode) | (0o555 if path.is_dir() else 0o444))
