"""prices: what a model costs at a moment, the prices that were agreed, and the usage that has none."""

from typing import Annotated

from fastapi import APIRouter, Query

from guardian.api.answers.envelope import Out
from guardian.api.answers.lists import page_of
from guardian.api.prices.reprice import RepriceOut, reprice_json
from guardian.api.prices.shapes import (
    DeletedOut,
    NewOverride,
    OverrideChange,
    OverrideOut,
    OverrideQuery,
    PriceOut,
    PriceQuery,
    UnpricedFix,
    UnpricedOut,
)
from guardian.api.steps import CallDep, route
from guardian.models import PriceOverride
from guardian.services.ledger import pricebook
from guardian.services.ledger.pricebook import OverrideView
from guardian.services.ledger.repricing import unpriced
from guardian.services.people.views import Page

api = APIRouter(prefix="/api/v1/prices", tags=["prices"])


class PricedOut(Out):
    """The price that was agreed, and the run that prices the stored usage with it."""

    override: OverrideOut
    run: RepriceOut


@route(api, "GET", "", permission="prices:read")
def look_up(call: CallDep, query: Annotated[PriceQuery, Query()]) -> list[PriceOut]:
    """What a model costs at a moment, at the provider that is named or at each that knows the name."""
    with call.transaction() as session:
        found = pricebook.look_up(session, call.actor, query.model, query.provider, query.moment())
        return [PriceOut.model_validate(view) for view in found]


@route(api, "GET", "/overrides", permission="prices:read")
def list_overrides(call: CallDep, query: Annotated[OverrideQuery, Query()]) -> Page[OverrideOut]:
    """The agreed prices, those that have ended last."""
    with call.transaction() as session:
        found = pricebook.list_overrides(session, call.actor, query.provider)
        return page_of([OverrideOut.model_validate(view) for view in found], query)


@route(api, "POST", "/overrides", permission="prices:update", action="PRICE_CREATE", status=201)
def add_override(call: CallDep, body: NewOverride) -> OverrideOut:
    """Agree on a price. The answer shows what a call of 1,000 tokens in and 500 out costs with it."""
    with call.transaction() as session:
        wanted = body.to_price(body.provider, body.model_pattern)
        view = pricebook.add_override(session, call.actor, wanted, confirm=body.confirm)
        _note(call, view, confirmed=body.confirm)
        return OverrideOut.model_validate(view)


@route(api, "GET", "/overrides/{override_id}", permission="prices:read", row=PriceOverride)
def get_override(call: CallDep, override_id: str) -> OverrideOut:
    """One agreed price."""
    with call.transaction() as session:
        return OverrideOut.model_validate(pricebook.get_override(session, call.actor, override_id))


@route(api, "PATCH", "/overrides/{override_id}", permission="prices:update", action="PRICE_UPDATE", row=PriceOverride)
def change_override(call: CallDep, override_id: str, body: OverrideChange) -> OverrideOut:
    """Let another price follow this one, which is given; or end this one. A price itself is never edited."""
    with call.transaction() as session:
        old = pricebook.get_override(session, call.actor, override_id)
        wanted = body.to_price(old.provider, old.model_pattern)
        if wanted.valid_to is not None and not wanted.prices and wanted.percent_of_list is None:
            view = pricebook.end_override(session, call.actor, override_id, wanted.valid_to)
        else:
            view = pricebook.replace_override(session, call.actor, override_id, wanted, confirm=body.confirm)
        _note(call, view, replaces=None if view.id == override_id else override_id, confirmed=body.confirm)
        return OverrideOut.model_validate(view)


@route(api, "DELETE", "/overrides/{override_id}", permission="prices:update", action="PRICE_DELETE", row=PriceOverride)
def delete_override(call: CallDep, override_id: str) -> DeletedOut:
    """Delete a price that has priced nothing; one that has is ended now, because bills name it."""
    with call.transaction() as session:
        old = pricebook.get_override(session, call.actor, override_id)
        left = pricebook.delete_override(session, call.actor, override_id)
        _note(call, left or old, deleted=left is None)
        return DeletedOut(deleted=left is None, override=OverrideOut.model_validate(left) if left else None)


@route(api, "GET", "/unpriced", permission="prices:read")
def list_unpriced(call: CallDep) -> list[UnpricedOut]:
    """Usage without a price, the most tokens first; what it may cost is a guess."""
    with call.transaction() as session:
        return [UnpricedOut.model_validate(view) for view in unpriced.list_unpriced(session, call.actor)]


@route(api, "POST", "/unpriced/price", permission="prices:update", action="PRICE_BACKFILL", status=202, fails=(404,))
def price_unpriced(call: CallDep, body: UnpricedFix) -> PricedOut:
    """Agree on a price for a model from its first unpriced row on, and price the stored usage with it."""
    with call.transaction() as session:
        done = unpriced.price_and_backfill(
            session,
            call.actor,
            provider=body.provider,
            model=body.model,
            like=body.like,
            prices=body.prices or None,
            confirm=body.confirm,
        )
        _note(call, done.override, like=body.like, run=done.run.id, confirmed=body.confirm)
        return PricedOut(override=OverrideOut.model_validate(done.override), run=reprice_json(done.run))


def _note(call: CallDep, view: OverrideView, **more: object) -> None:
    call.note("price", view.id, **view.facts, **more)
