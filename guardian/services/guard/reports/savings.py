"""What the usage of a period would have cost more, had it been done the other way: counterfactuals, no part of spend.

By the prices of the period's end, the organization's agreed ones included. Each is asked by itself with all else as it
was, so that they are not to be added up.
"""

from decimal import Decimal

from sqlmodel import Session

from guardian.amounts import dollars
from guardian.periods import Window
from guardian.services.guard.analysis.decomposition import Change, Mix
from guardian.services.guard.budgets.scopes import Scope
from guardian.services.guard.explaining.prices import BATCH, weights_of, without_batch, without_cache
from guardian.services.guard.explaining.reading import mixes_of
from guardian.services.guard.reports.numbers import Content, exact

_BATCH_TIER = "batch"
_PLACES = Decimal("1e-10")  # of the ledger's money


def savings(
    session: Session, organization_id: str, scope: Scope, window: Window, whole: Mix, change: Change | None
) -> list[Content]:
    """As a report's content has them; what saved nothing is left out. `change` is None without a period before."""
    found = [
        ("cache", _cache(session, organization_id, window, whole)),
        ("batch", _batch(session, organization_id, scope, window)),
        ("models", -change.parts["mix"] if change else Decimal(0)),
    ]
    told: list[Content] = []
    for kind, saved in found:
        saved = saved.quantize(_PLACES)
        if saved > 0:
            sentence = _SENTENCES[kind].format(dollars(saved))
            told.append({"kind": kind, "amount": exact(saved), "sentence": sentence})
    return told


_SENTENCES = {
    "cache": "Without cache hits, the same tokens would have cost {} more.",
    "batch": "Outside of batches, the same calls would have cost {} more.",
    "models": "With the models of the period before, as many calls would have cost {} more.",
}


def _cache(session: Session, organization_id: str, window: Window, whole: Mix) -> Decimal:
    prices = weights_of(session, organization_id, whole, window.end)
    return sum((without_cache(use, prices[key]) for key, use in whole.items() if key in prices), Decimal(0))


def _batch(session: Session, organization_id: str, scope: Scope, window: Window) -> Decimal:
    mixes = mixes_of(
        session, organization_id, scope, window, dimension="tier", values=[_BATCH_TIER], tracked=scope.type == "team"
    )
    mix = mixes.get((_BATCH_TIER,), {})
    standard = weights_of(session, organization_id, mix, window.end)
    batch = weights_of(session, organization_id, mix, window.end, BATCH)
    known = (key for key in mix if key in standard and key in batch)
    return sum((without_batch(mix[key], standard[key], batch[key]) for key in known), Decimal(0))
