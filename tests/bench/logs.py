"""Files for the import bench: session logs of Claude Code as they are on a disk, and a million rows of our own CSV."""

import csv
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from guardian.services.ledger.exports.columns import NAMES

_START = datetime(2026, 9, 1, tzinfo=UTC)
_MODELS = ("claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")
_FILES = 500
_UNIQUE = 0.94949  # of the usage lines; the others are copies, in the same session or in one that was resumed
_LINE_BYTES = 1_625  # with what was said, as ccusage's own generator makes them


@dataclass(frozen=True, slots=True)
class Expected:
    """What is in the files, each message once."""

    calls: int
    lines: int
    size: int
    input_tokens: int
    output_tokens: int


def write_logs(folder: Path, lines: int, *, spaced: bool, seed: int = 7) -> Expected:
    """Session logs below `folder`, `lines` of which tell of usage; `spaced` writes ", " and ": " as separators."""
    chance = random.Random(seed)
    separators = (", ", ": ") if spaced else (",", ":")
    unique = round(lines * _UNIQUE)
    told = [*range(unique), *(chance.randrange(unique) for _ in range(lines - unique))]
    size = input_tokens = output_tokens = 0
    per_file = -(-lines // _FILES)
    padding = "".join(chance.choices("abcdefghij ", k=_LINE_BYTES))
    for number in range(_FILES):
        some = told[number * per_file : (number + 1) * per_file]
        if not some:
            break
        session = f"{number:08x}-0000-4000-8000-{number:012x}"
        path = folder / f"-home-dev-project-{number % 20}" / f"{session}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for message in some:
                text = json.dumps(_line(message, session, number, padding), separators=separators)
                size += file.write(text + "\n")
    for message in range(unique):
        usage = _usage(message)
        read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
        input_tokens += usage["input_tokens"] + read + written
        output_tokens += usage["output_tokens"]
    return Expected(unique, lines, size, input_tokens, output_tokens)


def _usage(message: int) -> dict[str, int]:
    return {
        "input_tokens": 4 + message % 97,
        "cache_creation_input_tokens": message * 31 % 9_000,
        "cache_read_input_tokens": message * 17 % 150_000,
        "output_tokens": 1 + message * 7 % 2_000,
    }


def _line(message: int, session: str, file: int, padding: str) -> dict[str, object]:
    moment = _START + timedelta(seconds=message * 30)
    counts = _usage(message)
    split = {"ephemeral_5m_input_tokens": counts["cache_creation_input_tokens"], "ephemeral_1h_input_tokens": 0}
    usage = {**counts, "cache_creation": split, "service_tier": "standard"}
    text = padding[: _LINE_BYTES - 900 + message % 300]
    return {
        "parentUuid": None,
        "isSidechain": False,
        "userType": "external",
        "cwd": f"/home/dev/project-{file % 20}",
        "sessionId": session,
        "version": "2.0.37",
        "gitBranch": "main",
        "message": {
            "model": _MODELS[message % 3],
            "id": f"msg_{message:024d}",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "usage": usage,
        },
        "requestId": f"req_{message:024d}",
        "type": "assistant",
        "uuid": f"{message:032x}",
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{message % 1000:03d}Z",
    }


def write_csv(path: Path, rows: int) -> tuple[int, int, Decimal]:
    """Our own CSV; gives the sums of its input and output tokens and of its cost."""
    cost = Decimal("0.0125")
    line = {"unit": "output_tokens", "quantity": "500", "unit_price": "0.000025", "multiplier": "1", "amount": "0.0125"}
    fixed = {
        "provider": "ANTHROPIC",
        "model": _MODELS[0],
        "operation": "message",
        "origin": "gateway",
        "requests": "1",
        "outputTokens": "500",
        "units": "{}",
        "cost": "0.012500000000",
        "costSource": "computed",
        "bill": json.dumps([line]),
        "tags": "{}",
        "metadata": "{}",
        "session": "s",
        "serviceTier": "standard",
    }
    inputs = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, NAMES, restval="")
        writer.writeheader()
        for number in range(rows):
            moment = _START + timedelta(seconds=number)
            inputs += number % 9_000
            counts = {"inputTokens": number % 9_000, "totalTokens": number % 9_000 + 500}
            writer.writerow({"id": f"c{number:024d}", "timestamp": f"{moment:%Y-%m-%dT%H:%M:%SZ}", **counts, **fixed})
    return inputs, rows * 500, cost * rows
