"""Who and what moved spend: of each dimension the values with the largest change, each with its causes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from guardian.periods import Window
from guardian.services.guard.analysis.decomposition import Change, Use, decompose
from guardian.services.guard.budgets.scopes import Scope
from guardian.services.guard.explaining import causes_of
from guardian.services.guard.explaining.changes import Cause
from guardian.services.guard.explaining.prices import weights_of
from guardian.services.guard.explaining.reading import groups_of, mixes_of
from guardian.services.guard.reports.numbers import Content, exact, percent
from guardian.services.ledger.queries.names import read_names

DIMENSIONS: Mapping[str, str] = {
    "team": "no team",
    "user": "nobody",
    "apiKey": "no key of the vault",
    "project": "no project",
}
"""Besides the models: what is compared, and how what has none of it is called."""

TRACKED = ("team", "user")
"""What providers' reports do not know: these are told of tracked calls, whatever of them counts as spend."""

_MOST = 3
_CAUSES = 2
_MOST_SHARE = 3
Mixes = tuple[dict[str, Use], dict[str, Use]]
Windows = tuple[Window, Window]


@dataclass(frozen=True, slots=True)
class _Moved:
    dimension: str
    value: str | None
    change: Change


def movers(
    session: Session, organization_id: str, scope: Scope, windows: Windows, whole: Mixes, *, tracked: bool
) -> list[Content]:
    """As a report's content has them. `whole` are the mixes of both windows; of `tracked` calls, all of it is."""
    found = [_Moved("model", key, change) for key, change in _models(session, organization_id, whole, windows[1].end)]
    for dimension in DIMENSIONS:
        if dimension != scope.type:
            found += _of(session, organization_id, scope, dimension, windows, tracked or dimension in TRACKED)
    wanted: dict[str, list[str | None]] = {}
    for each in found:
        wanted.setdefault(each.dimension, []).append(each.value)
    names = read_names(session, organization_id, wanted)
    found.sort(key=lambda each: (-abs(each.change.amount), each.dimension, each.value or ""))
    return [_told(each, names.get((each.dimension, each.value or ""))) for each in found]


def _models(session: Session, organization_id: str, whole: Mixes, moment: datetime) -> Iterable[tuple[str, Change]]:
    """A model by itself has no mix: what it gained from others is volume."""
    first, second = whole
    costs = {key: (_cost(first, key), _cost(second, key)) for key in {*first, *second}}
    weights = weights_of(session, organization_id, chosen := _largest(costs), moment)
    for key in chosen:
        one, other = ({key: side[key]} if key in side else {} for side in whole)
        yield key, decompose(one, other, weights)


def _of(
    session: Session, organization_id: str, scope: Scope, dimension: str, windows: Windows, tracked: bool
) -> Iterable[_Moved]:
    before, after = (
        groups_of(session, organization_id, scope, window, dimension, tracked=tracked) for window in windows
    )
    zero = Decimal(0)
    values = {*before, *after}
    if values <= {None}:
        return
    costs = {value or "": (before.get(value, zero), after.get(value, zero)) for value in values}
    chosen = _largest(costs)
    if not chosen:
        return
    mixes = [
        mixes_of(session, organization_id, scope, window, dimension=dimension, values=chosen, tracked=tracked)
        for window in windows
    ]
    models = {key for side in mixes for mix in side.values() for key in mix}
    weights = weights_of(session, organization_id, models, windows[1].end)
    for value in chosen:
        place = (value or None,)
        yield _Moved(dimension, value or None, decompose(mixes[0].get(place, {}), mixes[1].get(place, {}), weights))


def _largest(costs: Mapping[str, tuple[Decimal, Decimal]]) -> list[str]:
    changes = {key: after - before for key, (before, after) in costs.items()}
    moved = sorted((key for key in changes if changes[key]), key=lambda key: (-abs(changes[key]), key))
    return moved[:_MOST]


def _cost(mix: Mapping[str, Use], key: str) -> Decimal:
    return mix[key].cost if key in mix else Decimal(0)


def _told(each: _Moved, name: str | None) -> Content:
    change = each.change
    shown = model_name(each.value) if each.dimension == "model" else name or each.value or DIMENSIONS[each.dimension]
    return {
        "dimension": each.dimension,
        "value": each.value,
        "name": shown,
        "before": exact(change.before),
        "after": exact(change.after),
        "change": exact(change.amount),
        "percent": percent(change.amount, change.before),
        "causes": told_causes(causes_of(change, _CAUSES)),
    }


def told_causes(causes: Sequence[Cause]) -> list[Content]:
    return [
        {
            "part": cause.part,
            "label": cause.label,
            "amount": exact(cause.amount),
            "share": _share(cause),
        }
        for cause in causes
    ]


def _share(cause: Cause) -> str | None:
    """Causes that nearly cancel out are many times the change: their share says nothing then."""
    return percent(cause.share, Decimal(1)) if cause.share is not None and abs(cause.share) <= _MOST_SHARE else None


def model_name(key: str | None) -> str:
    """Of "PROVIDER/model"."""
    return (key or "").partition("/")[2] or "no model"
