"""prices/currencies: the dated rates by which pages show dollars in another currency. Which one: PATCH organization."""

from datetime import date
from decimal import Decimal

from fastapi import APIRouter
from pydantic import Field

from guardian.api.answers.envelope import Body, Line, Money, Out
from guardian.api.steps import CallDep, route
from guardian.errors import ValidationError
from guardian.services.ledger import currencies
from guardian.services.people import organizations

api = APIRouter(prefix="/api/v1/prices/currencies", tags=["prices"])

_MOST_CSV = 400_000  # characters; some 20 years of days are 170,000


class Rate(Body):
    """One US dollar is `perDollar` of the currency from that UTC day on."""

    day: date
    per_dollar: Decimal


class NewRates(Body):
    """Either `rates` or `csv`, lines of a day and a rate (2026-11-20,0.8653). `source` says where they are from."""

    currency: Line
    source: Line
    rates: list[Rate] = Field(default_factory=list[Rate], max_length=1_000)
    csv: str | None = Field(default=None, max_length=_MOST_CSV)


class RateOut(Out):
    currency: str
    day: date
    per_dollar: Money
    source: str
    created_by: str | None


class CurrenciesOut(Out):
    """`currency` is the one that pages show besides dollars; the rates are the latest 400, newest first."""

    currency: str
    rates: list[RateOut]


class RatesAddedOut(Out):
    """Days that are new, days whose rate was corrected, and days that had it already."""

    added: int
    changed: int
    unchanged: int


@route(api, "GET", "", permission="prices:read")
def list_currencies(call: CallDep, currency: str | None = None) -> CurrenciesOut:
    """The currency of display and the rates, of one currency or of all."""
    with call.transaction() as session:
        shown = organizations.get_organization(session, call.actor).currency
        rates = currencies.list_rates(session, call.actor, currency)
        return CurrenciesOut(currency=shown, rates=[RateOut.model_validate(rate) for rate in rates])


@route(api, "POST", "", permission="prices:update", action="RATES_ADD", status=201)
def add_rates(call: CallDep, body: NewRates) -> RatesAddedOut:
    """Add rates, or correct them; nothing is stored when one line is wrong."""
    if bool(body.rates) == (body.csv is not None):
        message = "Give either rates or csv."
        raise ValidationError(message, details=[{"field": "rates", "message": message}])
    entries = [(rate.day, rate.per_dollar) for rate in body.rates]
    if body.csv is not None:
        entries = currencies.read_rates(body.csv)
    with call.transaction() as session:
        found = currencies.add_rates(session, call.actor, body.currency, entries, body.source)
        call.note(
            "currency",
            body.currency.upper(),
            added=found.added,
            changed=found.changed,
            source=body.source,
            firstDay=str(min(day for day, _ in entries)),
            lastDay=str(max(day for day, _ in entries)),
        )
        return RatesAddedOut.model_validate(found)
