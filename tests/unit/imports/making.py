"""Files to import, short to write; and an import of them from beginning to end, through the ledger of a test."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from guardian import db
from guardian.jobs.importing import import_file
from guardian.services.actor import Actor
from guardian.services.ledger import imports
from guardian.services.ledger.imports import ImportView

Importer = Callable[..., ImportView]

CLAUDE = {
    "type": "assistant",
    "timestamp": "2026-11-02T10:00:00.123Z",
    "sessionId": "s-1",
    "cwd": "/home/ada/shop",
    "gitBranch": "main",
    "version": "2.0.37",
    "requestId": "req_1",
    "uuid": "u-1",
    "isSidechain": False,
}
USAGE = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 2_000,
    "cache_read_input_tokens": 30_000,
    "cache_creation": {"ephemeral_5m_input_tokens": 1_500, "ephemeral_1h_input_tokens": 500},
    "output_tokens": 400,
    "service_tier": "standard",
}


def claude(
    usage: dict[str, Any] | None = None, *, id: str = "msg_1", model: str = "claude-opus-4-5", **line: Any
) -> Any:
    """A line of Claude Code's log; `usage` is laid over USAGE."""
    message = {"id": id, "model": model, "role": "assistant", "usage": {**USAGE, **(usage or {})}}
    return {**CLAUDE, "message": message, **line}


def jsonl(*rows: Any, spaced: bool = False) -> bytes:
    """Objects as lines; a text stands as it is."""
    separators = (", ", ": ") if spaced else (",", ":")
    return b"".join(
        (row if isinstance(row, str) else json.dumps(row, separators=separators)).encode() + b"\n" for row in rows
    )


def run(actor: Actor, path: Path, **options: Any) -> ImportView:
    """Import a path, and give its run as it ended."""
    with db.session() as session:
        _, importing = imports.begin_import(session, actor, file_name=path.name, bytes_total=None, **options)
    ended = import_file(importing, path, path.name, options.get("format"))
    assert ended is not None
    return ended
