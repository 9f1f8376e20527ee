"""Why the spend of a scope changed from one span to another, and its first causes in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlmodel import Session

from guardian.periods import Window
from guardian.services.guard.analysis.decomposition import PARTS, Change, Part, decompose
from guardian.services.guard.budgets.scopes import Scope
from guardian.services.guard.explaining.prices import weights_of
from guardian.services.guard.explaining.reading import mix_of

CAUSES: Mapping[Part, tuple[str, str]] = {
    "volume": ("more calls", "fewer calls"),
    "mix": ("dearer models", "cheaper models"),
    "tokens": ("more tokens per call", "fewer tokens per call"),
    "cache": ("fewer cache hits", "more cache hits"),
    "price": ("higher prices paid", "lower prices paid"),
    "retries": ("more failed calls that were paid for", "fewer failed calls that were paid for"),
}
"""Each part in words, where it makes spend more and where it makes it less."""

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Cause:
    """`label` says it: "more calls, mostly gpt-5". `amount` in dollars; `share` of the change, which it exceeds where
    others work against it; None where spend did not change.
    """

    part: Part
    label: str
    amount: Decimal
    share: Decimal | None


def change_of(
    session: Session, organization_id: str, scope: Scope, before: Window, after: Window, *, tracked: bool = False
) -> Change:
    """The change from one span to the other; both are read as whole hours. The caller has checked who asks."""
    first, second = (mix_of(session, organization_id, scope, window, tracked=tracked) for window in (before, after))
    return decompose(first, second, weights_of(session, organization_id, {*first, *second}, after.end))


def causes_of(change: Change, most: int = 3) -> Sequence[Cause]:
    """The causes that pull in the direction of the change first, the largest of them first."""
    upward = change.amount >= 0
    found: list[Part] = [part for part in PARTS if change.parts[part]]
    found.sort(key=change.parts.__getitem__, reverse=upward)
    return [_cause(change, part, change.parts[part]) for part in found[:most]]


def _cause(change: Change, part: Part, amount: Decimal) -> Cause:
    label = CAUSES[part][0 if amount > 0 else 1]
    model = _main_model(change, part, amount)
    share = amount / change.amount if change.amount else None
    return Cause(part, f"{label}, mostly {model}" if model else label, amount, share)


def _main_model(change: Change, part: Part, amount: Decimal) -> str | None:
    """The model with more than half of the part; none where there is only one model at all, which says nothing."""
    if len(change.models) < 2:
        return None
    key, most = max(change.models.items(), key=lambda item: item[1][part] * (1 if amount > 0 else -1))
    return key.partition("/")[2] or key if abs(most[part]) * 2 > abs(amount) else None
