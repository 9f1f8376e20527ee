"""What went wrong with a sign-in form, as a short code for an address and as the words that a page shows for it."""

from typing import Any, cast

from guardian.errors import (
    AuthenticationError,
    AuthorizationError,
    ConflictError,
    GuardianError,
    RateLimitError,
    SignInRefused,
    UnavailableError,
    ValidationError,
)
from guardian.services.people.access.passwords import MIN_CHARACTERS
from guardian.services.people.billing.plans import PLAN_LIMIT

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
    "code": "This code is wrong, or was used already. Wait for the next one and try again.",
    "code-over": "This sign-in has taken too long, or is over already. Sign in again.",
    "oauth-denied": "The sign-in was called off at the provider, and nothing happened. Try again, or another way.",
    "oauth-state": "This sign-in was begun in another browser or too long ago, or is over already. Begin it again.",
    "oauth-token": "What the sign-in provider answered cannot be trusted, so nobody was signed in. Try again; if it "
    "stays, tell who runs this installation.",
    "oauth-setup": "The sign-in provider and this installation do not fit together. Tell who runs it, and sign in "
    "another way meanwhile.",
    "oauth-unavailable": "The sign-in provider does not answer right now. Try again shortly, or another way.",
    "oauth-mail": "The provider gave no verified e-mail address of yours. Verify it there, or create an account with a "
    "password.",
    "oauth-link": "There is an account with this address that this sign-in is not linked to. Sign in with your "
    "password, then link it under Settings, Sign-in and security.",
    "oauth-taken": "Somebody else here signs in with this identity already, so it was not linked.",
    "oauth-second": "Another identity of this provider is linked. Take that one away first.",
    "oauth-missing": "This installation is not set up for that sign-in provider.",
    "oauth-other": "You were signed out, or somebody else signed in, before the link was made. Try again.",
    "require-google": "Your organization asks its members to sign in with Google. Use that button.",
    "require-github": "Your organization asks its members to sign in with GitHub. Use that button.",
    "require-oidc": "Your organization asks its members to use its single sign-on. Use that button.",
    "disabled": "Your organization is disabled: nothing is deleted. Ask who runs this installation.",
    "require-address": "Your organization asks its members to sign in with an identity of the company. Choose that one "
    "at the provider.",
    "verify-sign-in": "Sign in, then confirm your address. If you made no account here, somebody else did with your "
    "address: it becomes yours by a new password.",
    "verify-other": "Another person is signed in here. Sign out, then open the link of the mail again.",
    "invitation": "This invitation is not for you, has expired, or was used or taken back. Ask to be invited again.",
    "full": "The plan of this organization has no room for another member. Tell who invited you.",
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
    if isinstance(error, SignInRefused) and error.reason in CODES:
        return error.reason
    if isinstance(error, ConflictError) and error.code == PLAN_LIMIT:
        return "full"
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
