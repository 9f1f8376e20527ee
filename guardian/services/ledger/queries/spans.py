"""What a sync has covered of an account, where rows of a book stand, and which of it decides about a day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from guardian.models.enums import Provider
from guardian.periods import Window, rfc3339


@dataclass(frozen=True, slots=True)
class Span:
    """The reported book of one provider account has every hour that starts in [start, end); None before any pull."""

    provider: Provider
    account_id: str
    start: datetime | None
    end: datetime | None

    def overlaps(self, window: Window) -> bool:
        return bool(self.start and self.end and self.start < window.end and window.start < self.end)


class Place(NamedTuple):
    """Where rows of one book stand: one account and hour."""

    provider: Provider
    account_id: str | None
    hour: datetime

    @property
    def of_any_account(self) -> "Place":
        """Where rows of the same provider and hour stand that do not name their account."""
        return self._replace(account_id=None)


def rule_of(spans: Iterable[Span], window: Window, accounts: Iterable[str]) -> str:
    """All that the spans say about rows of these accounts ("OPENAI/org-1") in the window.

    As long as it is the same, the same rows count. An account that gets covered later does not change the days before
    it as long as it has no rows in them.
    """
    present = set(accounts)
    providers = {name.partition("/")[0] for name in present}
    found: list[str] = []
    for span in spans:
        if span.start is None or span.end is None:
            continue
        name = f"{span.provider}/{span.account_id}"
        if span.provider in providers and span.start <= window.start and window.end <= span.end:
            found.append(name)
        elif span.provider in providers and span.overlaps(window):
            found.append(f"{name} {rfc3339(max(span.start, window.start))} {rfc3339(min(span.end, window.end))}")
        elif name in present and window.end <= span.start:
            found.append(f"{name} before")
    return "\n".join(sorted(found))
