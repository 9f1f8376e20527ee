"""What changed in a month since it was closed: how much, in which book, and why."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from guardian.models import ClosedMonth
from guardian.models.enums import Provider
from guardian.periods import DAY
from guardian.services.ledger.closing.shares import Place, frozen_imported, read_imported, read_repriced
from guardian.services.ledger.closing.views import Adjustment, Change, end_of
from guardian.services.ledger.reconciliation.kinds import TOKENS
from guardian.services.ledger.reconciliation.reading import read_bills, read_usage, window_of
from guardian.services.ledger.reconciliation.sentences import provider_name
from guardian.services.ledger.writing.rows import FILE_ACCOUNT

_ZERO = Decimal(0)
_NOTHING = (_ZERO, _ZERO)
Sums = dict[Place, tuple[Decimal, Decimal]]
"""(amount, tokens)."""


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
        changed = _minus(now.get(place, _NOTHING), then.get(place, _NOTHING))
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
                tokens = figures["quantity"] if line["tokenKind"] in TOKENS else None
                _add(
                    found,
                    (book, Provider(line["provider"]), None if book == "tracked" else line["account"], line["model"]),
                    Decimal(figures["cost"] or 0),
                    Decimal(tokens or 0),
                )
    return found


def _sums(session: Session, organization_id: str, month: date) -> Sums:
    window = window_of(month, end_of(month).date() - DAY)
    found: Sums = {}
    for group in read_usage(session, organization_id, window, {}):
        spot, book = group.spot, "reported" if group.reported else "tracked"
        tokens = sum(group.cell.quantities.values(), _ZERO)
        account = spot.account if group.reported else None
        _add(found, (book, spot.provider, account, spot.model), group.cell.cost, tokens)
    for line in read_bills(session, organization_id, window, {}):
        tokens = line.quantity if line.kind in TOKENS else None
        _add(found, ("billed", line.spot.provider, line.spot.account, line.spot.model), line.amount, tokens or _ZERO)
    return found


def _add(sums: Sums, place: Place, amount: Decimal, tokens: Decimal) -> None:
    before = sums.get(place, (_ZERO, _ZERO))
    sums[place] = before[0] + amount, before[1] + tokens
