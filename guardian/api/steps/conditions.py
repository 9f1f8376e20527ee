"""Conditional requests: If-Match on what changes a row, and the version that its ETag carries (RFC 9110, 13)."""

from dataclasses import dataclass

from fastapi import Request, Response
from sqlmodel import Session

from guardian.api.answers.versions import etag, is_known, not_modified, versions_in
from guardian.api.requests.origin import SAFE_METHODS
from guardian.models.base import Row
from guardian.services.actor import Actor
from guardian.services.people.versions import require_version, stale, version_of

_CHANGING = ("PUT", "PATCH", "DELETE")


@dataclass(slots=True)
class Condition:
    """The row that a route is about, and what the caller takes for its version; None: whichever it is."""

    row: type[Row]
    row_id: str
    wanted: frozenset[str] | None = None
    version: str | None = None
    _held: bool = False

    def look(self, session: Session, actor: Actor, *, holds: bool) -> None:
        """When a transaction begins: the version of what is read; what is changed is held. Raises ApiError (412)."""
        if not holds:
            self.version = version_of(session, actor, self.row, self.row_id)
        elif self.wanted is not None:
            require_version(session, actor, self.row, self.row_id, self.wanted)
            self._held = True

    def look_again(self, session: Session, actor: Actor) -> None:
        """When a transaction ends that has changed it."""
        session.flush()
        self.version = version_of(session, actor, self.row, self.row_id)

    @property
    def was_ignored(self) -> bool:
        """A change was made without a look at what the caller took for the version."""
        return self.wanted is not None and not self._held


def condition_of(request: Request, row: type[Row] | None, own_id: str) -> Condition | None:
    """What this request asks of the row; `own_id` is that of a row that the path does not name.

    Raises ApiError (412) for If-Match on what has no version: a change under a condition that nobody looks at is not
    the one that was asked for.
    """
    if_match = request.headers.get("if-match") if request.method in _CHANGING else None
    if row is None:
        if if_match is not None and versions_in(if_match) is not None:
            raise stale("This has no version that could be compared. Leave If-Match out.")
        return None
    row_id = next(iter(request.path_params.values()), own_id)
    return Condition(row, row_id, versions_in(if_match) if if_match is not None else None)


def tagged(request: Request, response: Response, version: str | None) -> Response:
    """The answer with its ETag, or 304 where the caller has it already."""
    body: bytes | None = getattr(response, "body", None)
    if body is None or response.status_code != 200 or (request.method not in SAFE_METHODS and version is None):
        return response  # a file that is streamed is made while it goes
    tag = etag(body, version)
    response.headers["ETag"] = tag
    if request.method in SAFE_METHODS and is_known(tag, request.headers.get("if-none-match")):
        return not_modified(response)
    return response
