"""What reconciliation takes and gives: frozen values, ready for a page or for JSON; money as Decimal, days in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from guardian.models.enums import Provider


class Comparison(StrEnum):
    """Which two books a finding lies between: it says what leads from the first one to the second."""

    TRACKED_REPORTED = "tracked_reported"
    REPORTED_BILLED = "reported_billed"


class Cause(StrEnum):
    """Why two books differ. `unexplained` is what is left, and `no_book` what cannot be compared at all."""

    BYPASS = "bypass"
    UNKNOWN_KEY = "unknown_key"
    STREAM = "stream_without_usage"
    STALE_PRICE = "stale_price"
    TIER = "tier"
    KINDS = "token_kinds"
    LATE = "late_bucket"
    SHIFT = "day_shift"
    TOOL_FEE = "tool_fee"
    CREDIT = "credit"
    DISCOUNT = "discount"
    DOUBLE = "double_row"
    ROUNDING = "rounding"
    NO_BOOK = "no_book"
    UNEXPLAINED = "unexplained"


# What the lines can be grouped by.
LINE_DIMENSIONS: tuple[str, ...] = ("day", "provider", "account", "providerKey", "model", "tier", "tokenKind")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationQuery:
    """UTC days from `first` to `last`, both inclusive; at most 400 of them.

    `books` holds allowed providers and accounts: what is compared at all. `lines` holds allowed values by dimension of
    the lines, and narrows only these; "" means "has none". `group_by` names the dimensions of the lines. The figures
    over time are of as many days each as `step` says.
    """

    first: date
    last: date
    group_by: tuple[str, ...] = LINE_DIMENSIONS
    books: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    step: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A difference with its cause. `amount` in dollars leads from one book to the other: first + amount = second.

    `quantity` does the same for what was used (tokens where `token_kind` is None); None where a book does not count it.
    `size` is how much money it is about: what was shifted from one day to another has an amount of zero, and a size.
    `sentence` says it to people. `estimated` means that the cause is likely and not proven; the sentence says why.
    `our_price` and `other_price` are dollars for one million units, where prices are what differs.
    """

    comparison: Comparison
    cause: Cause
    amount: Decimal
    size: Decimal
    quantity: Decimal | None
    sentence: str
    provider: Provider
    account: str | None
    provider_key: str | None
    provider_key_name: str | None
    model: str | None
    tier: str | None
    token_kind: str | None
    first_day: date
    last_day: date
    estimated: bool = False
    our_price: Decimal | None = None
    other_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How one book leads to another: first + named + not_comparable + unexplained = second, to the last digit.

    `unexplained_size` adds up the unexplained differences without their signs: two that cancel out are still there.
    """

    first: Decimal
    second: Decimal
    named: Decimal
    not_comparable: Decimal
    unexplained: Decimal
    unexplained_size: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFigures:
    """The three books of a span; None where that book does not exist, which is not zero.

    `coverage` is tracked ÷ reported. `drift` is ours ÷ billed − 1 over what both books can know: fees that no usage
    report counts, credits, and days or accounts without a bill are left out, and are findings of their own.
    """

    tracked: Decimal | None
    reported: Decimal | None
    billed: Decimal | None
    coverage: Decimal | None
    drift: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures(BookFigures):
    """One UTC day, or as many as were asked for from `day` on."""

    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLine:
    """What one book has of one line. `cost` None: not known. `quantity` None: this book does not count it."""

    quantity: Decimal | None
    cost: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One combination of the grouped dimensions; a book that has nothing of it is None.

    `values` holds the dimensions (a day as 2026-11-01), `names` those that people know a value by.
    """

    values: Mapping[str, str | None]
    names: Mapping[str, str]
    tracked: BookLine | None
    reported: BookLine | None
    billed: BookLine | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """The three books of a span of UTC days, and what explains their differences, the largest first.

    `spend` follows the spend rule of the ledger. A gap is None where one of its books does not exist.
    `unpriced_tokens` are in no amount of ours. `lines` are cut at `MOST_LINES`, of which there are `line_count`.
    `key_names` are the names of providers' keys, by their ids.
    """

    first: date
    last: date
    figures: BookFigures
    spend: Decimal
    unpriced_tokens: int
    tracked_reported: Gap | None
    reported_billed: Gap | None
    days: tuple[DayFigures, ...]
    findings: tuple[Finding, ...]
    lines: tuple[Line, ...]
    line_count: int
    key_names: Mapping[str, str]
    as_of: datetime | None
