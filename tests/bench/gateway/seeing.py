"""What a process and Redis did meanwhile, by the kernel's count and by Redis' own."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import redis

_TICK = 1_000_000 / os.sysconf("SC_CLK_TCK")  # microseconds


def cpu(pid: int) -> float:
    """Microseconds that all threads of a process have spent on a core, in ticks of 10,000."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK


def memory(pid: int, *, peak: bool = False) -> float:
    """MB of a process that are in memory, now or at their peak since `forget_peak`."""
    name = "VmHWM:" if peak else "VmRSS:"
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="utf-8")


@dataclass(slots=True)
class Asked:
    """What Redis was asked: `scripts` of ours, and `reads` from connections, of which each is a round trip."""

    scripts: int = 0
    reads: int = 0


@dataclass(frozen=True, slots=True)
class RedisCounts:
    url: str
    _client: redis.Redis = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_client", redis.Redis.from_url(self.url))

    @contextmanager
    def asked(self) -> Generator[Asked]:
        """What it was asked while the block ran; its own two questions are not counted."""
        found = Asked()
        before = self._counts()
        yield found
        after = self._counts()
        found.scripts = after[0] - before[0]
        found.reads = after[1] - before[1] - 2

    def _counts(self) -> tuple[int, int]:
        commands = cast("dict[str, dict[str, int]]", self._client.info("commandstats"))
        stats = cast("dict[str, int]", self._client.info("stats"))
        return commands.get("cmdstat_evalsha", {}).get("calls", 0), stats["total_reads_processed"]
