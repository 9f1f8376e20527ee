"""Which formats there are, and which one a file has: told by its content, never by its name."""

from collections.abc import Mapping
from typing import Any

import msgspec

from guardian.errors import ValidationError
from guardian.services.ledger.imports import claude_code, codex, console, litellm, own, table
from guardian.services.ledger.imports.batches import Reader
from guardian.services.ledger.imports.source import Source

_HEAD = 262_144  # bytes; the first line of a log can hold a whole prompt
_LINES = 50
_CODEX_TYPES = ("session_meta", "turn_context", "event_msg", "response_item", "token_usage_record")


READERS: Mapping[str, Reader] = {
    "guardian-csv": Reader("Usage CSV of AI Cost Guardian", own.read),
    "claude-code": Reader("Claude Code session logs", claude_code.read, claude_code.PASSES),
    "codex": Reader("Codex session logs", codex.read),
    "litellm": Reader("LiteLLM spend logs", litellm.read),
    **{name: Reader(kind.title, kind.read, console.PASSES) for name, kind in console.KINDS.items()},
}
_UNKNOWN = (
    "The format of this file is not known. It can be a CSV export of OpenAI's or Anthropic's usage or costs, session "
    "logs of Claude Code or Codex (JSONL), spend logs of LiteLLM (JSON lines or CSV), or our own usage CSV. "
    "If it is one of them, name it."
)


def detect(source: Source) -> str:
    """The format's name. Raises ValidationError where it cannot be told."""
    try:
        return _detect(source)
    finally:
        source.read = 0


def _detect(source: Source) -> str:
    for member in source.members():
        head = member.head(_HEAD)
        if not head.strip():
            continue
        found = _of(head)
        if found is not None:
            return found
    if source.total == 0:
        raise ValidationError("The file is empty.")
    raise ValidationError(_UNKNOWN)


def _of(head: bytes) -> str | None:
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if bare.startswith(b"{"):
        return next((name for line in bare.splitlines()[:_LINES] if (name := _of_object(line))), None)
    if bare.startswith(b"["):
        raise ValidationError("The file is one JSON list. Write one object a line (jq -c '.[]') and import that.")
    _, names = table.names_of(bare.splitlines(keepends=True)[0])
    return _of_columns(frozenset(names))


def _of_object(line: bytes) -> str | None:
    try:
        row = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.MsgspecError:
        return None
    if row.get("type") in _CODEX_TYPES and "payload" in row:
        return "codex"
    if "sessionId" in row or ("message" in row and "timestamp" in row) or row.get("type") == "file-history-snapshot":
        return "claude-code"
    if "request_id" in row and ("startTime" in row or "spend" in row):
        return "litellm"
    return None


def _of_columns(names: frozenset[str]) -> str | None:
    if names >= own.REQUIRED:
        return "guardian-csv"
    if {"request_id", "spend", "startTime"} <= names:
        return "litellm"
    return next((name for name, kind in console.KINDS.items() if kind.fits(names)), None)
