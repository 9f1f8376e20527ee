"""A forgotten password: a link by mail that works once, for an hour."""

from datetime import timedelta
from functools import partial

from sqlmodel import Session, col, delete, select, update

from guardian import db, limits, live
from guardian.config import settings
from guardian.crypto import hash_token, new_token
from guardian.errors import RateLimitError, ValidationError
from guardian.limits import Limit
from guardian.models import AccessToken, Account, PasswordReset, SecondFactor, User
from guardian.models import Session as BrowserSession
from guardian.periods import utcnow
from guardian.services.people.access import passwords
from guardian.services.people.access.accounts import SIGN_IN_PER_USER, by_email, limit_key
from guardian.services.people.emails import normal_email
from guardian.services.people.mail import letter, queue_mail

RESET_PER_USER = Limit("reset-user", count=3, seconds=3600)
RESET_LIFETIME = timedelta(hours=1)

_RESET_WRONG = "This link is no longer valid. Ask for a new one."


def request_password_reset(session: Session, email: str) -> None:
    """Mail a link that works once, for an hour, if that person exists; the caller cannot tell whether they do."""
    try:
        address = normal_email(email)
        limits.hit(RESET_PER_USER, limit_key(address))
    except (ValidationError, RateLimitError):
        return
    user = by_email(session, address)
    if user is None:
        return
    token = new_token()
    session.add(PasswordReset(user_id=user.id, token_hash=hash_token(token), expires_at=utcnow() + RESET_LIFETIME))
    session.flush()
    text, html = letter(
        "Reset your password",
        [
            "Somebody, probably you, asked to reset the password of your account at AI Cost Guardian. The link works "
            "once, within an hour.",
            "If it was not you, ignore this mail: nothing was changed.",
        ],
        action=("Choose a new password", f"{settings().base_url}/reset-password?token={token}"),
    )
    queue_mail(
        session,
        to=user.email,
        subject="Reset your password",
        text=text,
        html=html,
        organization_id=user.organization_id,
        kind="reset",
    )


def reset_password(session: Session, token: str, password: str) -> User:
    """Set a new password by a mailed link, and sign the person out everywhere. Where nobody had shown yet that the
    address is theirs, linked identities, access tokens and the second factor end too.

    Raises ValidationError: on `token` for a link that is unknown, used or too old, on `password` for the new one.
    """
    now = utcnow()
    reset = session.exec(
        select(PasswordReset).where(PasswordReset.token_hash == hash_token(token)).with_for_update()
    ).one_or_none()
    if reset is None or reset.used_at is not None or reset.expires_at <= now:
        raise ValidationError(_RESET_WRONG, details=[{"field": "token", "message": _RESET_WRONG}])
    user = session.get_one(User, reset.user_id)
    passwords.require_acceptable(password, user.email)
    user.password_hash = passwords.hash_password(password)
    if user.email_verified is None:
        # The link came by mail to this address, so its owner reads it: who signed up with it may have been another.
        _forget_ways_in(session, user)
        user.email_verified = now
    session.exec(
        update(PasswordReset)
        .where(col(PasswordReset.user_id) == user.id, col(PasswordReset.used_at).is_(None))
        .values(used_at=now)
    )
    session.exec(
        update(BrowserSession)
        .where(col(BrowserSession.user_id) == user.id, col(BrowserSession.revoked_at).is_(None))
        .values(revoked_at=now)
    )
    session.flush()
    limits.forget(SIGN_IN_PER_USER, limit_key(user.email))
    return user


def _forget_ways_in(session: Session, user: User) -> None:
    session.exec(delete(Account).where(col(Account.user_id) == user.id))
    session.exec(delete(SecondFactor).where(col(SecondFactor.user_id) == user.id))
    revoked = session.exec(
        update(AccessToken)
        .where(col(AccessToken.user_id) == user.id, col(AccessToken.revoked_at).is_(None))
        .values(revoked_at=utcnow())
        .returning(col(AccessToken.organization_id))
    )
    for organization_id in set(revoked.scalars()):
        db.after_commit(session, partial(live.tell_gateways, organization_id))
