"""The billed book: plain sums of what the providers say they bill."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from guardian.models.costs import ProviderCost
from guardian.services.actor import Actor
from guardian.services.ledger.queries.cells import text_of
from guardian.services.ledger.queries.dimensions import Expression, refuse
from guardian.services.ledger.views import Billed, BilledGroup

_COLUMNS: Mapping[str, Expression] = {
    "provider": col(ProviderCost.provider),
    "account": col(ProviderCost.account_id),
    "model": col(ProviderCost.model),
    "lineItem": col(ProviderCost.line_item),
    "costType": col(ProviderCost.cost_type),
    "tier": col(ProviderCost.service_tier),
    "project": col(ProviderCost.project_id),
    "providerKey": col(ProviderCost.external_key_id),
    "externalUser": col(ProviderCost.external_user_id),
    "periodStart": col(ProviderCost.period_start),
}


def billed(session: Session, actor: Actor, start: datetime, end: datetime, group_by: Sequence[str] = ()) -> Billed:
    """The cost report's lines whose period starts in [start, end), most expensive group first.

    Providers bill by UTC day: a range that is not cut at UTC midnights takes a day by its start. Raises
    AuthorizationError, and ValidationError for an unknown dimension.
    """
    actor.require("usage:read")
    for name in group_by:
        if name not in _COLUMNS:
            raise refuse("groupBy", f"Unknown dimension {name!r} of bills. Choose from: {', '.join(_COLUMNS)}.")
    keys = [_COLUMNS[name] for name in group_by]
    began = col(ProviderCost.period_start)
    amount = func.sum(col(ProviderCost.billed_cost))
    rows: list[Any] = list(
        session.connection().execute(
            select(*keys, amount)
            .where(col(ProviderCost.organization_id) == actor.organization_id, began >= start, began < end)
            .group_by(*keys)
            .order_by(amount.desc(), *keys)
        )
    )
    found: list[tuple[dict[str, str | None], Decimal]] = [
        (_values(group_by, row), row[-1]) for row in rows if row[-1] is not None
    ]
    return Billed(
        total=sum((cost for _, cost in found), Decimal(0)) if found else None,
        groups=tuple(BilledGroup(values=values, cost=cost) for values, cost in found) if group_by else (),
    )


def _values(group_by: Sequence[str], row: Sequence[Any]) -> dict[str, str | None]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else text_of(value)
        for name, value in zip(group_by, row, strict=False)
    }
