"""What changed in a month since it was closed: how much, in which book, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from guardian.models import ClosedMonth
from guardian.models.enums import Provider
from guardian.periods import DAY
from guardian.services.ledger.closing.shares import Place, frozen_imported, read_imported, read_repriced
from guardian.services.ledger.closing.views import Adjustment, Change, end_of
from guardian.services.ledger.reconciliation.kinds import TOKENS, comparable
from guardian.services.ledger.reconciliation.reading import read_bills, read_usage, window_of
from guardian.services.ledger.reconciliation.sentences import provider_name
from guardian.services.ledger.writing.rows import FILE_ACCOUNT

_ZERO = Decimal(0)
_NOTHING = (_ZERO, _ZERO)


@dataclass(slots=True)
class _Stand:
    """What a book has at one place: dollars, and tokens by kind, None where some line does not tell how many."""

    amount: Decimal = _ZERO
    tokens: dict[str, Decimal | None] = field(default_factory=dict[str, Decimal | None])

    def count(self, kind: str, tokens: Decimal | None) -> None:
        if kind in TOKENS:
            before = self.tokens.get(kind, _ZERO)
            self.tokens[kind] = None if before is None or tokens is None else before + tokens

    def since(self, then: "_Stand") -> tuple[Decimal, Decimal]:
        """(amount, tokens) that were added since then; nothing is known of a kind that one of both does not tell."""
        tokens = _ZERO
        for kind in self.tokens.keys() | then.tokens.keys():
            one, other = self.tokens.get(kind, _ZERO), then.tokens.get(kind, _ZERO)
            tokens += _ZERO if one is None or other is None else one - other
        return self.amount - then.amount, tokens


Sums = dict[Place, _Stand]


def read_adjustments(session: Session, row: ClosedMonth) -> tuple[Adjustment, ...]:
    """How the books of a closed month differ from what was frozen, the greatest first; each cause by itself.

    What re-pricing changed is known from its runs, and what came out of files from the rows' origin. The rest of the
    tracked book are calls that arrived late, and the rest of the others is what the provider states otherwise now.
    """
    organization, lines = row.organization_id, row.lines or []
    then, now = _frozen_sums(lines), _sums(session, organization, row.month)
    repriced, of_files = read_repriced(session, organization, row.month, row.closed_at)
    before, after = frozen_imported(lines), read_imported(session, organization, row.month)
    found: list[Adjustment] = []
    for place in then.keys() | now.keys():
        book, provider, account, model = place
        changed = now.get(place, _Stand()).since(then.get(place, _Stand()))
        anew = (repriced.get(place, _ZERO), _ZERO)
        rest = _minus(changed, anew)
        causes = {Change.REPRICING: anew}
        if book == "tracked":
            key = (provider, model or "")
            files = _minus(after.get(key, _NOTHING), before.get(key, _NOTHING))
            files = _minus(files, (of_files.get(key, _ZERO), _ZERO))
            causes |= {Change.NEW_IMPORT: files, Change.LATE_CALLS: _minus(rest, files)}
        else:
            causes[Change.NEW_IMPORT if (account or "").startswith(FILE_ACCOUNT) else Change.LATE_BUCKET] = rest
        found += [_adjustment(place, change, *sums) for change, sums in causes.items() if sums != _NOTHING]
    return tuple(sorted(found, key=lambda each: (-abs(each.amount), each.sentence)))


def _minus(first: tuple[Decimal, Decimal], second: tuple[Decimal, Decimal]) -> tuple[Decimal, Decimal]:
    return first[0] - second[0], first[1] - second[1]


def _adjustment(place: Place, change: Change, amount: Decimal, quantity: Decimal) -> Adjustment:
    book, provider, account, model = place
    return Adjustment(
        book=book,
        change=change,
        provider=provider,
        account=account,
        model=model,
        amount=amount,
        quantity=quantity,
        sentence=f"{_WORDS[change].format(provider=provider_name(provider), book=book)}: {model or 'without a model'}.",
    )


_WORDS: Mapping[Change, str] = {
    Change.LATE_BUCKET: "{provider} restated its {book} figures",
    Change.REPRICING: "The {book} book was priced anew",
    Change.NEW_IMPORT: "An import changed the {book} book",
    Change.LATE_CALLS: "Calls arrived after the month was closed",
}


def _frozen_sums(lines: Sequence[Any]) -> Sums:
    found: Sums = {}
    for line in lines:
        if "imported" in line:
            continue  # a share of what other lines hold
        for book in ("tracked", "reported", "billed"):
            figures: Mapping[str, str | None] | None = line[book]
            if figures is not None:
                account = None if book == "tracked" else line["account"]
                stand = found.setdefault((book, Provider(line["provider"]), account, line["model"]), _Stand())
                stand.amount += Decimal(figures["cost"] or 0)
                quantity = figures["quantity"]
                stand.count(line["tokenKind"], None if quantity is None else Decimal(quantity))
    return found


def _sums(session: Session, organization_id: str, month: date) -> Sums:
    window = window_of(month, end_of(month).date() - DAY)
    found: Sums = {}
    for group in read_usage(session, organization_id, window, {}):
        spot, book = group.spot, "reported" if group.reported else "tracked"
        account = spot.account if group.reported else None
        stand = found.setdefault((book, spot.provider, account, spot.model), _Stand())
        stand.amount += group.cell.cost
        for kind, tokens in group.cell.quantities.items():
            stand.count(comparable(spot.provider, kind), tokens)
    for line in read_bills(session, organization_id, window, {}):
        spot = line.spot
        stand = found.setdefault(("billed", spot.provider, spot.account, spot.model), _Stand())
        stand.amount += line.amount
        stand.count(comparable(spot.provider, line.kind), line.quantity)
    return found
