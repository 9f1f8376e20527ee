"""Who sends: a token or a session, held in memory for at most five seconds, and longer while PostgreSQL is away."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from guardian import db
from guardian.crypto import hash_token
from guardian.errors import AuthenticationError, UnavailableError
from guardian.models import TeamMember, User
from guardian.services.actor import Actor
from guardian.services.people.access import sessions, tokens
from guardian.services.people.access.callers import callers_of, tags_of_member

FRESH_SECONDS = 5.0
_MOST = 10_000  # credentials that are remembered, wrong ones too; past that all are forgotten
_MOST_PEOPLE = 5_000
_NO_TAGS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Sender:
    """`people` finds a person of the organization by their id, or their address in lower case; `default_tags` are
    put on what does not say otherwise.
    """

    actor: Actor
    token_id: str | None
    people: Mapping[str, str]
    default_tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class _Known:
    found: Sender | AuthenticationError
    read_at: float


class Senders:
    """Senders by their credential."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bool], _Known] = {}
        self._reading: dict[tuple[str, bool], asyncio.Task[_Known]] = {}

    async def find(self, credential: str, *, is_token: bool) -> Sender:
        """Raises AuthenticationError, and UnavailableError for one that was never seen while PostgreSQL is away."""
        key = (credential, is_token)
        known = self._known.get(key)
        if known is None or time.monotonic() - known.read_at > FRESH_SECONDS:
            known = await self._read(key, known)
        if isinstance(known.found, AuthenticationError):
            raise AuthenticationError(known.found.message)
        return known.found

    async def _read(self, key: tuple[str, bool], before: _Known | None) -> _Known:
        """One reading at a time for each credential, whoever waits for it."""
        reading = self._reading.get(key)
        if reading is None:
            reading = asyncio.create_task(asyncio.to_thread(_load, *key))
            self._reading[key] = reading
            reading.add_done_callback(lambda _: self._reading.pop(key, None))
        try:
            known = await asyncio.shield(reading)
        except (UnavailableError, SQLAlchemyError):
            if before is None:
                raise
            known = before
        if len(self._known) > _MOST:
            self._known.clear()
        self._known[key] = known
        return known


def _load(credential: str, is_token: bool) -> _Known:
    started = time.monotonic()
    try:
        with db.session() as session:
            if is_token:
                actor = tokens.actor_for_token(session, credential)
                caller = callers_of(session, [hash_token(credential)]).get(hash_token(credential))
                token_id, tags = (caller.token_id, caller.default_tags) if caller else (None, _NO_TAGS)
            else:
                actor, token_id = sessions.actor_for_session(session, credential), None
                tags = tags_of_member(session, actor)
            people = session.exec(
                select(User.id, User.email)
                .join(TeamMember, col(TeamMember.user_id) == col(User.id))
                .where(TeamMember.organization_id == actor.organization_id)
                .limit(_MOST_PEOPLE)
            ).all()
    except AuthenticationError as error:
        return _Known(error, started)
    by_name = {name: id for id, email in people for name in (id, email.lower())}
    return _Known(Sender(actor, token_id, by_name, tags), started)
