"""Mailed links that need no row: what they say is sealed with the installation's key, so nobody else can write one."""

import json
from datetime import timedelta

from guardian.crypto import encryption
from guardian.errors import DecryptionError, ValidationError
from guardian.periods import utcnow

_WRONG = "This link is no longer valid. Ask for a new one."


def sealed_link_token(purpose: str, *facts: str, lifetime: timedelta) -> str:
    """A token for an address that says `facts` to who reads it for the same purpose, until its time is over."""
    until = int((utcnow() + lifetime).timestamp())
    sealed = encryption().encrypt(json.dumps([purpose, until, *facts]))
    return ".".join((sealed.key_id, sealed.iv, sealed.tag, sealed.encrypted_data))


def facts_of_token(purpose: str, token: str) -> list[str]:
    """What the token says. Raises ValidationError on the field token: forged, of another purpose, or too old."""
    parts = token.split(".")
    try:
        if len(parts) != 4:
            raise _refused()
        key_id, iv, tag, data = parts
        found, until, *facts = json.loads(encryption().decrypt(data, iv, tag, key_id))
    except DecryptionError:
        raise _refused() from None
    if found != purpose or until <= utcnow().timestamp():
        raise _refused()
    return [str(fact) for fact in facts]


def _refused() -> ValidationError:
    return ValidationError(_WRONG, details=[{"field": "token", "message": _WRONG}])
