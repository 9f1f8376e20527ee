"""Events of senders, and answers that can be asked for again, each once: by their id, whenever and by whom it is told.

A row's own id has its time in it, as partitions by time ask; so an event told under two times would be two rows. Its
key in known_events has none, and is claimed in the transaction that adds the row. An answer that was asked for again is
the call that made it; but two calls that made answers are two, also of a server that names all of its answers alike.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter

import msgspec
from sqlalchemy import text
from sqlmodel import Session

from guardian.records import UsageCounts
from guardian.services.ledger.writing.calls import Added, Call, Overrides, Priced, add_priced, price_calls

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
# In the order of the keys: two who claim the same ones wait for each other, but never in a circle.
# The new ones are named only where there are others too: most often there are none, and a thousand names cost more.
_CLAIM = text(
    "WITH new AS (INSERT INTO known_events (key, fingerprint) SELECT * FROM "
    "unnest(CAST(:keys AS uuid[]), CAST(:prints AS bigint[])) ON CONFLICT DO NOTHING RETURNING key) "
    "SELECT CASE WHEN count(*) < :number THEN array_agg(encode(uuid_send(key), 'hex')) END, count(*) FROM new"
)
_TOLD = text(
    "SELECT encode(uuid_send(key), 'hex'), fingerprint FROM known_events WHERE key = ANY(CAST(:keys AS uuid[]))"
)


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
    added = add_priced(session, Priced(organization_id, lines, priced.first, priced.last)).added if lines else 0
    return Once(outcomes, reasons, Added(added=added, duplicates=len(places) - added))


def _claim(
    session: Session, organization_id: str, calls: Sequence[Call], places: Sequence[int], outcomes: list[Outcome]
) -> None:
    """Claim the events' keys, and note for each that somebody had already what became of it."""
    prints: dict[str, int] = {}
    claims: dict[str, int] = {}
    events: list[tuple[int, str, int]] = []
    for place in places:
        call = calls[place]
        if (name := _name_of(call)) is None:
            continue
        key, fingerprint = key_of(organization_id, name), _said_by(call)
        events.append((place, key, fingerprint))
        if key not in claims:
            claims[key], prints[key] = place, fingerprint
    if not events:
        return
    ordered = sorted(claims)
    values = {"keys": _array(ordered), "prints": _array([prints[key] for key in ordered]), "number": len(ordered)}
    names, number = session.connection().execute(_CLAIM, values).one()
    if number == len(events):
        return
    new = set(ordered if number == len(ordered) else names or ())
    known = [key for key in ordered if key not in new]
    if known:
        prints.update({key: told for key, told in session.connection().execute(_TOLD, {"keys": _array(known)})})
    for place, key, fingerprint in events:
        if key not in new or claims[key] != place:
            outcomes[place] = _told_before(fingerprint, prints[key])


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


def key_of(organization_id: str, name: tuple[str, ...]) -> str:
    """128 bits of a hash of whose it is and of what it is known by, in hexadecimal."""
    whole = "\x1f".join((organization_id, *name)).encode("utf-8", "replace")
    return hashlib.blake2b(whole, digest_size=16).hexdigest()


def fingerprint_of(call: Call) -> int:
    """64 bits of what the event says, but not of who brought it: two tokens may tell the same event."""
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
    return int.from_bytes(digest, "big", signed=True)


def _text_of(call: Call) -> str:
    return msgspec.json.encode(call.metadata, order="sorted").decode() if call.metadata else ""
