"""What readers give: portions of a file, each to be stored in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from sqlmodel import Session

from guardian.models.enums import Provider
from guardian.pricing.overrides import Override
from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.imports.source import Source
from guardian.services.ledger.writing.calls import Call, Priced, add_priced, price_calls

BATCH = 10_000  # rows of one transaction; some 25 MB while they are read, and again while they are stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Importing:
    """Whose import it is. `user_id` is who made the calls, `api_key_id` the key of the vault that paid for them.

    `account_id` is that key's billing account, of `key_provider`. `overrides` are the organization's agreed prices.
    """

    run_id: str
    organization_id: str
    user_id: str
    api_key_id: str | None = None
    account_id: str | None = None
    key_provider: Provider | None = None
    overrides: Mapping[Provider, tuple[Override, ...]]


class Batch(Protocol):
    """A portion. `store` puts it into the ledger and says in the report what became of its rows."""

    def store(self, session: Session, importing: Importing, report: Report) -> None: ...


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one format, in a constant amount of memory. `passes` is how often `read` reads the whole source.

    Rows that cannot be are refused in the report. `read` raises ValidationError for a file that is not what it seems.
    """

    title: str
    read: Callable[[Source, Importing, Report], Iterator[Batch]]
    passes: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A call and where it stands."""

    line: int
    call: Call
    member: str = ""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls for the tracked book."""

    priced: Priced

    def store(self, session: Session, importing: Importing, report: Report) -> None:
        result = add_priced(session, self.priced)
        report.added += result.added
        report.duplicate += result.duplicates


def in_batches(entries: Iterable[Entry], importing: Importing, report: Report) -> Iterator[Calls]:
    """The calls, priced: that is done by who reads, while who stores waits for the database."""
    left = iter(entries)
    while some := list(islice(left, BATCH)):
        yield Calls(priced(some, importing, report))


def priced(entries: Sequence[Entry], importing: Importing, report: Report) -> Priced:
    """The entries' calls, without those that cannot be, which are refused."""
    return priced_entries(entries, importing, report)[1]


def priced_entries(entries: Sequence[Entry], importing: Importing, report: Report) -> tuple[Sequence[Entry], Priced]:
    """As `priced`, with the entries that it has a line of each."""
    refused: list[tuple[int, str]] = []
    calls = [entry.call for entry in entries]
    found = price_calls(importing.organization_id, calls, importing.overrides, refused)
    for place, message in refused:
        report.refuse(entries[place].line, message, entries[place].member)
    if not refused:
        return entries, found
    wrong = {place for place, _ in refused}
    return [entry for place, entry in enumerate(entries) if place not in wrong], found
