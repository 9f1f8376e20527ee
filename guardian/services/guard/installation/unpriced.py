"""Models without a price, over all organizations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import func, select
from sqlmodel import Session, col

from guardian.cache import CacheService
from guardian.models import UsageRollup
from guardian.models.enums import Provider
from guardian.services.actor import Actor

MOST_LISTED = 100
_TTL = 300  # seconds; it sums up all rollups that have something unpriced


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpricedModel:
    """Rows and tokens of one model that nobody knows the cost of, in so many organizations."""

    provider: Provider
    model: str
    organizations: int
    rows: int
    tokens: int


def unpriced_models(session: Session, actor: Actor) -> list[UnpricedModel]:
    """Those with the most tokens first, at most 100. Raises AuthorizationError."""
    actor.require("admin:read")

    def read() -> list[list[Any]]:
        tokens = func.sum(col(UsageRollup.unpriced_tokens))
        columns: tuple[Any, ...] = (
            UsageRollup.provider,
            UsageRollup.model,
            func.count(col(UsageRollup.organization_id).distinct()),
            func.sum(col(UsageRollup.unpriced_rows)),
            tokens,
        )
        query = select(*columns).where(col(UsageRollup.unpriced_rows) > 0).group_by(*columns[:2])
        found = session.connection().execute(query.order_by(tokens.desc(), columns[1]).limit(MOST_LISTED)).all()
        rows = cast("Sequence[tuple[Any, ...]]", found)
        return [[str(row[0]), row[1], *(int(number) for number in row[2:])] for row in rows]

    found = CacheService().get_or_set("installation:unpriced-models", read, _TTL, owner="installation")
    return [
        UnpricedModel(provider=Provider(provider), model=model, organizations=many, rows=rows, tokens=tokens)
        for provider, model, many, rows, tokens in found
    ]
