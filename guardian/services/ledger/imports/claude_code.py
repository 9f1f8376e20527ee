"""Claude Code's session logs (~/.claude/projects/**/*.jsonl): one call per message id and request id, once.

A response is written as several lines of one message id, the first ones with the tokens of an unfinished stream, and a
resumed or forked session copies the lines of another one. As in ccusage (rust/crates/ccusage/src/adapter/claude): of
lines with the same message and request id the one with the most tokens counts; a side conversation replays messages
under other request ids, and such a copy never counts beside its original. A call's time is that of its first line,
whichever line counts. A log that was read while a response was still being written, and is read again when it has
grown, ends as the final usage, once: the rule is the same over several imports (growing.py).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from guardian.models.enums import Provider, UsageOrigin
from guardian.periods import floor_day
from guardian.records import UsageRecord
from guardian.services.ledger.imports.agents import numbered, tags, what_is_wrong
from guardian.services.ledger.imports.batches import Batch, Entry, Importing
from guardian.services.ledger.imports.claude_lines import (
    Line,
    Message,
    Usage,
    counts_of,
    decoder,
    dimensions_of,
    total_of,
)
from guardian.services.ledger.imports.growing import in_growing_batches
from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.imports.source import Source
from guardian.services.ledger.imports.values import clean
from guardian.services.ledger.writing.calls import Call

AGENT = "claude-code"
PASSES = 2  # the first finds the line of each message that counts
_MARK = b'"usage"'
# What Claude Code writes in the place of a model for answers that it made up itself (interrupted, out of credit).
_SYNTHETIC = "<synthetic>"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_TIME_BITS, _REQUEST_BITS = 43, 32
_FIRST_YEAR, _LAST_YEAR = 2020, 2099  # before, there were no such logs; far beyond, times do not fit in their bits


class _Index:
    """What the first pass knows of each message: the tokens of its best line, when it began, and whether it was given.

    One integer each, some 100 bytes with its place in the dictionary: 2 GB of logs hold about 1.2 million messages.
    """

    def __init__(self) -> None:
        self._found: dict[int, int] = {}

    def note(self, line: Line, message: Message, total: int, moment: int) -> None:
        key = self._key(line, message)
        old = self._found.get(key)
        request = hash(line.requestId) & 0xFFFFFFFF
        main = not line.isSidechain
        if old is not None:
            best, began, was_main, old_request = self._parts(old)
            if was_main and main and old_request != request:
                # Two originals of one message id are two calls; only then the request decides.
                key = hash((message.id, line.requestId, 1))
                old = self._found.get(key)
                best, began, was_main, old_request = self._parts(old) if old is not None else (-1, moment, True, 0)
            moment = min(moment, began) if main == was_main else (moment if main else began)
            if not main and not was_main:
                # Replays of an answer whose original is not here: of equal ones the same counts in every order.
                request = min((-total, request), (-best, old_request))[1]
            elif not main:
                request = old_request
            total = max(total, best) if main == was_main else (total if main else best)
            main = main or was_main
        self._found[key] = (((total << _TIME_BITS | moment) << _REQUEST_BITS | request) << 2) | main << 1

    def give(self, line: Line, message: Message, total: int) -> datetime | None:
        """When the message began, if this line is the one that counts; None for every other line of it."""
        key = self._key(line, message)
        known = self._found[key]
        request = hash(line.requestId) & 0xFFFFFFFF
        if not line.isSidechain and self._parts(known)[3] != request:
            key = hash((message.id, line.requestId, 1))
            known = self._found[key]
        best, began, main, chosen = self._parts(known)
        if known & 1 or total != best or main == bool(line.isSidechain) or (not main and chosen != request):
            return None
        self._found[key] = known | 1
        return _EPOCH + began * _MILLISECOND

    @staticmethod
    def _key(line: Line, message: Message) -> int:
        # Old versions wrote no message id: then a line is a call of its own.
        return hash(message.id) if message.id else hash((line.uuid, line.sessionId, line.timestamp))

    @staticmethod
    def _parts(packed: int) -> tuple[int, int, bool, int]:
        main, packed = bool(packed & 2), packed >> 2
        request, packed = packed & 0xFFFFFFFF, packed >> _REQUEST_BITS
        return packed >> _TIME_BITS, packed & ((1 << _TIME_BITS) - 1), main, request


def read(source: Source, importing: Importing, report: Report) -> Iterator[Batch]:
    """The log's calls in batches. Lines that are no answers of a model are nothing, and are not counted."""
    index = _Index()
    for member in source.members():
        for _, raw in numbered(member, Report(), _MARK):
            try:
                line = decoder.decode(raw)
            except msgspec.MsgspecError:
                continue  # said in the second pass
            if (message := _answer(line)) is not None and (moment := _milliseconds(line)) is not None:
                index.note(line, message, total_of(message.usage), moment)
    yield from in_growing_batches(_calls(source, importing, report, index), importing, report)


def _calls(source: Source, importing: Importing, report: Report, index: _Index) -> Iterator[Entry]:
    for member in source.members():
        for number, raw in numbered(member, report, _MARK):
            try:
                line = decoder.decode(raw)
            except msgspec.MsgspecError as error:
                report.refuse(number, what_is_wrong(error), member.name)
                continue
            message = _answer(line)
            if message is None:
                continue
            if not _has_time(line):
                report.refuse(number, "timestamp is missing, or cannot be.", member.name)
                continue
            began = index.give(line, message, total_of(message.usage))
            if began is None:
                report.duplicate += 1
            else:
                yield Entry(number, _call(importing, line, message, began), member.name)


def _answer(line: Line) -> Message | None:
    message = line.message
    if message is None or message.usage is None or line.isApiErrorMessage or message.model == _SYNTHETIC:
        return None
    return message


def _call(importing: Importing, line: Line, message: Message, began: datetime) -> Call:
    usage = message.usage or Usage()
    counts, doubts = counts_of(usage)
    return Call(
        identity=(AGENT, message.id or line.uuid or f"{line.sessionId}", line.requestId or ""),
        origin=UsageOrigin.IMPORT,
        known_since=floor_day(began),  # so that it is found by any of its lines
        user_id=importing.user_id,
        api_key_id=importing.api_key_id,
        session=clean(line.sessionId),
        tags=tags(AGENT, line.cwd, line.gitBranch),
        metadata={"version": line.version} if line.version else {},
        usage=UsageRecord(
            provider=Provider.ANTHROPIC,
            operation="message",
            model=clean(message.model) or "(not reported)",
            start=began,
            end=began,
            counts=counts,
            requests=1,
            service_tier=clean(usage.service_tier),
            dimensions=dimensions_of(usage),
            doubts=doubts,
        ),
    )


def _has_time(line: Line) -> bool:
    return line.timestamp is not None and _FIRST_YEAR <= line.timestamp.year <= _LAST_YEAR


def _milliseconds(line: Line) -> int | None:
    """Since 1970; None for no time, and for one of before there were such logs."""
    moment = line.timestamp
    if moment is None or not _has_time(line):
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND
