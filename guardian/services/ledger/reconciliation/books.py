"""The three books as plain values, and what is known about them: all that the comparisons work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from guardian.models.enums import Provider
from guardian.services.ledger.reconciliation.views import Cause, Comparison

ZERO = Decimal(0)
# Below a hundredth of a cent a line is not a difference in what was used or in its price, but in digits kept.
ROUNDING = Decimal("0.0001")

Account = tuple[Provider, str | None]


class Spot(NamedTuple):
    """Where something was used: `key` is the provider's id of its key, None where the book does not name one."""

    day: date
    provider: Provider
    account: str | None
    key: str | None
    model: str | None
    tier: str | None


@dataclass(slots=True)
class Cell:
    """What a usage book has at one spot.

    `quantities` are tokens by kind, `amounts` dollars by kind (kinds.NOT_SPLIT where that is not known) and add up to
    `cost`, which leaves out what is unpriced. `doubtful` counts calls whose usage or price is estimated or unpriced,
    or that used nothing at all; `tool` is True for reports of tools, which are no calls of their own.
    """

    cost: Decimal = ZERO
    requests: int = 0
    rows: int = 0
    doubtful: int = 0
    unpriced_tokens: int = 0
    tool: bool = False
    quantities: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    amounts: dict[str, Decimal] = field(default_factory=dict[str, Decimal])

    def add(self, other: "Cell") -> None:
        self.cost += other.cost
        self.requests += other.requests
        self.rows += other.rows
        self.doubtful += other.doubtful
        self.unpriced_tokens += other.unpriced_tokens
        self.tool = self.tool or other.tool
        for mine, theirs in ((self.quantities, other.quantities), (self.amounts, other.amounts)):
            for kind, number in theirs.items():
                mine[kind] = mine.get(kind, ZERO) + number


Cells = Mapping[Spot, Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledLine:
    """One line of a cost report. `quantity` None: not told. `restated`: written anew after the others of its day."""

    spot: Spot
    kind: str
    amount: Decimal
    quantity: Decimal | None = None
    line_item: str = ""
    restated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Calls that the tracked book holds more than once: what the further ones add to it."""

    spot: Spot
    rows: int
    cost: Decimal
    quantities: Mapping[str, Decimal]


Alternatives = Callable[[Provider, str, str, date], Mapping[str, Decimal]]
"""Our prices (dollars for one unit) by tier, of a provider's model, kind and day: batch, flex, priority, …"""


def _no_alternatives(_provider: Provider, _model: str, _kind: str, _day: date) -> Mapping[str, Decimal]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known about the books.

    `tracked_from`: the day of the first tracked row ever. `reported` and `billed`: the days that each account's book
    covers, both inclusive; `reported_days` are days beside that span of which there are rows. `young_from`: from this
    day on, providers still restate. `vault`: keys of providers that a key of the vault matches. `accountless`:
    providers of which tracked calls were left out: only some accounts are compared, and these calls do not tell theirs.
    """

    tracked_from: date | None = None
    reported: Mapping[Account, tuple[date, date]] = field(default_factory=dict[Account, tuple[date, date]])
    billed: Mapping[Account, tuple[date, date]] = field(default_factory=dict[Account, tuple[date, date]])
    reported_days: frozenset[tuple[Account, date]] = frozenset()
    young_from: date = date.max
    vault: frozenset[tuple[Provider, str]] = frozenset()
    alternatives: Alternatives = _no_alternatives
    accountless: frozenset[Provider] = frozenset()

    def reports(self, account: Account, day: date) -> bool:
        """Whether the reported book covers that day; of any account of the provider where `account` names none."""
        provider, name = account
        spans = [span for (of, its), span in self.reported.items() if of is provider and name in (None, its)]
        return any(first <= day <= last for first, last in spans) or (account, day) in self.reported_days

    def reported_until(self, account: Account) -> date:
        """The last day that the reported book covers."""
        provider, name = account
        return max(
            (last for (of, its), (_, last) in self.reported.items() if of is provider and name in (None, its)),
            default=date.min,
        )


class Slice(NamedTuple):
    """A part of one difference, with its cause; `label` tells findings of one cause apart.

    `outside` names the book that alone can hold the amount: it takes no part in coverage and drift.
    """

    comparison: Comparison
    cause: Cause
    spot: Spot
    kind: str | None
    amount: Decimal
    quantity: Decimal | None = None
    label: str = ""
    our_price: Decimal | None = None
    other_price: Decimal | None = None
    estimated: bool = False
    outside: Literal["", "first", "second"] = ""
