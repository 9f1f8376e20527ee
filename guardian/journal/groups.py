"""A group of records that are written together, and who waits for them."""

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass, field

from guardian.errors import JournalBroken

Waiting = asyncio.Future[None]


@dataclass(slots=True)
class Group:
    """`tasks` wait in the event loops that they are of, `threads` in themselves."""

    records: list[bytes] = field(default_factory=list[bytes])
    size: int = 0
    tasks: dict[asyncio.AbstractEventLoop, list[Waiting]] = field(
        default_factory=dict[asyncio.AbstractEventLoop, list[Waiting]]
    )
    threads: list["Future[None]"] = field(default_factory=list["Future[None]"])

    def settle(self, error: JournalBroken | None) -> None:
        for loop, waiting in self.tasks.items():
            try:
                loop.call_soon_threadsafe(_settle, waiting, error)
            except RuntimeError:  # the loop is closed: nobody waits any more
                continue
        for thread in self.threads:
            if error is None:
                thread.set_result(None)
            else:
                thread.set_exception(error)


def _settle(waiting: list[Waiting], error: JournalBroken | None) -> None:
    for each in waiting:
        if each.done():  # its task was cancelled
            continue
        if error is None:
            each.set_result(None)
        else:
            each.set_exception(error)
