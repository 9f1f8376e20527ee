"""The price book read: what a model costs at a moment, and the prices that an organization agreed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from guardian.errors import NotFoundError
from guardian.models import PriceOverride, UsageRollup, User
from guardian.models.enums import Provider
from guardian.periods import utcnow
from guardian.pricing.overrides import Override, choose, matches
from guardian.services.actor import Actor
from guardian.services.ledger.pricebook.comparing import example, list_sheet, listed_models, unit_prices
from guardian.services.ledger.pricebook.overrides import kept_overrides_of, override_of
from guardian.services.ledger.pricebook.rules import MAX_PATTERN, refuse
from guardian.services.ledger.pricebook.views import Example, OverrideView, PriceView, State

_WILD = frozenset("*?[")
_USED_WITHIN = timedelta(days=90)


def look_up(
    session: Session, actor: Actor, model: str, provider: Provider | None = None, at: datetime | None = None
) -> list[PriceView]:
    """What `model` costs at `at` (now by default), at this provider, or at each that knows the name.

    A provider that is asked for is answered for, also where it has no price. Raises AuthorizationError, and
    ValidationError for an empty name.
    """
    actor.require("prices:read")
    model = model.strip()
    if not 1 <= len(model) <= MAX_PATTERN or not model.isprintable():
        raise refuse("model", "Name the model as the provider reports it.")
    moment = at or utcnow()
    found = [_price(session, actor, each, model, moment) for each in ([provider] if provider else Provider)]
    return [view for view in found if provider or view.listed or view.agreed]


def list_overrides(session: Session, actor: Actor, provider: Provider | None = None) -> list[OverrideView]:
    """The agreed prices: those that hold and those to come first, then the ended ones, each group newest first."""
    actor.require("prices:read")
    views = _read(session, actor, *([] if provider is None else [col(PriceOverride.provider) == provider]))
    return sorted(views, key=lambda view: view.state == "ended")


def get_override(session: Session, actor: Actor, override_id: str) -> OverrideView:
    """One agreed price. Raises AuthorizationError, NotFoundError."""
    actor.require("prices:read")
    found = _read(session, actor, col(PriceOverride.id) == override_id)
    if not found:
        raise NotFoundError("Price")
    return found[0]


def override_view(row: PriceOverride, created_by: str | None, now: datetime) -> OverrideView:
    """`created_by` is a person's name."""
    override = override_of(row)
    return OverrideView(
        id=row.id,
        provider=row.provider,
        model_pattern=row.model_pattern,
        percent_of_list=row.percent_of_list,
        prices=override.prices,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        note=row.note,
        state=_state(row, now),
        created_by=created_by,
        created_at=row.created_at,
        example=example_of(override, now),
    )


def models_under(session: Session, organization_id: str, override: Override) -> Sequence[str]:
    """The models that a price's pattern means: its one name, or those used lately and those of the list."""
    if not _WILD & set(override.model_pattern):
        return (override.model_pattern,)
    used = session.exec(
        select(UsageRollup.model)
        .where(
            UsageRollup.organization_id == organization_id,
            UsageRollup.provider == override.provider,
            col(UsageRollup.hour) >= utcnow() - _USED_WITHIN,
        )
        .distinct()
    )
    names = dict.fromkeys((*sorted(used), *listed_models(override.provider)))
    return [name for name in names if matches(override.model_pattern, name)]


def example_of(override: Override, now: datetime) -> Example | None:
    """A call of the model that the price is for, or of the first one of the list that its pattern means."""
    pattern = override.model_pattern
    named = not _WILD & set(pattern)
    model = pattern if named else next((m for m in listed_models(override.provider) if matches(pattern, m)), None)
    if model is None:
        return None
    ended = override.valid_to is not None and override.valid_to <= now
    return example(override.provider, model, override.valid_from if ended else max(override.valid_from, now), override)


def _price(session: Session, actor: Actor, provider: Provider, model: str, moment: datetime) -> PriceView:
    override = choose(kept_overrides_of(session, actor.organization_id, provider), provider, model, moment)
    listed = list_sheet(provider, model, moment)
    agreed = list_sheet(provider, model, moment, override) if override else None
    known = bool(listed or agreed)
    return PriceView(
        provider=provider,
        model=model,
        at=moment,
        source=listed.source if listed else None,
        version=listed.version if listed else None,
        ref=listed.ref if listed else None,
        listed=unit_prices(listed),
        override=get_override(session, actor, override.id) if override else None,
        agreed=unit_prices(agreed),
        example=example(provider, model, moment, override) if known else None,
    )


def _read(session: Session, actor: Actor, *conditions: ColumnElement[bool]) -> list[OverrideView]:
    query = (
        select(PriceOverride, User.name, User.email)
        .join(User, col(User.id) == col(PriceOverride.created_by_id), isouter=True)
        .where(PriceOverride.organization_id == actor.organization_id, *conditions)
        .order_by(col(PriceOverride.valid_from).desc(), col(PriceOverride.id).desc())
    )
    now = utcnow()
    return [override_view(row, name or email, now) for row, name, email in session.exec(query)]


def _state(row: PriceOverride, now: datetime) -> State:
    if row.valid_to is not None and row.valid_to <= now:
        return "ended"
    return "planned" if row.valid_from > now else "current"
