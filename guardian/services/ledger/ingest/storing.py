"""Journal entries into the tracked book: each once, by organization, and one that cannot be stored stops no other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import NamedTuple

import psycopg
from psycopg.errors import ProgramLimitExceeded
from sqlalchemy import case
from sqlalchemy.exc import DataError, IntegrityError
from sqlmodel import Session, col, select

from guardian.errors import ValidationError
from guardian.models import ApiKey, Organization, TeamMember, User
from guardian.models.enums import TeamRole
from guardian.services.ledger.ingest.entries import CallEntry, call_of
from guardian.services.ledger.ingest.once import add_once
from guardian.services.ledger.pricebook.overrides import overrides_of
from guardian.services.ledger.writing.calls import Call, Overrides

# What one row's values can do to the statement that it is stored with.
_OF_A_ROW = (DataError, IntegrityError, psycopg.DataError, psycopg.IntegrityError, ProgramLimitExceeded)
# What the price of one call's numbers can end in.
_OF_A_PRICE = (ArithmeticError, ValueError, LookupError)
# Where a call's metadata says whose it was, when that person is gone and the organization's owner stands in.
_GONE = "_deletedUserId"


class Refused(NamedTuple):
    """An entry that cannot be stored, by its place in what was given, and why."""

    place: int
    reason: str


@dataclass(slots=True)
class Stored:
    """What became of entries: new ones, those that the ledger had, those that it cannot take, and whose ledger grew."""

    added: int = 0
    duplicates: int = 0
    refused: list[Refused] = field(default_factory=list[Refused])
    organizations: set[str] = field(default_factory=set[str])


class _Placed(NamedTuple):
    place: int
    call: Call


def store(session: Session, entries: Sequence[CallEntry]) -> Stored:
    """Store the calls that the ledger does not have yet, priced as their organizations agreed.

    A call whose key is gone is stored without it, one whose person is gone under the organization's owner. Refused is
    what no ledger can take: of an organization that is gone, with counts that cannot be, or values that the database
    refuses.
    """
    stored = Stored()
    known = _Known.of(session, entries)
    by_organization: dict[str, list[_Placed]] = {}
    for place, entry in enumerate(entries):
        try:
            call = known.settled(session, entry.organization_id, call_of(entry))
        except ValidationError as error:
            stored.refused.append(Refused(place, error.message))
        else:
            by_organization.setdefault(entry.organization_id, []).append(_Placed(place, call))
    # In the order of their ids, so that two who store never wait for each other in a circle.
    for organization_id, calls in sorted(by_organization.items(), key=itemgetter(0)):
        providers = {placed.call.usage.provider for placed in calls}
        overrides = {provider: overrides_of(session, organization_id, provider) for provider in providers}
        _store(session, organization_id, calls, overrides, stored)
    return stored


def _store(
    session: Session, organization_id: str, calls: Sequence[_Placed], overrides: Overrides, stored: Stored
) -> None:
    """Store them; where that fails for one of them, the halves apart, down to the one that it is."""
    try:
        with session.begin_nested():
            once = add_once(session, organization_id, [placed.call for placed in calls], overrides)
    except (*_OF_A_ROW, *_OF_A_PRICE) as error:
        if len(calls) == 1:
            stored.refused.append(Refused(calls[0].place, f"The ledger cannot take it: {str(error).splitlines()[0]}"))
            return
        middle = len(calls) // 2
        _store(session, organization_id, calls[:middle], overrides, stored)
        _store(session, organization_id, calls[middle:], overrides, stored)
        return
    stored.refused += [Refused(calls[place].place, reason) for place, reason in once.reasons.items()]
    stored.added += once.stored.added
    stored.duplicates += once.stored.duplicates
    if once.stored.added:
        stored.organizations.add(organization_id)


@dataclass(slots=True)
class _Known:
    """Who of those that entries name is still there, and is kept from being deleted until the transaction ends."""

    organizations: set[str]
    users: set[str]
    keys: set[str]
    owners: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, session: Session, entries: Iterable[CallEntry]) -> "_Known":
        named = [(e.organization_id, e.user_id, e.api_key_id) for e in entries]
        return cls(
            _kept(session, Organization, {organization for organization, _, _ in named}),
            _kept(session, User, {user for _, user, _ in named}),
            _kept(session, ApiKey, {key for _, _, key in named if key is not None}),
        )

    def settled(self, session: Session, organization_id: str, call: Call) -> Call:
        """The call with references that hold. Raises ValidationError where nobody is left to hold."""
        if organization_id not in self.organizations:
            raise ValidationError("Its organization does not exist any more.")
        if call.api_key_id is not None and call.api_key_id not in self.keys:
            call = replace(call, api_key_id=None)
        if call.user_id not in self.users:
            owner = self._owner(session, organization_id)
            call = replace(call, user_id=owner, metadata={**call.metadata, _GONE: call.user_id})
        return call

    def _owner(self, session: Session, organization_id: str) -> str:
        if organization_id not in self.owners:
            found = session.exec(
                select(User.id)
                .join(TeamMember, col(TeamMember.user_id) == col(User.id))
                .where(TeamMember.organization_id == organization_id)
                .order_by(case((col(TeamMember.role) == TeamRole.OWNER, 0), else_=1), col(User.id))
                .limit(1)
                .with_for_update(read=True, key_share=True, of=User)
            ).first()
            self.owners[organization_id] = found or ""
        if not self.owners[organization_id]:
            raise ValidationError("Who made it is gone, and nobody is left in its organization.")
        return self.owners[organization_id]


def _kept(session: Session, table: type[Organization] | type[User] | type[ApiKey], ids: set[str]) -> set[str]:
    if not ids:
        return set()
    query = select(table.id).where(col(table.id).in_(ids)).order_by(col(table.id))
    return set(session.exec(query.with_for_update(read=True, key_share=True)))
