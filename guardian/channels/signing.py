"""Standard Webhooks (https://www.standardwebhooks.com): secrets, and the headers that sign a message with them."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

PREFIX = "whsec_"
_SECRET_BYTES = 32  # the specification wants 24 to 64


def new_secret() -> str:
    """A signing secret as receivers are given it: whsec_ and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def headers(valid: Sequence[str], message_id: str, moment: datetime, body: bytes) -> Mapping[str, str]:
    """The three headers of a message; it is signed with every valid secret, so that a receiver may know any of them.

    Raises ValueError for what is no secret.
    """
    seconds = str(int(moment.timestamp()))
    signed = b".".join((message_id.encode(), seconds.encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{_signature(secret, signed)}" for secret in valid),
    }


def _signature(secret: str, signed: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:  # binascii.Error is one
        raise ValueError("This is no signing secret.") from None
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
