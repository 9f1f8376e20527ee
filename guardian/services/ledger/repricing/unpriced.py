"""The queue of usage without a price: what is at stake, the nearest priced model, one step to price and back-fill."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func, literal, literal_column, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col

from guardian.errors import NotFoundError, ValidationError
from guardian.models.enums import CostSource, Provider
from guardian.models.usage import UsageLog
from guardian.periods import HOUR, floor_hour, utcnow
from guardian.pricing.calculator import price
from guardian.pricing.lists import why_near
from guardian.pricing.overrides import Override
from guardian.pricing.overrides import literal as literally
from guardian.records import UNKNOWN_MODEL, UsageCounts, UsageRecord
from guardian.services.actor import Actor
from guardian.services.ledger import pricebook
from guardian.services.ledger.pricebook.copying import copied_prices, nearest
from guardian.services.ledger.pricebook.views import NewPrice, OverrideView
from guardian.services.ledger.repricing.runs import request_run
from guardian.services.ledger.repricing.views import RepriceRequest, RepriceView
from guardian.services.ledger.sql.tables import requests_in
from guardian.services.ledger.sums.rollups import COUNTS

# As the partial index says it: a parameter would not be known to match when the statement is planned.
_UNPRICED = col(UsageLog.cost_source) == literal_column(f"'{CostSource.UNPRICED}'")
# As re-pricing sees it: what ended with an error and states no use is used nobody knows how much.
_TOLD = or_(
    func.coalesce(col(UsageLog.error), "") == "",
    col(UsageLog.total_tokens) > 0,
    col(UsageLog.units) != literal({}, JSONB),
)
MOST_LISTED = 200
SUGGESTIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A priced model that may cost the same. `cost` is what all of the tokens would cost by its list price: a guess.

    `why` says in a sentence what makes it the nearest.
    """

    provider: Provider
    model: str
    cost: Decimal | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpricedView:
    """Rows of one model that have no price for the same reason, of every book.

    `requests` is None where no report counts them. `suggestions` are the nearest priced models, the best one first;
    empty where nothing is near, or where the report does not name the model. `untold` are calls that ended before
    their answer told what they used: no price makes their cost known.
    """

    provider: Provider
    model: str
    reason: str
    rows: int
    tokens: int
    requests: int | None
    first_seen: datetime
    last_seen: datetime
    suggestions: tuple[Suggestion, ...]
    untold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What one step did: the price agreed, and the run that prices the stored usage with it."""

    override: OverrideView
    run: RepriceView


def list_unpriced(session: Session, actor: Actor) -> list[UnpricedView]:
    """All usage without a price, the most tokens first, at most 200 lines. Raises AuthorizationError."""
    actor.require("prices:read")
    return [_view(row) for row in _read(session, actor.organization_id)]


def price_and_backfill(
    session: Session,
    actor: Actor,
    *,
    provider: Provider,
    model: str,
    like: str | None = None,
    prices: Mapping[str, Decimal] | None = None,
    confirm: bool = False,
) -> Priced:
    """Agree on a price for a model from its first unpriced row on, and have its stored usage priced with it.

    The price is that of the model `like`, copied as it is listed at that first row, or `prices` in dollars per million
    units. Raises AuthorizationError; NotFoundError where nothing of that model is unpriced; ValidationError where both
    or neither are given, `like` has no list price, or nobody knows what any of the rows used; and whatever agreeing on
    a price and asking for a run raise.
    """
    actor.require("prices:update")
    if (like is None) == (not prices):
        raise _wrong("like", "Give either the model whose prices are to be copied, or prices per million tokens.")
    first = _first_seen(session, actor.organization_id, provider, model, _TOLD)
    if first is None:
        if _first_seen(session, actor.organization_id, provider, model) is None:
            raise NotFoundError("Unpriced usage of this model")
        raise _wrong(
            "model", "These calls ended before their answer told what they used: no price makes their cost known."
        )
    note = None
    if like is not None:
        copied = copied_prices(provider, model, like, first)
        if copied is None:
            raise _wrong("like", f"The price list does not know {like[:100]!r}, so there is nothing to copy.")
        prices, note = copied.prices, copied.note
    wanted = NewPrice(
        provider=provider, model_pattern=literally(model), prices=dict(prices or {}), valid_from=first, note=note
    )
    override = pricebook.add_override(session, actor, wanted, confirm=confirm)
    run = request_run(
        session,
        actor,
        RepriceRequest(
            start=first,
            end=max(utcnow(), first + HOUR),
            provider=provider,
            model_pattern=override.model_pattern,
            dry_run=False,
        ),
    )
    return Priced(override=override, run=run)


def _first_seen(
    session: Session, organization_id: str, provider: Provider, model: str, *wanted: ColumnElement[bool]
) -> datetime | None:
    """The hour of the first row without a price."""
    first = select(func.min(col(UsageLog.timestamp))).where(
        col(UsageLog.organization_id) == organization_id,
        col(UsageLog.provider) == provider,
        col(UsageLog.model) == model,
        _UNPRICED,
        *wanted,
    )
    moment = session.connection().scalar(first)
    return moment and floor_hour(moment)


def _read(session: Session, organization_id: str) -> list[Mapping[str, Any]]:
    """By provider, model and reason."""
    log = UsageLog
    tokens = func.sum(col(log.total_tokens)).label("tokens")
    rows = session.connection().execute(
        select(
            col(log.provider),
            col(log.model),
            col(log.cost_reason),
            func.count().label("rows"),
            tokens,
            func.sum(requests_in(log)).label("calls"),
            func.bool_and(col(log.error).is_not(None)).label("failed"),
            func.min(col(log.timestamp)).label("first_seen"),
            func.max(func.coalesce(col(log.bucket_end), col(log.timestamp))).label("last_seen"),
            func.max(col(log.timestamp)).label("last_start"),
            *(func.sum(col(getattr(log, name))).label(f"sum_{name}") for name in COUNTS),
        )
        .where(
            col(log.organization_id) == organization_id,
            _UNPRICED,
        )
        .group_by(col(log.provider), col(log.model), col(log.cost_reason))
        .order_by(tokens.desc(), col(log.provider), col(log.model))
        .limit(MOST_LISTED)
    )
    return [dict(row) for row in rows.mappings()]


def _view(row: Mapping[str, Any]) -> UnpricedView:
    provider, model = Provider(row["provider"]), row["model"]
    untold = bool(row["failed"]) and not any(row[f"sum_{name}"] for name in COUNTS)
    near = [] if untold or model == UNKNOWN_MODEL else nearest(provider, model, row["last_start"], SUGGESTIONS)
    return UnpricedView(
        provider=provider,
        model=model,
        reason=row["cost_reason"] or "No price is known.",
        rows=row["rows"],
        tokens=int(row["tokens"] or 0),
        requests=None if row["calls"] is None else int(row["calls"]),
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        suggestions=tuple(
            Suggestion(
                provider=each.provider,
                model=each.model,
                cost=_guess(row, each.prices),
                why=why_near(model, each.model),
            )
            for each in near
        ),
        untold=untold,
    )


def _guess(row: Mapping[str, Any], prices: Mapping[str, Decimal]) -> Decimal | None:
    """All rows as if they were one bucket, at these prices; for the tokens alone."""
    start = floor_hour(row["last_start"])
    counts: dict[str, Any] = {name: int(row[f"sum_{name}"] or 0) for name in COUNTS if name != "total_tokens"}
    provider = Provider(row["provider"])
    record = UsageRecord(
        provider=provider,
        operation="chat",
        model=row["model"],
        start=start,
        end=start + HOUR,
        counts=UsageCounts(**counts),
        requests=int(row["calls"] or row["rows"]),
    )
    copied = Override(id="guess", provider=provider, model_pattern="*", valid_from=start, prices=prices)
    return price(record, (copied,)).amount


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": field, "message": message}])
