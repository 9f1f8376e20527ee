"""Between the two steps of a sign-in: a sealed word that the first one is done, good once and for ten minutes."""

from datetime import timedelta

from sqlmodel import Session

from guardian import limits
from guardian.crypto import hash_token
from guardian.errors import RateLimitError, ValidationError
from guardian.limits import Limit
from guardian.models import User
from guardian.services.people.access import second_factors
from guardian.services.people.access.mailed_links import facts_of_token, sealed_link_token

PURPOSE = "second-step"
LIFETIME = timedelta(minutes=10)
_ONCE = Limit("second-step", count=1, seconds=int(LIFETIME.total_seconds()))
_OVER = "This sign-in has taken too long, or is over already. Sign in again."


def ask_for_code(user: User, method: str) -> str:
    """A token that says: this person has just signed in by `method`, and has a code to give yet."""
    return sealed_link_token(PURPOSE, user.id, method, _print_of(user), lifetime=LIFETIME)


def take_code(session: Session, token: str, code: str) -> tuple[User, str, str]:
    """The person, how they had signed in, and what kind of code they gave.

    Raises ValidationError on the field token, AuthenticationError for a wrong code, RateLimitError.
    """
    try:
        user_id, method, print_ = facts_of_token(PURPOSE, token)
    except ValidationError:
        raise _over() from None
    user = session.get(User, user_id)
    # A password that was changed meanwhile was changed for a reason.
    if user is None or print_ != _print_of(user):
        raise _over()
    kind = second_factors.check(session, user_id, code)
    try:
        limits.hit(_ONCE, hash_token(token)[:32])
    except RateLimitError:
        raise _over() from None
    return user, method, kind


def _print_of(user: User) -> str:
    return hash_token(user.password_hash or "")[:16]


def _over() -> ValidationError:
    return ValidationError(_OVER, details=[{"field": "token", "message": _OVER}])
