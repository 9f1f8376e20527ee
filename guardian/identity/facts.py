"""What a sign-in provider says of a person."""

from dataclasses import dataclass
from typing import Any, cast

from guardian.errors import SignInRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """`subject` is the provider's own id of the person and never changes; `email` is None unless it is verified."""

    provider: str
    subject: str
    email: str | None
    name: str | None = None


def mapping(value: object, what: str) -> dict[str, Any]:
    """A JSON object. Raises SignInRefused (oauth-token) for anything else."""
    if not isinstance(value, dict):
        raise SignInRefused("oauth-token", f"The sign-in provider's {what} is no JSON object.")
    return cast("dict[str, Any]", value)


def text(value: object) -> str | None:
    """A text that is not empty, cut where it is absurd."""
    return value.strip()[:300] or None if isinstance(value, str) and "\x00" not in value else None
