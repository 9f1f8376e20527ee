"""One place at which our book and the bill are held against each other, and the parts of its difference. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from guardian.services.ledger.reconciliation.books import ROUNDING, ZERO, Slice, Spot
from guardian.services.ledger.reconciliation.kinds import NOT_SPLIT, TOKENS, moved_kinds
from guardian.services.ledger.reconciliation.views import Cause, Comparison

_DIGITS = Decimal("1e-10")  # the ledger's own
_MILLION = Decimal(10**6)


@dataclass(slots=True)
class Side:
    """Ours and billed of one kind at one spot, whose tier is batch or none. Quantities are None where not all are told.

    `unpriced`: some of ours has no price, so its amount is not known. `restated`: the bill was written anew.
    """

    spot: Spot
    kind: str
    own: Decimal = ZERO
    own_quantity: Decimal | None = None
    billed: Decimal = ZERO
    billed_quantity: Decimal | None = None
    has_own: bool = False
    has_billed: bool = False
    unpriced: bool = False
    restated: bool = False
    line_item: str = ""

    def take_own(self, amount: Decimal, quantity: Decimal | None, *, unpriced: bool) -> None:
        self.own_quantity = _sum(self.own_quantity, quantity, first=not self.has_own)
        self.own += amount
        self.has_own, self.unpriced = True, self.unpriced or unpriced

    def take_billed(self, amount: Decimal, quantity: Decimal | None, *, restated: bool) -> None:
        self.billed_quantity = _sum(self.billed_quantity, quantity, first=not self.has_billed)
        self.billed += amount
        self.has_billed, self.restated = True, self.restated or restated

    @property
    def difference(self) -> Decimal:
        return self.billed - self.own

    @property
    def more(self) -> Decimal | None:
        """How much more was billed than reported, in units; None where a book does not count them."""
        own = ZERO if not self.has_own else self.own_quantity
        billed = ZERO if not self.has_billed else self.billed_quantity
        return None if own is None or billed is None or self.kind == NOT_SPLIT else billed - own

    @property
    def differs(self) -> bool:
        return bool(self.difference or self.more)

    @property
    def is_token(self) -> bool:
        return self.kind in TOKENS

    @property
    def price(self) -> Decimal | None:
        """What one unit costs by our book."""
        return self.own / self.own_quantity if self.own and self.own_quantity else None

    @property
    def quantity_part(self) -> Decimal:
        """The part of the difference that is another quantity, at our price; the rest is another price."""
        more = self.more
        if not more:
            return ZERO
        price = self.price
        if price is None and self.unpriced and self.billed_quantity:
            price = self.billed / self.billed_quantity
        if price is None:
            # Without anything of ours there is no price of ours: what was billed is there by its quantity.
            return self.difference
        return (more * price).quantize(_DIGITS, ROUND_HALF_EVEN)

    @property
    def prices(self) -> tuple[Decimal | None, Decimal | None]:
        """Our price and the billed one, for a million units; the quantity is the bill's own where it tells it."""
        quantity = self.billed_quantity or self.own_quantity
        other = self.billed * _MILLION / quantity if quantity else None
        own = self.price
        return (None if own is None else _tidy(own * _MILLION)), (None if other is None else _tidy(other))

    def slice(
        self,
        cause: Cause,
        amount: Decimal,
        *,
        label: str = "",
        counted: bool = False,
        priced: bool = False,
        estimated: bool = False,
        outside: bool = False,
    ) -> Slice:
        """A part of the difference; `counted` takes the quantity with it, `priced` both prices."""
        own, other = self.prices if priced else (None, None)
        return Slice(
            Comparison.REPORTED_BILLED,
            cause,
            self.spot,
            None if self.kind == NOT_SPLIT else self.kind,
            amount,
            self.more if counted else None,
            label,
            own,
            other,
            estimated,
            "second" if outside else "",
        )


def other_kinds(sides: Iterable[Side]) -> dict[int, str]:
    """The kinds, by side, that tokens of one spot were reported as and billed as."""
    spots: dict[Spot, list[Side]] = defaultdict(list)
    for side in sides:
        if side.is_token and side.more:
            spots[side.spot].append(side)
    found: dict[int, str] = {}
    for group in spots.values():
        if (label := moved_kinds({side.kind: side.more or ZERO for side in group})) is not None:
            found |= {id(side): label for side in group}
    return found


def equal(one: Decimal, two: Decimal) -> bool:
    """Whether two amounts differ by no more than digits."""
    return abs(one - two) <= ROUNDING


def _sum(one: Decimal | None, two: Decimal | None, *, first: bool) -> Decimal | None:
    if first:
        return two
    return None if one is None or two is None else one + two


def _tidy(price: Decimal) -> Decimal:
    """A price with the digits that a price list has, and no more of a division's."""
    return price.quantize(Decimal("0.000001"), ROUND_HALF_EVEN).normalize()
