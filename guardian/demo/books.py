"""The sandbox provider's own books: the past by its seed, and every call that it has answered, kept on disk."""

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from guardian.demo.company import Vendor
from guardian.demo.history import DAYS, Usage, usage_of

HOUR = timedelta(hours=1)
_FILE = "sandbox-calls.jsonl"


def floor_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def floor_day(moment: datetime) -> datetime:
    return floor_hour(moment).replace(hour=0)


@dataclass
class Books:
    """What was used in each hour, from `DAYS` before `born` on: what `usage_of` says, once the hour is over, and what
    was answered live from the moment that it was.
    """

    seed: int
    born: datetime
    folder: Path

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._served: dict[datetime, dict[tuple[Vendor, str, str, str], Usage]] = {}
        self.answered = 0
        path = self.folder / _FILE
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._take_line(line)
        self._file = path.open("a", encoding="utf-8")

    @property
    def start(self) -> datetime:
        return floor_day(self.born) - timedelta(days=DAYS)

    def serve(self, usage: Usage, at: datetime | None = None) -> None:
        """Note a call that is answered now; it is on disk when this returns."""
        hour = floor_hour(at or datetime.now(UTC))
        with self._lock:
            self._add(hour, usage)
            self._file.write(json.dumps({"hour": hour.isoformat(), **asdict(usage)}) + "\n")
            self._file.flush()

    def of_hour(self, hour: datetime, now: datetime | None = None) -> list[Usage]:
        """What the hour that begins then has used so far."""
        over = hour + HOUR <= (now or datetime.now(UTC))
        past = list(usage_of(self.seed, hour)) if over and hour >= self.start else []
        with self._lock:
            return past + list(self._served.get(hour, {}).values())

    def between(self, start: datetime, end: datetime) -> Iterator[Usage]:
        """What was used in the hours from `start` to `end`."""
        hour = start
        while hour < end:
            yield from self.of_hour(hour)
            hour += HOUR

    def close(self) -> None:
        self._file.close()

    def _take_line(self, line: str) -> None:
        try:
            found: dict[str, Any] = json.loads(line)
            hour = datetime.fromisoformat(found.pop("hour"))
            self._add(hour, Usage(Vendor(found.pop("vendor")), **found))
        except (ValueError, KeyError, TypeError):
            return  # the last line of a process that was killed while it wrote

    def _add(self, hour: datetime, usage: Usage) -> None:
        identity = (usage.vendor, usage.project, usage.key, usage.model)
        of_hour = self._served.setdefault(hour, {})
        before = of_hour.get(identity)
        self.answered += usage.requests
        of_hour[identity] = usage if before is None else _sum(before, usage)


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.vendor,
        one.project,
        one.key,
        one.model,
        one.requests + other.requests,
        one.uncached + other.uncached,
        one.cached + other.cached,
        one.output + other.output,
    )
