"""/prices: usage without a price first, then what was agreed, what any model costs, and stored usage priced anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import reflex as rx
from sqlmodel import Session

from guardian.errors import ValidationError
from guardian.live import JOB_UPDATE, USAGE_UPDATE
from guardian.periods import local_date, month_start, utcnow, zone
from guardian.services.actor import Actor
from guardian.services.ledger import currencies, pricebook, repricing
from guardian.services.ledger.currencies import RateView
from guardian.services.ledger.pricebook import OverrideView, PriceView
from guardian.services.ledger.repricing import unpriced
from guardian.services.ledger.repricing.unpriced import UnpricedView
from guardian.services.ledger.repricing.views import UNFINISHED, RepriceView
from guardian.services.people.organizations import get_organization
from guardian.services.people.paging import Asked
from guardian.ui.live_hub import Query
from guardian.ui.pages.prices import changes, rows
from guardian.ui.pages.prices.agreeing import Form
from guardian.ui.pages.prices.found import FoundPrice, found_price
from guardian.ui.pages.prices.repricing import Repricing
from guardian.ui.pages.prices.runs import run_row
from guardian.ui.pages.prices.view import prices_view

ROUTE = "/prices"
_RUNS, _RATES = 10, 12
_PARAMETERS = frozenset({"model", "provider", "at"})


@dataclass(frozen=True)
class _Found:
    """`refused` says why the look-up of the address could not be answered."""

    zone: str
    unpriced: list[UnpricedView]
    agreed: list[OverrideView]
    runs: list[RepriceView]
    looked_up: list[PriceView]
    refused: str
    currency: str
    rates: list[RateView]


class PricesState(Repricing, rx.State):
    """The price book as text; `found` answers the look-up of the address, or `nothing` says why it has no answer."""

    _live_events: ClassVar[frozenset[str]] = frozenset({JOB_UPDATE, USAGE_UPDATE})

    may_change: bool = False
    today: str = ""
    month: str = ""
    model: str = ""
    provider: str = ""
    at: str = ""
    found: list[FoundPrice] = []
    nothing: str = ""

    @classmethod
    def _read(cls, session: Session, actor: Actor, query: Query) -> _Found:
        asked = dict(query)
        organization = get_organization(session, actor)
        looked_up, refused = _look_up(session, actor, asked, zone(organization.time_zone))
        return _Found(
            zone=organization.time_zone,
            unpriced=unpriced.list_unpriced(session, actor),
            agreed=pricebook.list_overrides(session, actor),
            runs=list(repricing.list_runs(session, actor, Asked(limit=_RUNS)).items),
            looked_up=looked_up,
            refused=refused,
            currency=organization.currency,
            rates=currencies.list_rates(session, actor)[:_RATES],
        )

    def _query(self) -> Query:
        return tuple(item for item in super()._query() if item[0] in _PARAMETERS)

    def _show(self, view: _Found) -> None:
        tz, now, asked = zone(view.zone), utcnow(), dict(self._query())
        self.may_change = "prices:update" in self.viewer.permissions
        today = local_date(now, tz)
        self.today, self.month = today.isoformat(), month_start(today).isoformat()
        self.unpriced = [rows.unpriced_row(each, tz) for each in view.unpriced]
        self.agreed = [rows.agreed_row(each, tz) for each in view.agreed]
        self.busy = any(run.status in UNFINISHED for run in view.runs)
        self.runs = [run_row(run, now, tz, busy=self.busy, may_change=self.may_change) for run in view.runs]
        self.model, self.provider, self.at = (asked.get(name, "") for name in ("model", "provider", "at"))
        self.found = [found_price(each, tz) for each in view.looked_up]
        self.nothing = view.refused
        self.currency = view.currency
        self.rates = [rows.rate_row(each) for each in view.rates]

    @rx.event
    async def look_up(self, form: Form) -> rx.event.EventSpec:
        """Put the question into the address, which loads its answer."""
        await self._actor()
        asked = {name: str(form.get(name) or "").strip()[:200] for name in ("model", "provider", "at")}
        return rx.redirect(f"{ROUTE}?{urlencode({name: text for name, text in asked.items() if text})}")


def _look_up(session: Session, actor: Actor, asked: Mapping[str, str], tz: ZoneInfo) -> tuple[list[PriceView], str]:
    """What the address asks for, and why it cannot be answered."""
    if not asked.get("model"):
        return [], ""
    try:
        provider = changes.chosen_provider(asked["provider"]) if asked.get("provider") else None
        found = pricebook.look_up(session, actor, asked["model"], provider, changes.start_of(asked, "at", tz))
    except ValidationError as error:
        return [], error.message
    known = [view for view in found if view.listed or view.agreed]
    return known, "" if known else f"No price of {asked['model']} is known, neither listed nor agreed."


def page() -> rx.Component:
    return prices_view(PricesState, ROUTE)
