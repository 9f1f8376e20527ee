"""CSV exports of the providers' consoles: usage goes into the reported book and costs into the billed one, as the same
facts from the API would, unless that could count something twice.

A file is the provider's word about whole UTC days of an account, as its report is. The account it is of gets a name of
its own, "file:" and the account of the key that was named, and a span that it covers, so that calls tracked in those
days are explained and not added. What a pull has covered already is left out (it knows hours, keys and restatements),
and a later pull of a day takes the file's rows of that day away (buckets.py). A day between two others of which a
later file has nothing is emptied. Export whole accounts, without filters.

The days are written one after the other. A file whose days are in no order is read once per portion of days.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import zip_longest
from typing import Generic, TypeVar

from guardian import db
from guardian.errors import ProviderContractBroken, ValidationError
from guardian.models.enums import Provider
from guardian.periods import DAY, Window, floor_day
from guardian.records import CostRecord, UsageRecord
from guardian.services.ledger.imports import anthropic_console, openai_console, table
from guardian.services.ledger.imports.batches import Batch, Importing
from guardian.services.ledger.imports.console_books import CostDays, UsageDays
from guardian.services.ledger.imports.names import KnownNames, known_names
from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.imports.source import Source
from guardian.services.ledger.imports.values import Cells

R = TypeVar("R", UsageRecord, CostRecord)
Days = dict[datetime, dict[str, list[R]]]
"""Rows by day and report."""
Portions = list[list[datetime]]
PASSES = 2  # the first finds the days; files in no order take some more
_PORTION = 20_000  # rows of the days that are written together


@dataclass(frozen=True, slots=True)
class Kind(Generic[R]):
    """One export of one console. `parse` gives (series, record) of a row, None for a row that says nothing."""

    title: str
    provider: Provider
    fits: Callable[[frozenset[str]], bool]
    parse: Callable[[Cells, KnownNames], tuple[str, R] | None]
    batch: Callable[[Days[R], Window, Window], Batch]

    def read(self, source: Source, importing: Importing, report: Report) -> Iterator[Batch]:
        """Portions of whole days. Raises ValidationError for a key of another provider."""
        if importing.key_provider not in (None, self.provider):
            raise ValidationError(f"This is an export of {self.provider.title()}; name a key of that provider.")
        with db.session() as session:
            names = known_names(session, importing.organization_id, self.provider)
        days: Counter[datetime] = Counter()
        seen, last, ordered = Report(), None, True
        for _, _, record in self._records(source, names, seen):
            day = floor_day(record.start)
            days[day] += 1
            ordered = ordered and (last is None or last <= day)
            last = day
        if not days:
            self._empty(source, names, report)
            return
        whole = Window(min(days), max(days) + DAY)
        portions = _portions(days)
        gathered = (self._in_order if ordered else self._pass_by_pass)(source, names, report, portions)
        for portion, following, found in zip_longest(portions, portions[1:], gathered):
            # Days between two rows are told of, too: nothing was used in them, unless their rows are the refused ones.
            span = Window(portion[0], following[0] if following else whole.end)
            empty = () if seen.refused else (day.start for day in span.chunks(DAY))
            yield self.batch({**{day: {} for day in empty}, **found}, whole, span)

    def _in_order(self, source: Source, names: KnownNames, report: Report, portions: Portions) -> Iterator[Days[R]]:
        """The rows of each portion, of a file whose days are in order."""
        left = iter(portions)
        found: Days[R] = {day: {} for day in next(left)}
        for _, series, record in self._records(source, names, report):
            day = floor_day(record.start)
            if day not in found:
                yield found
                found = {day: {} for day in next(left)}
            found[day].setdefault(series, []).append(record)
        yield found

    def _pass_by_pass(self, source: Source, names: KnownNames, report: Report, portions: Portions) -> Iterator[Days[R]]:
        """The rows of each portion, for each of which the file is read; what is wrong is said once."""
        for place, portion in enumerate(portions):
            found: Days[R] = {day: {} for day in portion}
            for _, series, record in self._records(source, names, Report() if place else report):
                day = floor_day(record.start)
                if day in found:
                    found[day].setdefault(series, []).append(record)
            yield found

    def _empty(self, source: Source, names: KnownNames, report: Report) -> None:
        for _ in self._records(source, names, report):
            pass

    def _records(self, source: Source, names: KnownNames, report: Report) -> Iterator[tuple[int, str, R]]:
        for member in source.members():
            for line, row in table.rows(member, report):
                try:
                    found = self.parse(Cells(row), names)
                except (ValidationError, ProviderContractBroken) as error:
                    report.refuse(line, error.message, member.name)
                    continue
                if found is not None:
                    yield line, found[0], found[1]


def _portions(days: Mapping[datetime, int]) -> Portions:
    found: Portions = [[]]
    rows = 0
    for day in sorted(days):
        if rows + days[day] > _PORTION and found[-1]:
            found.append([])
            rows = 0
        found[-1].append(day)
        rows += days[day]
    return found


_OPENAI_USAGE = Kind(
    "OpenAI usage CSV",
    Provider.OPENAI,
    openai_console.is_usage,
    openai_console.usage,
    partial(UsageDays, Provider.OPENAI),
)
_OPENAI_COSTS = Kind(
    "OpenAI cost CSV",
    Provider.OPENAI,
    openai_console.is_costs,
    openai_console.cost,
    partial(CostDays, Provider.OPENAI),
)
_ANTHROPIC_USAGE = Kind(
    "Anthropic usage CSV",
    Provider.ANTHROPIC,
    anthropic_console.is_usage,
    anthropic_console.usage,
    partial(UsageDays, Provider.ANTHROPIC),
)
_ANTHROPIC_COSTS = Kind(
    "Anthropic cost CSV",
    Provider.ANTHROPIC,
    anthropic_console.is_costs,
    anthropic_console.cost,
    partial(CostDays, Provider.ANTHROPIC),
)
KINDS: Mapping[str, Kind[UsageRecord] | Kind[CostRecord]] = {
    "openai-cost": _OPENAI_COSTS,
    "openai-usage": _OPENAI_USAGE,
    "anthropic-cost": _ANTHROPIC_COSTS,
    "anthropic-usage": _ANTHROPIC_USAGE,
}
