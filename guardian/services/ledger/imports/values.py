"""Numbers, times and words out of the cells of a file, each by a stated rule; what does not fit is refused.

Counts are whole numbers of zero or more: 1200, 1200.0 and 1.2e3 are the same. Amounts are decimal numbers, with an
exponent if they like; a thousands separator, a currency sign, NaN and infinity are refused, for what they mean cannot
be known. Times need their date; without an offset they are UTC.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from guardian.errors import ValidationError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_BIGGEST_COUNT = 2**63 - 1  # the database's bigint
_BIGGEST_AMOUNT = Decimal(10**9)  # as providers/reports/reading.py: beyond it a unit was mistaken
_YEARS = range(2015, 2100)
_NONE = ("", "null", "none", "\\n")


class Cells:
    """One row of a CSV file by the names of its header. Raises ValidationError, in words, for what cannot be read."""

    def __init__(self, row: Mapping[str, str]) -> None:
        self.row = row

    def maybe(self, *names: str) -> str | None:
        """The first of these cells that is there and not empty."""
        for name in names:
            value = self.row.get(name, "").strip()
            if value.lower() not in _NONE:
                return value
        return None

    def need(self, *names: str) -> None:
        """Raises ValidationError where the header has none of these: a count that is not told is not zero."""
        if not any(name in self.row for name in names):
            raise ValidationError(f"The file has no column {names[0]}, so what was used cannot be told.")

    def text(self, *names: str) -> str:
        value = self.maybe(*names)
        if value is None:
            raise ValidationError(f"The column {names[0]} is empty.")
        return value

    def count(self, name: str) -> int:
        return whole(self.text(name), name)

    def count_or_zero(self, *names: str) -> int:
        value = self.maybe(*names)
        return 0 if value is None else whole(value, names[0])

    def number(self, name: str) -> Decimal:
        return number(self.text(name), name)

    def maybe_number(self, name: str) -> Decimal | None:
        value = self.maybe(name)
        return None if value is None else number(value, name)

    def moment(self, *names: str) -> datetime:
        return moment(self.text(*names), names[0])


def whole(text: str, name: str) -> int:
    """A count. Raises ValidationError."""
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    if text.startswith("-"):
        raise ValidationError(f"{name} is negative.")
    if not _NUMBER.fullmatch(text):
        raise ValidationError(f"{name} is {_shown(text)}, not a whole number.")
    found = Decimal(text)
    if found > _BIGGEST_COUNT or found != int(found):
        raise ValidationError(f"{name} is {_shown(text)}, not a whole number of a possible size.")
    return int(found)


def number(text: str, name: str) -> Decimal:
    """An amount or a quantity. Raises ValidationError."""
    if not _NUMBER.fullmatch(text):
        hint = " Write it without thousands separators or signs." if any(c in text for c in ",$€£") else ""
        raise ValidationError(f"{name} is {_shown(text)}, not a number.{hint}")
    found = Decimal(text)
    if found.copy_abs() >= _BIGGEST_AMOUNT * _BIGGEST_AMOUNT:
        raise ValidationError(f"{name} is {_shown(text)}, which cannot be.")
    return found


def dollars(amount: Decimal, currency: str | None, name: str) -> Decimal:
    """An amount of US dollars. Raises ValidationError for another currency, and for what no line of a bill costs."""
    if currency is not None and currency.lower() != "usd":
        raise ValidationError(f"{name} is in {currency[:8]}, not in US dollars, so it cannot be added up.")
    if amount.copy_abs() >= _BIGGEST_AMOUNT:
        raise ValidationError(f"{name} is {_shown(str(amount))} dollars, which cannot be.")
    return amount


def moment(text: str, name: str) -> datetime:
    """A time in UTC: ISO 8601, a plain day, or Unix seconds. Raises ValidationError."""
    try:
        if text.isascii() and text.isdigit() and len(text) == 10:
            found = datetime.fromtimestamp(int(text), UTC)
        else:
            found = datetime.fromisoformat(text.removesuffix(" UTC"))
            found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValidationError(f"{name} is {_shown(text)}, not a time.") from None
    if found.year not in _YEARS:
        raise ValidationError(f"{name} is in the year {found.year}.")
    return found


def clean(text: str | None) -> str | None:
    """A text as the database can keep it; None for none."""
    if not text or (text.isascii() and "\0" not in text):
        return text or None
    return text.replace("\0", "").encode("utf-8", "replace").decode() or None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
