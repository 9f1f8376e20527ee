"""A call to the sandbox, and what it uses: made up from its text, so that the same call costs the same."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from guardian.demo.company import LIVE_PROJECTS, PRICES, Vendor
from guardian.demo.history import Usage
from guardian.demo.sandbox.paging import Refused

_LATENCY = (0.12, 1.1)  # seconds before the first byte
_BUSY_ONE_IN = 60


@dataclass(frozen=True, slots=True)
class Reply:
    """`body` at once, or `events` one by one (name and data), with `[DONE]` at their end where a vendor says that."""

    body: dict[str, Any] | None
    events: Sequence[tuple[str | None, dict[str, Any]]] = ()
    done: bool = False


@dataclass(slots=True)
class Asked:
    """A POST: `serial` makes its id one of its own. Raises Refused where no model of ours is asked."""

    vendor: Vendor
    path: str
    body: dict[str, Any]
    serial: int
    number: int = field(init=False)
    usage: Usage = field(init=False)

    def __post_init__(self) -> None:
        model = self.body.get("model")
        known = [name for name in PRICES if name.startswith("gpt-") is (self.vendor is Vendor.OPENAI)]
        if model not in known:
            raise Refused(404, f"The sandbox has the models {', '.join(known)}, and not {str(model)[:80]!r}.")
        text = str(self.body.get("messages"))
        self.number = zlib.crc32(text.encode())
        given = 400 + len(text) // 4 + self.number % 5_600
        cached = given * (self.number % 7) // 14
        answered = 40 + self.number // 7 % 620
        most = self.body.get("max_completion_tokens") or self.body.get("max_tokens")
        if isinstance(most, int) and most > 0:
            answered = min(answered, most)
        project, key = LIVE_PROJECTS[self.vendor]
        self.usage = Usage(self.vendor, project, key, model, 1, given - cached, cached, answered)

    @property
    def streamed(self) -> bool:
        return self.body.get("stream") is True

    @property
    def latency(self) -> float:
        """Seconds until the provider begins to answer."""
        least, most = _LATENCY
        return least + (most - least) * (self.number % 1_000) / 1_000

    def require_room(self) -> None:
        """Some calls come too fast, as they do. Raises Refused with 429."""
        if self.number % _BUSY_ONE_IN == 0:
            raise Refused(429, "Rate limit reached for this model in the sandbox. Please try again in 1s.")
