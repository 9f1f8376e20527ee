"""From the parts of all differences to findings that people read: parts of one cause at one place become one. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from guardian.services.ledger.reconciliation.books import ZERO, Slice
from guardian.services.ledger.reconciliation.sentences import sentence
from guardian.services.ledger.reconciliation.views import Cause, Finding

# What tells two findings of one cause apart, besides comparison, provider and account.
_BY_KEY, _BY_MODEL, _BY_LINE = ("key",), ("key", "model"), ("key", "model", "kind")
_PLACES: Mapping[Cause, tuple[str, ...]] = {
    Cause.BYPASS: (*_BY_KEY, "label"),
    Cause.UNKNOWN_KEY: _BY_KEY,
    Cause.STREAM: (*_BY_MODEL, "label"),
    Cause.STALE_PRICE: ("model", "kind", "label", "our_price", "other_price"),
    Cause.TIER: ("model", "label"),
    Cause.KINDS: (*_BY_MODEL, "label"),
    Cause.LATE: ("label",),
    Cause.SHIFT: ("label",),
    Cause.TOOL_FEE: ("kind",),
    Cause.CREDIT: ("label",),
    Cause.DISCOUNT: ("label",),
    Cause.DOUBLE: _BY_LINE,
    Cause.ROUNDING: (),
    Cause.NO_BOOK: ("label",),
    Cause.UNEXPLAINED: _BY_LINE,
}
_PRICED = (Cause.STALE_PRICE, Cause.TIER)


def findings(slices: Iterable[Slice], names: Mapping[tuple[str, str], str]) -> tuple[Finding, ...]:
    """The findings, the greatest amount of money first. `names` are those of accounts and keys, by (dimension, id)."""
    groups: dict[tuple[Any, ...], list[Slice]] = {}
    for part in slices:
        groups.setdefault(_place(part), []).append(part)
    found = [_finding(parts, names) for parts in groups.values()]
    # What nobody has explained yet stands before what is explained by the same amount.
    return tuple(sorted(found, key=lambda f: (-f.size, f.cause is not Cause.UNEXPLAINED, f.first_day, f.sentence)))


def _place(part: Slice) -> tuple[Any, ...]:
    values: dict[str, Any] = {
        "key": part.spot.key,
        "model": part.spot.model,
        "kind": part.kind,
        "label": part.label,
        "our_price": part.our_price,
        "other_price": part.other_price,
    }
    fields = _PLACES[part.cause]
    return (part.comparison, part.cause, part.spot.provider, part.spot.account, *(values[name] for name in fields))


def _finding(parts: list[Slice], names: Mapping[tuple[str, str], str]) -> Finding:
    """One finding; what its parts do not share is left out."""
    first = parts[0]
    amounts = [part.amount for part in parts]
    amount = sum(amounts, ZERO)
    size = abs(amount)
    if first.cause in (Cause.SHIFT, Cause.UNEXPLAINED):
        gross = sum((abs(each) for each in amounts), ZERO)
        # What only moved is as much as went one way; two unexplained amounts that cancel out are still both there.
        size = (gross + size) / 2 if first.cause is Cause.SHIFT else gross
    key = _shared(part.spot.key for part in parts)
    plain = Finding(
        comparison=first.comparison,
        cause=first.cause,
        amount=amount,
        size=size,
        quantity=_total(parts),
        sentence="",
        provider=first.spot.provider,
        account=first.spot.account,
        provider_key=key or None,
        provider_key_name=names.get(("providerKey", key)) if key else None,
        model=_shared(part.spot.model for part in parts),
        tier=_shared(part.spot.tier for part in parts),
        token_kind=_shared(part.kind for part in parts),
        first_day=min(part.spot.day for part in parts),
        last_day=max(part.spot.day for part in parts),
        estimated=any(part.estimated for part in parts),
        our_price=first.our_price if first.cause in _PRICED else None,
        other_price=first.other_price if first.cause in _PRICED else None,
    )
    return replace(plain, sentence=sentence(plain, first.label, names))


def _shared(values: Iterable[str | None]) -> str | None:
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _total(parts: list[Slice]) -> Decimal | None:
    told = [part.quantity for part in parts if part.quantity is not None]
    return sum(told, ZERO) if len(told) == len(parts) else None
