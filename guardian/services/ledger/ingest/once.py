"""Events of senders, and answers that can be asked for again, each once: by their id, whenever and by whom it is told.

A row's own id has its time in it, as partitions by time ask; so an event told under two times would be two rows. Its
key in known_events has none, and is claimed in the transaction that adds the row. An answer that was asked for again is
the call that made it; but two calls that made answers are two, also of a server that names all of its answers alike.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from operator import attrgetter
from typing import NamedTuple

import msgspec
from sqlalchemy import text
from sqlmodel import Session

from guardian.records import UsageCounts
from guardian.services.ledger.sql.bulk import driver_of
from guardian.services.ledger.writing.calls import Added, Call, Overrides, add_priced, price_calls

EVENT = "event"
"""The first part of the identity of a call that is known by its sender's id."""
ANSWER = "answer"
"""The first part of the identity of a call that is known by its answer's id: ("answer", provider, id)."""
KEPT = "kept"
"""True in the metadata of a call whose answer can be asked for again, by its `responseId`."""

_COUNTS = tuple(name for name in UsageCounts.__dataclass_fields__ if name != "units")
_counts = attrgetter(*_COUNTS)
# What stands for the content of an answer: whether it came with the call that made it, or when it was asked for again.
_MADE, _AGAIN = 1, 2
_encoder = msgspec.msgpack.Encoder(decimal_format="string", order="sorted")
# Where an event may be: under the first half of its 128 bits, or, if those are another one's, under the second.
_FIRST, _ELSE = struct.Struct(">qi4x"), struct.Struct(">i4xq")
# In the order of the keys: two who claim the same ones wait for each other, but never in a circle.
# The new ones are named only where there are others too: most often there are none, and a thousand names cost more.
_CLAIM = (
    b"WITH new AS (INSERT INTO known_events (key, rest, fingerprint) SELECT * FROM "
    b"unnest(%s::text::bigint[], %s::text::integer[], %s::text::integer[]) "
    b"ON CONFLICT DO NOTHING RETURNING key) "
    b"SELECT CASE WHEN count(*) < %s::integer THEN array_agg(key) END, count(*)::integer FROM new"
)
_TOLD = text("SELECT key, rest, fingerprint FROM known_events WHERE key = ANY(CAST(:keys AS bigint[]))")


class Outcome(Enum):
    """What became of a call. SAME was told before; DIFFERS too, but with other content, and that one stays."""

    ADDED = "added"
    SAME = "same"
    DIFFERS = "differs"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Once:
    """An outcome per call, in their order, the reasons of those that were refused, by their place, and the sums.

    The outcome ADDED of a call that is no event does not say whether it was new: only the sums do.
    """

    outcomes: list[Outcome]
    reasons: dict[int, str]

    stored: Added


def add_once(session: Session, organization_id: str, calls: Sequence[Call], overrides: Overrides) -> Once:
    """Add the calls that are not known yet, priced. A call that cannot be stored leaves no trace of its id."""
    outcomes = [Outcome.ADDED] * len(calls)
    refused: list[tuple[int, str]] = []
    priced = price_calls(organization_id, calls, overrides, refused)
    reasons = dict(refused)
    for place in reasons:
        outcomes[place] = Outcome.REFUSED
    places = [place for place in range(len(calls)) if place not in reasons]
    _claim(session, organization_id, calls, places, outcomes)
    lines = [line for line, place in zip(priced.lines, places, strict=True) if outcomes[place] is Outcome.ADDED]
    added = add_priced(session, replace(priced, lines=lines)).added if lines else 0
    return Once(outcomes, reasons, Added(added=added, duplicates=len(places) - added))


class _Event(NamedTuple):
    """A call that is known by a name; `keys` are where it may be, each with what tells it from another one there."""

    place: int
    keys: tuple[tuple[int, int], tuple[int, int]]
    fingerprint: int


