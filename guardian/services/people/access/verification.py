"""Whether a person reads the mail of their address: a welcome with a link, and what the link does."""

from datetime import timedelta

from sqlmodel import Session

from guardian import limits
from guardian.config import settings
from guardian.errors import SignInRefused, ValidationError
from guardian.limits import Limit
from guardian.models import User
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people.access.accounts import limit_key
from guardian.services.people.access.mailed_links import facts_of_token, sealed_link_token
from guardian.services.people.mail import letter, queue_mail

VERIFY_PER_USER = Limit("verify-user", count=3, seconds=3600)
LIFETIME = timedelta(days=7)
PURPOSE = "verify-email"


def welcome(session: Session, user: User) -> None:
    """Mail a new person what this is, where to begin, and the link that confirms their address."""
    text, html = letter(
        "Welcome to AI Cost Guardian",
        [
            f"Hello {user.name}," if user.name else "Hello,",
            "your account is ready. It shows what your company spends on AI providers as it happens, explains it, and "
            "warns before a budget is gone.",
            "To begin, connect a provider's admin key under Keys, or send your applications' calls through the "
            "gateway; then set a budget.",
            "Please confirm that this address is yours; alerts and reports go to it."
            if user.email_verified is None
            else "Alerts and reports go to this address.",
        ],
        action=("Confirm this address", _link(user))
        if user.email_verified is None
        else ("Open the dashboard", f"{settings().base_url}/dashboard"),
        foot=f"Somebody, probably you, signed up with {user.email} at {settings().base_url}.",
    )
    queue_mail(
        session,
        to=user.email,
        subject="Welcome to AI Cost Guardian",
        text=text,
        html=html,
        organization_id=user.organization_id,
        kind="welcome",
    )


def ask_again(session: Session, actor: Actor) -> bool:
    """Mail the link once more, three times an hour at most; False where the address is confirmed by now.

    Raises RateLimitError.
    """
    user = session.get_one(User, actor.user_id)
    if user.email_verified is not None:
        return False
    limits.hit(VERIFY_PER_USER, limit_key(user.email))
    text, html = letter(
        "Confirm your e-mail address",
        ["Alerts and reports go to this address. Confirm that it is yours; the link works for a week."],
        action=("Confirm this address", _link(user)),
        foot="If you did not ask for this mail, ignore it: nothing was changed.",
    )
    queue_mail(
        session,
        to=user.email,
        subject="Confirm your e-mail address",
        text=text,
        html=html,
        organization_id=user.organization_id,
        kind="verify",
    )
    return True


def verify_email(session: Session, token: str, actor: Actor | None) -> User:
    """Note that the link was followed by the signed-in `actor`; twice does no harm, whoever does it.

    Raises ValidationError on the field token, and SignInRefused (verify-sign-in, verify-other) for who is not signed in
    as that person: an account may have been made with a stranger's address, and must not become theirs by the
    stranger's click while another has its password.
    """
    facts = facts_of_token(PURPOSE, token)
    user = session.get(User, facts[0])
    # A link to an address that the person has left since says nothing of the new one.
    if user is None or user.email != facts[1]:
        message = "This link is for an address that your account no longer has. Ask for a new one."
        raise ValidationError(message, details=[{"field": "token", "message": message}])
    if user.email_verified is None:
        _require_own(user, actor)
        user.email_verified = utcnow()
        session.flush()
    return user


def _require_own(user: User, actor: Actor | None) -> None:
    if actor is None:
        raise SignInRefused(
            "verify-sign-in", "Sign in first, then confirm the address. If you made no account, reset its password."
        )
    if actor.user_id != user.id or actor.impersonator_id is not None:
        raise SignInRefused(
            "verify-other", "Another person is signed in here. Sign in with the address that is to be confirmed."
        )


def _link(user: User) -> str:
    token = sealed_link_token(PURPOSE, user.id, user.email, lifetime=LIFETIME)
    return f"{settings().base_url}/verify-email?token={token}"
