"""The three books side by side: what each has of every combination of the dimensions that are asked for. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from guardian.services.ledger.reconciliation.books import ZERO, BilledLine, Cell, Cells, Spot
from guardian.services.ledger.reconciliation.kinds import NOT_SPLIT, TOKENS, comparable
from guardian.services.ledger.reconciliation.views import BookLine

Values = tuple[str | None, ...]
_Sum = tuple[Decimal | None, Decimal | None]  # quantity and cost, as in BookLine
_STANDARD = frozenset({"", "auto", "default", "standard"})


class Side(NamedTuple):
    """A combination of values, and what the tracked, the reported and the billed book have of it."""

    values: Values
    tracked: BookLine | None
    reported: BookLine | None
    billed: BookLine | None

    @property
    def greatest(self) -> Decimal:
        """The greatest of the three amounts, whatever its sign."""
        return max(abs(book.cost or ZERO) for book in self[1:] if book is not None)


class _Piece(NamedTuple):
    spot: Spot
    kind: str
    quantity: Decimal | None
    cost: Decimal | None


_READ: Mapping[str, Callable[[Spot], str | None]] = {
    "day": lambda spot: spot.day.isoformat(),
    "provider": lambda spot: spot.provider.value,
    "account": lambda spot: spot.account,
    "providerKey": lambda spot: spot.key or None,
    "model": lambda spot: spot.model,
    "tier": lambda spot: None if (spot.tier or "") in _STANDARD else spot.tier,
    "tokenKind": lambda spot: None,  # each piece of a spot has another one: see _reader
}


def _reader(names: Sequence[str]) -> Callable[[_Piece], Values]:
    """Reads these dimensions of a piece; those of its spot once for all of its pieces, which come in a row."""
    readers = [_READ[name] for name in names]
    kinds = [place for place, name in enumerate(names) if name == "tokenKind"]
    last: Spot | None = None
    of_spot: Values = ()

    def read(piece: _Piece) -> Values:
        nonlocal last, of_spot
        if piece.spot is not last:
            last, of_spot = piece.spot, tuple([each(piece.spot) for each in readers])
        if not kinds:
            return of_spot
        values = list(of_spot)
        for place in kinds:
            values[place] = comparable(piece.spot.provider, piece.kind)
        return tuple(values)

    return read


def side_by_side(
    tracked: Cells,
    reported: Cells,
    billed: Iterable[BilledLine],
    group_by: Sequence[str],
    filters: Mapping[str, tuple[str, ...]],
) -> list[Side]:
    """The lines, newest day first where days are told apart, then the greatest amount.

    A quantity is told for one kind of token, or for all tokens together; where a cost report tells none, it is None.
    """
    read = _reader(group_by)
    chosen = {name: {value or None for value in values} for name, values in filters.items() if values}
    read_chosen = _reader(list(chosen))
    found: dict[Values, list[_Sum | None]] = {}
    by_kind = "tokenKind" in group_by
    books = (_of_cells(tracked), _of_cells(reported), _of_bill(billed))
    for place, pieces in enumerate(books):
        for piece in pieces:
            if chosen and any(
                value not in allowed for value, allowed in zip(read_chosen(piece), chosen.values(), strict=True)
            ):
                continue
            values = read(piece)
            line = found.get(values)
            if line is None:
                line = found[values] = [None, None, None]
            counted = by_kind or piece.kind in TOKENS or piece.kind == NOT_SPLIT
            line[place] = _add(line[place], piece.quantity if counted else ZERO, piece.cost)
    sides = [Side(values, *map(_book, of)) for values, of in found.items()]
    sides.sort(key=lambda side: (-side.greatest, [value or "" for value in side.values]))
    if "day" in group_by:
        at = list(group_by).index("day")
        sides.sort(key=lambda side: side.values[at] or "", reverse=True)
    return sides


def _of_cells(cells: Cells) -> Iterator[_Piece]:
    for spot, cell in cells.items():
        yield from _of_cell(spot, cell)


def _of_cell(spot: Spot, cell: Cell) -> Iterator[_Piece]:
    """By kind; what cannot be told apart by kind is an amount of its own, and nothing known is None, not zero."""
    split = NOT_SPLIT not in cell.amounts
    unpriced = bool(cell.unpriced_tokens) or not split
    for kind, quantity in cell.quantities.items():
        yield _Piece(spot, kind, quantity, cell.amounts.get(kind, None if unpriced else ZERO))
    for kind, amount in cell.amounts.items():
        if kind not in cell.quantities:
            yield _Piece(spot, kind, ZERO, amount)


def _of_bill(lines: Iterable[BilledLine]) -> Iterator[_Piece]:
    for line in lines:
        yield _Piece(line.spot, line.kind, line.quantity, line.amount)


def _add(before: _Sum | None, quantity: Decimal | None, cost: Decimal | None) -> _Sum:
    if before is None:
        return quantity, cost
    return (
        None if quantity is None or before[0] is None else before[0] + quantity,
        before[1] if cost is None else cost + (before[1] or ZERO),
    )


def _book(found: _Sum | None) -> BookLine | None:
    return None if found is None else BookLine(quantity=found[0], cost=found[1])
