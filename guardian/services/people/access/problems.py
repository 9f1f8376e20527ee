"""What went wrong with a sign-in form, as a short code for an address and as the words that a page shows for it."""

from typing import Any, cast

from guardian.errors import (
    AuthenticationError,
    AuthorizationError,
    ConflictError,
    GuardianError,
    RateLimitError,
    UnavailableError,
    ValidationError,
)
from guardian.services.people.access.passwords import MIN_CHARACTERS

_SENTENCES = {
    "credentials": "The e-mail address or the password is wrong.",
    "token": "This link is no longer valid. Ask for a new one.",
    "exists": "There is already an account with this e-mail address. Sign in instead, or reset your password.",
    "email": "This is not a valid e-mail address.",
    "password": f"Choose a password of at least {MIN_CHARACTERS} characters that is not your e-mail address.",
    "name": "This name is not usable. Use at most 200 characters of text.",
    "company": "This company name is not usable. Use at most 200 characters of text.",
    "invalid": "Something in this form is missing or too long. Fill it in again.",
    "too-often": "Too many tries. Wait a little, then try again.",
    "origin": "This form was sent from another site and was refused. Fill it in here.",
    "unavailable": "The server cannot reach its database right now. Nothing was lost; try again shortly.",
    "signed-out": "Your session has ended. Sign in again.",
    "internal": "Something went wrong on our side, and was recorded. Try again.",
}
CODES = frozenset(_SENTENCES)


def sentence(code: str) -> str:
    """The words for a code that came in an address; unknown codes get the general ones."""
    return _SENTENCES.get(code, _SENTENCES["internal"])


def code_of(error: GuardianError) -> str:
    """The code of an error that a sign-in form met."""
    if isinstance(error, ValidationError):
        return _field_code(error.details)
    for kind, code in (
        (AuthenticationError, "credentials"),
        (AuthorizationError, "origin"),
        (ConflictError, "exists"),
        (RateLimitError, "too-often"),
        (UnavailableError, "unavailable"),
    ):
        if isinstance(error, kind):
            return code
    return "internal" if error.status_code >= 500 else "invalid"


def _field_code(details: Any) -> str:
    if isinstance(details, list) and details:
        first = cast("dict[str, Any]", details[0])
        field = str(first.get("field"))
        if field in CODES:
            return field
    return "invalid"
