"""Idempotency-Key on a POST: the same request is done once, however often it is sent.

https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header-07. Routes that anybody may ask have no
key: nobody is there to whom it would belong. Usage and spans carry the ids of their events instead.
"""

import hashlib
from dataclasses import dataclass

from fastapi import Request, Response
from sqlmodel import Session

from guardian import db
from guardian.api.requests.uploading import Upload
from guardian.errors import ValidationError
from guardian.services.actor import Actor
from guardian.services.people import repeats
from guardian.services.people.repeats import Answered, Claim

HEADER, REPLAYED = "Idempotency-Key", "Idempotent-Replayed"
LONGEST = 255


@dataclass(slots=True)
class Repeat:
    """A request under its key, from the moment that it is ours to do."""

    claim: Claim
    status: int
    _marked: bool = False

    def mark(self, session: Session) -> None:
        """In the transaction that does it; a route of several is done with the first."""
        if not self._marked:
            repeats.mark(session, self.claim, self.status)
            self._marked = True

    def end(self, response: Response | None) -> None:
        """Keep its answer; None where it failed, and the key is free if nothing was done."""
        with db.session() as session:
            if response is None or response.status_code >= 300:
                repeats.release(session, self.claim)
            else:
                repeats.keep(session, self.claim, response.status_code, bytes(response.body).decode())


def key_of(request: Request) -> str | None:
    """The request's key. Raises ValidationError for one that is none."""
    key = request.headers.get(HEADER) if request.method == "POST" else None
    if key is not None and not (0 < len(key) <= LONGEST and key.isascii() and key.isprintable()):
        message = f"has from 1 to {LONGEST} printable ASCII characters, such as a UUID"
        raise ValidationError("Validation failed", details=[{"field": HEADER, "message": message}])
    return key


def begin(
    request: Request, actor: Actor, key: str, *, body: bytes, upload: Upload | None, status: int
) -> Repeat | Response:
    """Take the key for this request, or give what was answered before. Raises ApiError (409, 422)."""
    with db.session() as session:
        found = repeats.claim(session, actor, key, _fingerprint(request, actor, body, upload))
    if isinstance(found, Answered):
        return Response(found.body, found.status, {REPLAYED: "true"}, "application/json")
    return Repeat(found, status)


def _fingerprint(request: Request, actor: Actor, body: bytes, upload: Upload | None) -> str:
    """Method, path, query and body, and what it was asked with: what makes two requests the same one.

    A browser's answer may hold what its person's access tokens, and who looks through their eyes, are not told.
    """
    asked_with = "browser" if actor.scopes is None else " ".join(sorted(actor.scopes))
    first = (request.method, request.url.path, request.url.query, asked_with, actor.impersonator_id or "")
    digest = hashlib.sha256("\n".join(first).encode() + b"\n")
    digest.update(hashlib.sha256(body).digest())
    if upload is not None:
        digest.update(repr((upload.name, sorted(upload.fields.items()))).encode())
        with upload.path.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()
