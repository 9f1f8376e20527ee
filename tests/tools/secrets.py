"""Looks for secrets in bytes: those that somebody planted, however they are written, and whatever looks like one."""

import base64
import re
import urllib.parse
from collections.abc import Iterable
from typing import NamedTuple

# Whole secrets: a hint of four characters, or the first six before an ellipsis, is no secret.
PATTERNS: dict[str, re.Pattern[bytes]] = {
    "our token": re.compile(rb"gdn_[A-Za-z0-9_\-]{30,}"),
    "signing secret": re.compile(rb"whsec_[A-Za-z0-9+/=_\-]{20,}"),
    "provider key": re.compile(
        rb"\b(?:sk-[A-Za-z0-9_\-]{20,}|xai-[A-Za-z0-9_\-]{20,}|pplx-[A-Za-z0-9]{20,}|AIza[\w\-]{30,})"
    ),
    "private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "password in an address": re.compile(rb"\b(?:postgres(?:ql)?|redis)://[^\s:/@]*:[^\s@/]{3,}@"),
}


class Found(NamedTuple):
    """Which secret, or what looks like one, where, and the text around it with the middle left out."""

    what: str
    place: str
    around: str


def written(secret: str) -> dict[str, bytes]:
    """The ways in which a secret may be written down by accident."""
    raw = secret.encode()
    # Inside of a longer text base64 begins at one of three places; what is left is the part that is the same in all.
    shifted = {f"base64 at {n}": base64.b64encode(bytes(n) + raw)[4 if n else 0 : -4] for n in range(3)}
    return {
        "plain": raw,
        "hex": raw.hex().encode(),
        "reversed": raw[::-1],
        "in an address": urllib.parse.quote(secret, safe="").encode(),
        **{name: text for name, text in shifted.items() if len(text) >= 12},
    }


def find(place: str, data: bytes, planted: Iterable[str] = (), allowed: Iterable[bytes] = ()) -> list[Found]:
    """Every secret in the data; `allowed` are texts that only look like one."""
    found: list[Found] = []
    lower = data.lower()
    for secret in planted:
        for how, text in written(secret).items():
            at = data.find(text) if how != "hex" else lower.find(text)
            if at >= 0:
                found.append(Found(f"{secret[:6]}… {how}", place, _around(data, at, len(text))))
    for what, pattern in PATTERNS.items():
        found += [
            Found(what, place, _around(data, match.start(), len(match.group())))
            for match in pattern.finditer(data)
            if not any(each in match.group() for each in allowed)
        ]
    return found


def _around(data: bytes, at: int, size: int) -> str:
    before, after = data[max(0, at - 60) : at], data[at + size : at + size + 30]
    return f"{before.decode('utf-8', 'replace')}[…]{after.decode('utf-8', 'replace')}"
