"""What an import has found so far: rows by their fate, the first refused lines, and what a person should know."""

from collections import Counter
from dataclasses import dataclass, field

MOST_ERRORS = 1_000
_LONGEST_MESSAGE = 500
_GROWN = "there already, still being written: the final usage is stored now."


@dataclass(slots=True)
class Report:
    """Counts of rows. `errors` are the first refused lines; `notes` say of how many rows something else is true.

    `grown` is how many of the duplicates told more than the ledger had.
    """

    added: int = 0
    duplicate: int = 0
    skipped: int = 0
    refused: int = 0
    grown: int = 0
    errors: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    notes: Counter[str] = field(default_factory=Counter[str])

    @property
    def read(self) -> int:
        return self.added + self.duplicate + self.skipped + self.refused

    def refuse(self, line: int, message: str, member: str = "") -> None:
        """A row that cannot be taken, where it stands (`member` of many files), and why."""
        self.refused += 1
        if len(self.errors) < MOST_ERRORS:
            where: dict[str, object] = {"file": member} if member else {}
            self.errors.append({**where, "line": line, "message": message[:_LONGEST_MESSAGE]})

    def skip(self, reason: str, rows: int = 1) -> None:
        """Rows that are sound, but are not to be stored; `reason` goes on after “3 rows are”."""
        self.skipped += rows
        self.notes[reason] += rows

    def sentences(self) -> list[str]:
        """The notes, for people."""
        found = [f"{_rows(count, 'is', 'are')} {reason}." for reason, count in self.notes.items()]
        if self.grown:
            found.append(f"{_rows(self.grown, 'was', 'were')} {_GROWN}")
        return found


def _rows(count: int, one: str, many: str) -> str:
    return f"1 row {one}" if count == 1 else f"{count:,} rows {many}"
