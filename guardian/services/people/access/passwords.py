"""Passwords: argon2id, the rules for a new one, and the same work for a person who does not exist."""

from functools import lru_cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from guardian.errors import ValidationError

MIN_CHARACTERS = 10
MAX_BYTES = 1_000  # argon2 reads any length; without a bound a megabyte of "password" is a cheap way to burn our CPU

# OWASP's second choice for argon2id (19 MiB, 2 passes, 1 lane): 40 sign-ins at once take 760 MiB, not the 2.5 GiB of
# the library's default of 64 MiB. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)


def require_acceptable(password: str, email: str) -> None:
    """Raises ValidationError, on the field `password`, saying which rule a new password breaks."""
    problem = None
    if len(password) < MIN_CHARACTERS:
        problem = f"Choose a password of at least {MIN_CHARACTERS} characters."
    elif len(password.encode()) > MAX_BYTES:
        problem = f"Choose a password of at most {MAX_BYTES:,} bytes."
    elif password.strip().lower() == email.lower():
        problem = "Choose a password that is not your e-mail address."
    if problem:
        raise ValidationError(problem, details=[{"field": "password", "message": problem}])


def hash_password(password: str) -> str:
    """An argon2id hash with its parameters and its salt in it."""
    return _hasher.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one. Without a stored hash the same work is done for nothing, and is False."""
    if len(password.encode()) > MAX_BYTES:
        return False
    try:
        matches = _hasher.verify(stored or _dummy(), password)
    except (VerificationError, InvalidHashError):
        return False
    return matches and stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


@lru_cache(maxsize=1)
def _dummy() -> str:
    return _hasher.hash("nobody has this password")
