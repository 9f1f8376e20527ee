"""A CSV file as rows by header name: UTF-8 with or without BOM, any line ends, and one bad line loses nothing else.

The header is the first line that is not empty.
"""

import csv
from collections.abc import Iterator
from itertools import pairwise

from guardian.errors import ValidationError
from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.imports.source import Member

_BOM = b"\xef\xbb\xbf"
_MOST_LINES = 1_000  # of one cell: an error text has some
_NOT_UTF8 = "is not UTF-8; it looks like Windows-1252 or Latin-1. Save the file as “CSV UTF-8” and import it again."


def names_of(header: bytes) -> tuple[str, list[str]]:
    """(delimiter, column names) of a file's first line. Raises ValidationError for another encoding, and no header."""
    if header.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in header:
        raise ValidationError("The file is UTF-16. Save it as “CSV UTF-8” and import it again.")
    try:
        line = header.removeprefix(_BOM).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValidationError(f"The header {_NOT_UTF8}") from None
    delimiter = max(",;\t", key=line.count)
    names = [name.strip() for name in _cells(line, delimiter) or []]
    if any(one == two for one, two in pairwise(sorted(filter(None, names)))):
        raise ValidationError("The header has two columns of the same name, so the rows cannot be read.")
    return delimiter, names


def rows(member: Member, report: Report) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, cells by name) of each row; lines that are no row are reported as refused.

    A quote that is never closed would take all lines after it: when what it took does not make a row, only its own line
    is refused, and the others are read again. Raises ValidationError for a wrong encoding or header.
    """
    source = member.lines()
    numbered = enumerate(source, start=1)
    at, header = next(((at, line) for at, line in numbered if line.removeprefix(_BOM).strip()), (1, b""))
    delimiter, names = names_of(header)
    waiting: list[tuple[int, str]] = []
    pending = _decoded(source, at + 1, report, member.name)

    while True:
        first = waiting.pop(0) if waiting else next(pending, None)
        if first is None:
            return
        number, line = first
        if not line.strip("\r\n" + delimiter + " "):
            continue
        taken = [first]
        if '"' not in line:
            cells: list[str] | None = line.rstrip("\r\n").split(delimiter)
        else:
            while line.count('"') % 2 and len(taken) < _MOST_LINES:
                more = waiting.pop(0) if waiting else next(pending, None)
                if more is None:
                    break
                taken.append(more)
                line += more[1]
            cells = _cells(line, delimiter)
        if cells is not None and len(cells) == len(names):
            yield number, dict(zip(names, cells, strict=True))
            continue
        waiting[:0] = taken[1:]
        report.refuse(number, _misfit(cells, names), member.name)


def _decoded(lines: Iterator[bytes], first: int, report: Report, name: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, start=first):
        try:
            yield number, line.decode("utf-8")
        except UnicodeDecodeError:
            report.refuse(number, f"The line {_NOT_UTF8}", name)


def _cells(line: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), None)
    except csv.Error:
        return None


def _misfit(cells: list[str] | None, names: list[str]) -> str:
    if cells is None:
        return "The quotes of this line do not match."
    return f"The line has {len(cells)} cells where the header has {len(names)}."
