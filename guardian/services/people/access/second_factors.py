"""The second factor: time-based codes (RFC 6238) of an app, and recovery codes for when the app is gone."""

import hmac
import io
import secrets
from dataclasses import dataclass
from datetime import datetime

import segno
from pyotp import random_base32
from pyotp.totp import TOTP
from sqlmodel import Session, select

from guardian import limits
from guardian.crypto import SealedSecret, encryption, hash_token
from guardian.errors import AuthenticationError, ConflictError, NotFoundError, ValidationError
from guardian.limits import Limit
from guardian.models import SecondFactor, User
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people.access import own_browser, passwords, security_mail
from guardian.services.people.emails import normal_email

ISSUER = "AI Cost Guardian"
STEP_SECONDS = 30
RECOVERY_CODES = 10
# Three codes are good at a time: 40 guesses an hour would take a year to reach an even chance of 1 in 1,000,000.
CODES_PER_USER = Limit("second-factor", count=10, seconds=900)
# Without letters and digits that look alike; 16 of them are 79 bits, so that their SHA-256 needs no slow hash.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"

_WRONG = "This code is wrong, or was used already. Wait for the next one and try again."


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorView:
    """`since` is None while it is off; `recovery_left` is how many recovery codes were not used yet."""

    since: datetime | None
    recovery_left: int


def is_on(session: Session, user_id: str) -> bool:
    """Whether that person is asked for a code."""
    row = session.get(SecondFactor, user_id)
    return row is not None and row.confirmed_at is not None


def get(session: Session, actor: Actor) -> SecondFactorView:
    """The actor's own."""
    actor.require("account:read")
    row = session.get(SecondFactor, actor.user_id)
    if row is None or row.confirmed_at is None:
        return SecondFactorView(since=None, recovery_left=0)
    return SecondFactorView(since=row.confirmed_at, recovery_left=len(row.recovery_hashes))


def begin(session: Session, actor: Actor) -> tuple[str, str]:
    """A new secret, and the address that an app reads it from; it counts once a code of it was given.

    Raises ConflictError while one counts already.
    """
    own_browser.require(actor, "account:update")
    row = _locked(session, actor.user_id)
    if row is not None and row.confirmed_at is not None:
        raise ConflictError("A second factor is on already. Turn it off first.")
    secret = random_base32()
    sealed = encryption().encrypt_api_key(secret)
    row = row or SecondFactor(user_id=actor.user_id, encrypted_secret="", iv="", tag="")
    row.encrypted_secret, row.iv, row.tag = sealed.encrypted_key, sealed.iv, sealed.tag
    row.encryption_key_id, row.recovery_hashes, row.last_step = sealed.key_id, [], None
    session.add(row)
    session.flush()
    return secret, _address(session, actor, secret)


def qr_code(session: Session, actor: Actor) -> str:
    """The address of the secret that `begin` made, as an SVG image. Raises NotFoundError once it counts."""
    own_browser.require(actor, "account:update")
    row = session.get(SecondFactor, actor.user_id)
    if row is None or row.confirmed_at is not None:
        raise NotFoundError("Second factor in the making")
    image = io.BytesIO()
    # White around and behind, in the dark theme too: that is what cameras know.
    segno.make(_address(session, actor, _secret(row)), error="m").save(
        image, kind="svg", scale=5, border=4, dark="#000", light="#fff"
    )
    return image.getvalue().decode()


def confirm(session: Session, actor: Actor, code: str) -> list[str]:
    """From here on the actor is asked for a code; the recovery codes, shown only here.

    Raises ValidationError on the field code, ConflictError where there is nothing to confirm.
    """
    own_browser.require(actor, "account:update")
    row = _locked(session, actor.user_id)
    if row is None or row.confirmed_at is not None:
        raise ConflictError("There is no second factor to confirm. Begin with a new one.")
    limits.hit(CODES_PER_USER, actor.user_id)
    step = _step(row, code)
    if step is None:
        message = "This is not the code that the app shows now. Check that the clock of the phone is right."
        raise ValidationError(message, details=[{"field": "code", "message": message}])
    limits.forget(CODES_PER_USER, actor.user_id)
    row.confirmed_at, row.last_step = utcnow(), step
    codes = _new_codes(session, row)
    user = session.get_one(User, actor.user_id)
    security_mail.tell(session, user, "Your sign-in asks for a second factor now", _IF_ON)
    return codes


def renew_codes(session: Session, actor: Actor, proof: str) -> list[str]:
    """New recovery codes in place of the old ones, for a code or the password. Raises as `disable`."""
    row = _proven(session, actor, proof)
    return _new_codes(session, row)


