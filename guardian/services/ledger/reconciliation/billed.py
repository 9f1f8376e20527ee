"""From the reported book, at our prices, to the billed one: other prices, other quantities, fees. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from guardian.models.enums import Provider
from guardian.services.ledger.reconciliation.bill_causes import Side, classify
from guardian.services.ledger.reconciliation.books import ZERO, Account, BilledLine, Cells, Known, Slice, Spot
from guardian.services.ledger.reconciliation.kinds import NOT_SPLIT, TOKENS, comparable
from guardian.services.ledger.reconciliation.views import Cause, Comparison

_BATCH = "batch"
_PRIORITY = frozenset({"priority", "priority_on_demand"})


def compare_billed(reported: Cells, billed: Iterable[BilledLine], known: Known) -> list[Slice]:
    """The differences with their causes: the reported costs and these amounts add up to the billed amounts.

    Nothing where no account has a bill at all. Lines and rows are compared by what both can tell: by key, model and
    kind where the cost report names them.
    """
    lines = list(billed)
    if not known.billed:
        return []
    found: list[Slice] = []
    own: list[_Own] = []
    for piece in _pieces(reported):
        outside = _unbilled(piece, known)
        if outside is None:
            own.append(piece)
        elif piece.amount:
            found.append(outside)
    comparable_lines: list[BilledLine] = []
    for line in lines:
        outside = _unreported(line, known)
        if outside is None:
            comparable_lines.append(line)
        else:
            found.append(outside)
    sides = _sides(own, comparable_lines)
    return [*found, *classify(sides, known)]


@dataclass(frozen=True, slots=True)
class _Own:
    """What our book has of one kind at one spot."""

    spot: Spot
    kind: str
    amount: Decimal
    quantity: Decimal | None
    unpriced: bool


def _pieces(reported: Cells) -> Iterator[_Own]:
    for spot, cell in reported.items():
        unpriced = bool(cell.unpriced_tokens)
        split = NOT_SPLIT not in cell.amounts
        for kind in dict.fromkeys([*cell.quantities, *cell.amounts]):
            amount = cell.amounts.get(kind, ZERO)
            yield _Own(
                spot, kind if split else NOT_SPLIT, amount, cell.quantities.get(kind) if split else None, unpriced
            )


def _unbilled(piece: _Own, known: Known) -> Slice | None:
    """What of ours cannot be in the bill: its account has none, its day is not billed yet, its tier is left out."""
    account: Account = piece.spot.provider, piece.spot.account
    span = known.billed.get(account)
    if span is None or piece.spot.day < span[0]:
        return _outside(piece.spot, piece.kind, -piece.amount, piece.quantity, Cause.NO_BOOK, "billed", "first")
    if piece.spot.day > span[1]:
        return _outside(piece.spot, piece.kind, -piece.amount, piece.quantity, Cause.LATE, "not billed yet", "first")
    if piece.spot.provider is Provider.ANTHROPIC and piece.spot.tier in _PRIORITY:
        return _outside(piece.spot, piece.kind, -piece.amount, piece.quantity, Cause.TIER, "priority", "first")
    return None


def _unreported(line: BilledLine, known: Known) -> Slice | None:
    """What of the bill cannot be in our book: its account is not reported on that day, or it is no usage at all."""
    spot = line.spot
    if line.amount < 0:
        return _outside(spot, None, line.amount, None, Cause.CREDIT, line.line_item, "second")
    if not known.reports((spot.provider, spot.account), spot.day):
        return _outside(spot, line.kind, line.amount, None, Cause.NO_BOOK, "reported", "second")
    return None


def _outside(
    spot: Spot, kind: str | None, amount: Decimal, quantity: Decimal | None, cause: Cause, label: str, book: str
) -> Slice:
    side = "first" if book == "first" else "second"
    lacking = -quantity if quantity is not None and side == "first" else quantity
    return Slice(Comparison.REPORTED_BILLED, cause, spot, kind, amount, lacking, label, outside=side)


def _sides(own: list[_Own], lines: list[BilledLine]) -> list[Side]:
    """Both books by day, account, key, model, kind and class of tier, as far as both can tell them apart."""
    grain = _Grain(own, lines)
    found: dict[tuple[Spot, str], Side] = {}
    for piece in own:
        place = grain.place(piece.spot, piece.kind)
        side = found.get(place) or found.setdefault(place, Side(*place))
        side.take_own(piece.amount, piece.quantity if place[1] != NOT_SPLIT else None, unpriced=piece.unpriced)
    for line in lines:
        place = grain.place(line.spot, line.kind)
        side = found.get(place) or found.setdefault(place, Side(*place))
        side.take_billed(line.amount, line.quantity if place[1] != NOT_SPLIT else None, restated=line.restated)
        side.line_item = side.line_item or line.line_item
    return list(found.values())


class _Grain:
    """How finely both books can be compared: what a cost report does not name in one line, it does not in any."""

    def __init__(self, own: list[_Own], lines: list[BilledLine]) -> None:
        self._keyless: set[tuple[Account, str | None, str]] = set()
        self._modelless: set[tuple[Account, str]] = set()
        self._whole_days: set[tuple[Account, date]] = set()
        self._whole_models: set[tuple[Account, date, str | None]] = set()
        keyed: dict[Account, bool] = defaultdict(bool)
        for line in lines:
            spot, account = line.spot, (line.spot.provider, line.spot.account)
            keyed[account] |= spot.key is not None
            kind = comparable(spot.provider, line.kind)
            if spot.model is None and (kind == NOT_SPLIT or kind in TOKENS):
                self._whole_days.add((account, spot.day))
            elif kind == NOT_SPLIT:
                self._whole_models.add((account, spot.day, spot.model))
            if spot.model is None:
                self._modelless.add((account, kind))
            if spot.key is None:
                self._keyless.add((account, spot.model, kind))
        for piece in own:
            if piece.kind == NOT_SPLIT:
                spot = piece.spot
                self._whole_models.add(((spot.provider, spot.account), spot.day, spot.model))
        self._unkeyed = {account for account, has in keyed.items() if not has}

    def place(self, spot: Spot, kind: str) -> tuple[Spot, str]:
        account: Account = spot.provider, spot.account
        if (account, spot.day) in self._whole_days:
            return Spot(spot.day, spot.provider, spot.account, None, None, None), NOT_SPLIT
        kind = comparable(spot.provider, kind)
        if kind in TOKENS or kind == NOT_SPLIT:
            if (account, spot.day, spot.model) in self._whole_models:
                return Spot(spot.day, spot.provider, spot.account, None, spot.model, None), NOT_SPLIT
            tier = _BATCH if spot.tier == _BATCH else None
        else:
            tier = None
        model = None if kind not in TOKENS and (account, kind) in self._modelless else spot.model
        keyless = account in self._unkeyed or (account, model, kind) in self._keyless
        return Spot(spot.day, spot.provider, spot.account, None if keyless else spot.key, model, tier), kind