def _claim(
    session: Session, organization_id: str, calls: Sequence[Call], places: Sequence[int], outcomes: list[Outcome]
) -> None:
    """Claim the events' keys, and note for each that somebody had already what became of it."""
    events = [
        _Event(place, keys_of(organization_id, name), _said_by(calls[place]))
        for place in places
        if (name := _name_of(calls[place])) is not None
    ]
    for at in (0, 1):
        events = _claim_at(session, events, at, outcomes) if events else []


def _claim_at(session: Session, events: Sequence[_Event], at: int, outcomes: list[Outcome]) -> list[_Event]:
    """Claim one of each event's keys; gives the events whose key is that of another event."""
    claims: dict[int, _Event] = {}
    for event in events:
        claims.setdefault(event.keys[at][0], event)
    ordered = sorted(claims)
    claiming = [claims[key] for key in ordered]
    values = (
        _array(ordered),
        _array([event.keys[at][1] for event in claiming]),
        _array([event.fingerprint for event in claiming]),
        len(ordered),
    )
    names, number = driver_of(session.connection()).execute(_CLAIM, values).fetchall()[0]
    if number == len(events):
        return []
    new = set(ordered if number == len(ordered) else names or ())
    told = {key: (claims[key].keys[at][1], claims[key].fingerprint) for key in new}
    if known := [key for key in ordered if key not in new]:
        found = session.connection().execute(_TOLD, {"keys": _array(known)})
        told.update({key: (rest, fingerprint) for key, rest, fingerprint in found})
    others: list[_Event] = []
    for event in events:
        key, rest = event.keys[at]
        if key in new and claims[key] is event:
            continue
        theirs, fingerprint = told[key]
        if theirs != rest:
            others.append(event)
        else:
            outcomes[event.place] = _told_before(event.fingerprint, fingerprint)
    return others


def _said_by(call: Call) -> int:
    if call.identity[0] == EVENT:
        return fingerprint_of(call)
    return _AGAIN if call.identity[0] == ANSWER else _MADE


def _told_before(fingerprint: int, known: int) -> Outcome:
    if fingerprint == _MADE:
        return Outcome.SAME if known == _AGAIN else Outcome.ADDED
    return Outcome.SAME if fingerprint in (_AGAIN, known) else Outcome.DIFFERS


def _name_of(call: Call) -> tuple[str, ...] | None:
    """What the call is known by besides its row's id; None for most calls, which are told by one process alone."""
    if call.identity[0] in (EVENT, ANSWER):
        return call.identity
    answer = call.metadata.get("responseId") if call.metadata.get(KEPT) is True else None
    return (ANSWER, call.usage.provider.value, answer) if isinstance(answer, str) else None


def _array(values: Sequence[object]) -> str:
    """An array as PostgreSQL reads it from text: the driver would look at each value's type."""
    return f"{{{','.join(map(str, values))}}}"


def keys_of(organization_id: str, name: tuple[str, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the event may be, first and else, as (key, rest): 96 of 128 bits of a hash of whose and what it is."""
    whole = "\x1f".join((organization_id, *name)).encode("utf-8", "replace")
    digest = hashlib.blake2b(whole, digest_size=16).digest()
    rest, key = _ELSE.unpack(digest)
    return _FIRST.unpack(digest), (key, rest)


def fingerprint_of(call: Call) -> int:
    """32 bits of what the event says, but not of who brought it: two tokens may tell the same event."""
    usage, counts = call.usage, call.usage.counts
    said = (
        usage.start.timestamp(),
        usage.provider.value,
        usage.operation,
        usage.model,
        _counts(counts),
        {unit: format(number.normalize(), "f") for unit, number in counts.units.items()} if counts.units else {},
        usage.requests,
        usage.service_tier,
        None if usage.provider_cost is None else format(usage.provider_cost.normalize(), "f"),
        dict(usage.dimensions),
        call.response_time,
        call.status_code,
        call.error,
        call.session,
        dict(call.tags),
        _text_of(call),
    )
    digest = hashlib.blake2b(_encoder.encode(said), digest_size=8).digest()
    return int.from_bytes(digest[4:], "big", signed=True)


def _text_of(call: Call) -> str:
    return msgspec.json.encode(call.metadata, order="sorted").decode() if call.metadata else ""