def disable(session: Session, actor: Actor, proof: str) -> None:
    """Turn it off, for a code or the password.

    Raises NotFoundError while it is off, AuthenticationError for a wrong proof, RateLimitError after 10 of them.
    """
    row = _proven(session, actor, proof)
    session.delete(row)
    session.flush()
    user = session.get_one(User, actor.user_id)
    security_mail.tell(session, user, "Your sign-in asks for no second factor any more", _IF_OFF)


def check(session: Session, user_id: str, code: str) -> str:
    """Take a code of that person, each once: "code" for one of the app, "recovery code" for one of those.

    Raises AuthenticationError, and RateLimitError after 10 tries in 15 minutes.
    """
    limits.hit(CODES_PER_USER, user_id)
    row = _locked(session, user_id)
    kind = _taken(row, code) if row is not None and row.confirmed_at is not None else None
    if kind is None:
        raise AuthenticationError(_WRONG)
    session.flush()
    limits.forget(CODES_PER_USER, user_id)
    return kind


def remove(session: Session, email: str) -> User:
    """Turn it off for somebody who lost app and codes; for the command line. Raises NotFoundError."""
    user = session.exec(select(User).where(User.email == normal_email(email))).one_or_none()
    row = session.get(SecondFactor, user.id) if user else None
    if user is None or row is None:
        raise NotFoundError("Second factor of that person")
    session.delete(row)
    session.flush()
    security_mail.tell(session, user, "Your sign-in asks for no second factor any more", _IF_OFF)
    return user


_IF_ON = "If it was not you, somebody is signed in as you: choose a new password, and ask who runs the installation."
_IF_OFF = "If it was not you, choose a new password, which signs everybody out, and turn it on again."


def _proven(session: Session, actor: Actor, proof: str) -> SecondFactor:
    own_browser.require(actor, "account:update")
    row = _locked(session, actor.user_id)
    if row is None or row.confirmed_at is None:
        raise NotFoundError("Second factor")
    limits.hit(CODES_PER_USER, actor.user_id)
    user = session.get_one(User, actor.user_id)
    if _taken(row, proof) is None and not (user.password_hash and passwords.verify(user.password_hash, proof)):
        raise AuthenticationError("This is neither your password nor a code that is good now.")
    limits.forget(CODES_PER_USER, actor.user_id)
    return row


def _taken(row: SecondFactor, code: str) -> str | None:
    step = _step(row, code)
    if step is not None:
        row.last_step = step
        return "code"
    found = _hash(row.user_id, code)
    left = [each for each in row.recovery_hashes if not hmac.compare_digest(each, found)]
    if len(left) == len(row.recovery_hashes):
        return None
    row.recovery_hashes = left
    return "recovery code"


def _step(row: SecondFactor, code: str) -> int | None:
    """The time step of a code of the app, one before and after now for its clock; none that was taken before."""
    typed = "".join(code.split())
    if not (typed.isascii() and typed.isdigit() and len(typed) == 6):
        return None
    totp, now = TOTP(_secret(row), interval=STEP_SECONDS), int(utcnow().timestamp()) // STEP_SECONDS
    for step in (now, now - 1, now + 1):
        if (row.last_step is None or step > row.last_step) and hmac.compare_digest(totp.generate_otp(step), typed):
            return step
    return None


def _new_codes(session: Session, row: SecondFactor) -> list[str]:
    plain = ["".join(secrets.choice(_ALPHABET) for _ in range(16)) for _ in range(RECOVERY_CODES)]
    row.recovery_hashes = [_hash(row.user_id, each) for each in plain]
    session.add(row)
    session.flush()
    return ["-".join(each[at : at + 4] for at in range(0, 16, 4)) for each in plain]


def _hash(user_id: str, code: str) -> str:
    return hash_token(f"{user_id}:{''.join(c for c in code.lower() if c.isalnum())}")


def _secret(row: SecondFactor) -> str:
    return encryption().decrypt_api_key(SealedSecret(row.encrypted_secret, row.iv, row.tag, row.encryption_key_id))


def _address(session: Session, actor: Actor, secret: str) -> str:
    return TOTP(secret, interval=STEP_SECONDS).provisioning_uri(
        name=session.get_one(User, actor.user_id).email, issuer_name=ISSUER
    )


def _locked(session: Session, user_id: str) -> SecondFactor | None:
    return session.exec(select(SecondFactor).where(SecondFactor.user_id == user_id).with_for_update()).one_or_none()
