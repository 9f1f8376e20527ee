"""Codex's session logs (~/.codex/sessions/**/*.jsonl): one call per answer of the model.

Since 0.150 a log has a `token_usage_record` for each response, with its id and its own tokens; those are what counts
there. Older ones have `token_count` events, whose `total_token_usage` is the sum of the session so far and whose
`last_token_usage` is what the last response used: an event that repeats the sum tells of no new response. A session
that was forked, or is a sub-agent's, begins with a copy of its parent's events, all written in one second; those are
the parent's. Input includes what was read from the cache, and output the reasoning.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from guardian.models.enums import Provider, UsageOrigin
from guardian.records import UNKNOWN_MODEL, UsageCounts, UsageRecord
from guardian.services.ledger.imports.agents import numbered, tags, what_is_wrong
from guardian.services.ledger.imports.batches import Batch, Entry, Importing, in_batches
from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.imports.source import Member, Source
from guardian.services.ledger.imports.values import clean
from guardian.services.ledger.writing.calls import Call

AGENT = "codex"
_MARKS = (b"token_count", b"token_usage_record", b"turn_context", b"session_meta")


class _Usage(msgspec.Struct, frozen=True):
    input_tokens: int = 0
    cached_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    output_tokens: int = 0
    reasoning_output_tokens: int | None = None
    total_tokens: int | None = None

    def is_empty(self) -> bool:
        return not (self.input_tokens or self.output_tokens)


class _Info(msgspec.Struct):
    total_token_usage: _Usage | None = None
    last_token_usage: _Usage | None = None
    model: str | None = None


class _Payload(msgspec.Struct):
    type: str | None = None
    id: str | None = None
    session_id: str | None = None
    forked_from_id: str | None = None
    source: msgspec.Raw | None = None
    cwd: str | None = None
    model: str | None = None
    info: _Info | None = None
    response_id: str | None = None
    usage: _Usage | None = None


class _Line(msgspec.Struct):
    timestamp: datetime | None = None
    type: str | None = None
    payload: _Payload | None = None


_decoder = msgspec.json.Decoder(_Line, strict=False)


@dataclass(slots=True)
class _Session:
    """What earlier lines of a file have told."""

    id: str
    cwd: str | None = None
    model: str | None = None
    total: _Usage | None = None
    has_records: bool = False
    is_child: bool = False
    copied_at: datetime | None = None


def read(source: Source, importing: Importing, report: Report) -> Iterator[Batch]:
    """The log's calls in batches. Lines that tell of no response are nothing, and are not counted."""
    calls = (entry for member in source.members() for entry in _calls(member, source, importing, report))
    yield from in_batches(calls, importing, report)


def _calls(member: Member, source: Source, importing: Importing, report: Report) -> Iterator[Entry]:
    session = _Session(id=(member.name or source.name).rsplit("/", 1)[-1].removesuffix(".jsonl"))
    named = False
    for number, raw in numbered(member, report, *_MARKS):
        try:
            line = _decoder.decode(raw)
        except msgspec.MsgspecError as error:
            report.refuse(number, what_is_wrong(error), member.name)
            continue
        payload = line.payload
        if payload is None:
            continue
        if line.type == "session_meta":
            # A fork has its parent's line too, after its own.
            if not named:
                named = True
                session.id = payload.id or payload.session_id or session.id
                session.is_child = bool(payload.forked_from_id) or b"thread_spawn" in bytes(payload.source or b"")
            session.cwd = payload.cwd or session.cwd
        elif line.type == "turn_context":
            session.model, session.cwd = payload.model or session.model, payload.cwd or session.cwd
        elif (usage := _used(session, line, payload, report)) is not None:
            if line.timestamp is None:
                report.refuse(number, "timestamp is missing.", member.name)
                continue
            moment = line.timestamp.astimezone(UTC) if line.timestamp.tzinfo else line.timestamp.replace(tzinfo=UTC)
            yield Entry(number, _call(importing, session, payload, usage, moment), member.name)


def _used(session: _Session, line: _Line, payload: _Payload, report: Report) -> _Usage | None:
    """What one response used, if the line tells of one that was not told before."""
    if line.type == "token_usage_record":
        session.has_records = True
        usage = payload.usage
        return None if usage is None or usage.is_empty() else usage
    if line.type != "event_msg" or payload.type != "token_count" or payload.info is None or session.has_records:
        return None
    total, last, before = payload.info.total_token_usage, payload.info.last_token_usage, session.total
    session.total = total or before
    session.model = payload.info.model or session.model
    if total is not None and total == before:
        return None  # said again, for instance with new rate limits
    if _is_copied(session, line):
        report.duplicate += 1
        return None
    usage = last or (total and _growth(before, total))
    return None if usage is None or usage.is_empty() else usage


def _growth(before: _Usage | None, total: _Usage) -> _Usage:
    """What the sum grew by; all of it where it has begun anew."""
    if before is None or total.input_tokens < before.input_tokens or total.output_tokens < before.output_tokens:
        return total
    return _Usage(
        **{name: (getattr(total, name) or 0) - (getattr(before, name) or 0) for name in _Usage.__struct_fields__}
    )


def _is_copied(session: _Session, line: _Line) -> bool:
    if not session.is_child or line.timestamp is None:
        return False
    second = line.timestamp.replace(microsecond=0)
    session.copied_at = session.copied_at or second
    if second != session.copied_at:
        session.is_child = False
    return session.is_child


def _call(importing: Importing, session: _Session, payload: _Payload, usage: _Usage, moment: datetime) -> Call:
    identity = (
        (AGENT, payload.response_id) if payload.response_id else (AGENT, session.id, *_sums(session.total or usage))
    )
    return Call(
        identity=identity,
        origin=UsageOrigin.IMPORT,
        user_id=importing.user_id,
        api_key_id=importing.api_key_id,
        session=clean(session.id),
        tags=tags(AGENT, session.cwd),
        usage=UsageRecord(
            provider=Provider.OPENAI,
            operation="response",
            model=clean(payload.model or session.model) or UNKNOWN_MODEL,
            start=moment,
            end=moment,
            counts=UsageCounts(
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cache_read_tokens=usage.cached_input_tokens or 0,
                # Codex does not say for how long; 30 minutes is what OpenAI does unless asked otherwise.
                cache_write_30m_tokens=usage.cache_write_input_tokens or 0,
                reasoning_tokens=usage.reasoning_output_tokens or 0,
            ),
            requests=1,
        ),
    )


def _sums(total: _Usage) -> tuple[str, ...]:
    return tuple(str(number) for number in msgspec.structs.astuple(total))
