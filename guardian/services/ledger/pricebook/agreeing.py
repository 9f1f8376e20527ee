"""Agreed prices changed: appended with a date, ended at a moment, never edited; what priced a row stays."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlmodel import Session, col, select

from guardian import db, live
from guardian.errors import ConflictError, NotFoundError
from guardian.models import PriceOverride, SharedText, UsageLog
from guardian.models.base import new_id
from guardian.models.enums import CostSource
from guardian.periods import utcnow
from guardian.pricing.overrides import Override
from guardian.services.actor import Actor
from guardian.services.ledger.bills.short import name_of
from guardian.services.ledger.pricebook.comparing import far_off
from guardian.services.ledger.pricebook.reading import example_of, get_override, models_under
from guardian.services.ledger.pricebook.rules import checked, confirmation_needed, refuse
from guardian.services.ledger.pricebook.views import NewPrice, OverrideView, Preview
from guardian.services.people import kept


def preview(session: Session, actor: Actor, wanted: NewPrice) -> Preview:
    """What a price would mean, before it is agreed: an example call, and whether it is far off the list.

    Raises AuthorizationError, and ValidationError on the field that is wrong.
    """
    actor.require("prices:update")
    override = checked(wanted, wanted.valid_from or utcnow(), new_id())
    models = models_under(session, actor.organization_id, override)
    return Preview(example=example_of(override, utcnow()), far_off=far_off(override, models))


def add_override(session: Session, actor: Actor, wanted: NewPrice, *, confirm: bool = False) -> OverrideView:
    """Agree on a price. It holds for usage from its start on; what is stored already is for a re-pricing to change.

    Raises AuthorizationError; ValidationError on the field that is wrong; ConflictError for a second price of the same
    pattern from the same moment; and, unless `confirm`, ApiError (409, PRICE_NEEDS_CONFIRMATION) for one far off.
    """
    actor.require("prices:update")
    _lock(session, actor)
    override = checked(wanted, wanted.valid_from or utcnow(), new_id())
    return _add(session, actor, override, wanted.note, confirm=confirm)


def replace_override(
    session: Session, actor: Actor, override_id: str, wanted: NewPrice, *, confirm: bool = False
) -> OverrideView:
    """End a price and let another one follow it, of the same provider and pattern, at the moment that one starts.

    The new one ends where the old one would have, unless it says so itself. Raises as add_override, and NotFoundError,
    and ValidationError where the old one has not begun by then or is over.
    """
    actor.require("prices:update")
    _lock(session, actor)
    old = _own(session, actor, override_id)
    start = wanted.valid_from or utcnow()
    wanted = replace(
        wanted,
        provider=old.provider,
        model_pattern=old.model_pattern,
        valid_to=wanted.valid_to if wanted.valid_to is not None else old.valid_to,
    )
    _end(session, old, start, "validFrom")
    override = checked(wanted, start, new_id())
    return _add(session, actor, override, wanted.note, confirm=confirm)


def end_override(session: Session, actor: Actor, override_id: str, at: datetime | None = None) -> OverrideView:
    """Let a price end, now or at `at`; from then on the list price holds, or another agreed one.

    Raises AuthorizationError, NotFoundError, and ValidationError where it has not begun by then or is over.
    """
    actor.require("prices:update")
    _lock(session, actor)
    _end(session, _own(session, actor, override_id), at or utcnow(), "validTo")
    return get_override(session, actor, override_id)


def delete_override(session: Session, actor: Actor, override_id: str) -> OverrideView | None:
    """Take away a price that has priced nothing (None); one that has is ended now instead, and given.

    Raises AuthorizationError, NotFoundError, and ConflictError for one that has priced something and is over.
    """
    actor.require("prices:update")
    _lock(session, actor)
    row = _own(session, actor, override_id)
    if not _has_priced(session, row):
        session.delete(row)
        session.flush()
        return None
    now = utcnow()
    if row.valid_to is not None and row.valid_to <= now:
        raise ConflictError("This price is over and stays: usage was priced with it, and its bills name it.")
    _end(session, row, max(now, row.valid_from), "validTo", strictly=False)
    return get_override(session, actor, override_id)


def _add(session: Session, actor: Actor, override: Override, note: str | None, *, confirm: bool) -> OverrideView:
    twin = select(PriceOverride.id).where(
        PriceOverride.organization_id == actor.organization_id,
        PriceOverride.provider == override.provider,
        PriceOverride.model_pattern == override.model_pattern,
        PriceOverride.valid_from == override.valid_from,
    )
    if session.exec(twin).first() is not None:
        raise ConflictError("There is an agreed price of this pattern from that moment on already. End or change it.")
    if not confirm:
        found = far_off(override, models_under(session, actor.organization_id, override))
        if found is not None:
            raise confirmation_needed(found)
    session.add(
        PriceOverride(
            id=override.id,
            organization_id=actor.organization_id,
            provider=override.provider,
            model_pattern=override.model_pattern,
            percent_of_list=override.percent_of_list,
            # As text: JSON numbers come back as floats.
            prices={unit: format(amount, "f") for unit, amount in override.prices.items()},
            valid_from=override.valid_from,
            valid_to=override.valid_to,
            note=(note or "").strip() or None,
            created_by_id=actor.user_id,
        )
    )
    session.flush()
    return get_override(session, actor, override.id)


def _end(session: Session, row: PriceOverride, at: datetime, field: str, *, strictly: bool = True) -> None:
    if row.valid_to is not None and row.valid_to <= at:
        raise refuse(field, f"This price is over since {row.valid_to:%Y-%m-%d %H:%M} UTC. Add a new one instead.")
    if strictly and at <= row.valid_from:
        raise refuse(field, f"This price only begins at {row.valid_from:%Y-%m-%d %H:%M} UTC. Choose a later moment.")
    row.valid_to = at
    session.add(row)
    session.flush()


def _has_priced(session: Session, row: PriceOverride) -> bool:
    query = select(UsageLog.id).where(
        UsageLog.organization_id == row.organization_id,
        UsageLog.provider == row.provider,
        col(UsageLog.price_id).in_(select(SharedText.id).where(col(SharedText.text).contains(name_of(row.id)))),
        col(UsageLog.cost_source).in_((CostSource.COMPUTED, CostSource.ESTIMATED)),
        col(UsageLog.timestamp) >= row.valid_from,
    )
    return session.exec(query.limit(1)).first() is not None


def _own(session: Session, actor: Actor, override_id: str) -> PriceOverride:
    row = session.get(PriceOverride, override_id, with_for_update=True)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFoundError("Price")
    return row


def _lock(session: Session, actor: Actor) -> None:
    """One change at a time per organization: two at once could both find that the other is not there.

    Gateways hear of it: they say what a call costs.
    """
    db.lock(session, "prices", actor.organization_id)
    kept.forget(session, kept.prices_owner(actor.organization_id))
    db.after_commit(session, partial(live.tell_gateways, actor.organization_id))
