"""FOCUS 1.2 (FinOps Open Cost and Usage Specification): what was spent, one row for each kind of token of a usage row.

https://focus.finops.org/focus-specification/v1-2. Rows are those that count as spend. PricingUnit is tokens, so that
PricingQuantity × ContractedUnitPrice = ContractedCost for each; fees have a unit of their own. An unpriced row has no
SkuPriceId, and null in every pricing column and in ConsumedQuantity; its costs cannot be null by the specification and
are 0, which `x_CostSource` = unpriced tells apart from a price of zero, and its tokens are in `x_ConsumedTokens`. What
a provider took off (negative lines of its cost report) is a row of ChargeCategory Credit and never within Usage. Under
an agreed price the contracted columns have that one, and the list columns what the list of today says of the row's time
(of a CUSTOM key's calls its own list); where no list knows the model or the unit, they are the same. BilledCost adds up
to the ledger's cost, which has ten decimal places.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any, cast

import pyarrow as pa
from sqlmodel import Session, col, select

from guardian.models import ProviderCost
from guardian.models.enums import CostSource, Provider
from guardian.periods import rfc3339
from guardian.pricing.calculator import price
from guardian.pricing.overrides import OVERRIDE_SOURCE, Override
from guardian.services.actor import Actor
from guardian.services.ledger.exports.columns import escaped, money
from guardian.services.ledger.exports.files import csv_file, parquet_file
from guardian.services.ledger.exports.focus_columns import COLUMNS, Kind
from guardian.services.ledger.exports.focus_rows import PLACES, Row, account_columns, charges
from guardian.services.ledger.exports.reading import spend_rows
from guardian.services.ledger.pricebook.overrides import overrides_of
from guardian.services.ledger.repricing.rows import stored_record
from guardian.services.ledger.views import UsageFilter
from guardian.services.people import organizations

_PRICE_PLACES = Decimal("1e-18")
_TEXT: Mapping[Kind, Callable[[Any], str]] = {
    "text": escaped,
    "cost": money,
    "price": lambda value: format(value.normalize(), "f"),
    "quantity": lambda value: format(Decimal(value).normalize(), "f"),
    "time": rfc3339,
}
_ARROW: Mapping[Kind, Any] = {
    "text": pa.string(),
    "cost": pa.decimal128(28, 12),
    "price": pa.decimal128(28, 18),
    "quantity": pa.decimal128(30, 10),
    "time": pa.timestamp("us", tz="UTC"),
}


def focus_csv(session: Session, actor: Actor, usage: UsageFilter) -> Iterator[bytes]:
    """The file in pieces. Errors are raised before the first one. Raises AuthorizationError, ValidationError."""
    rows = _rows(session, actor, usage)
    columns = [(name, _TEXT[kind]) for name, kind in COLUMNS.items()]
    cells = (["" if (value := row.get(name)) is None else text(value) for name, text in columns] for row in rows)
    return csv_file(tuple(COLUMNS), cells)


def focus_parquet(session: Session, actor: Actor, usage: UsageFilter) -> Iterator[bytes]:
    """The same as Parquet. Raises as focus_csv."""
    schema = cast("Any", pa).schema([(name, _ARROW[kind]) for name, kind in COLUMNS.items()])
    return parquet_file(schema, (_fitting(row) for row in _rows(session, actor, usage)))


def _fitting(row: Row) -> Row:
    """Decimals with no more places than their column has; Arrow refuses to round."""
    places = {"cost": PLACES, "price": _PRICE_PLACES}
    return {
        name: value.quantize(places[kind]) if (kind := COLUMNS[name]) in places and value is not None else value
        for name, value in row.items()
    }


def _rows(session: Session, actor: Actor, usage: UsageFilter) -> Iterator[Row]:
    actor.require("usage:read")
    company = organizations.get_organization(session, actor).name
    credits = list(_credits(session, actor, usage, company))
    custom = overrides_of(session, actor.organization_id, Provider.CUSTOM)
    own = tuple(each for each in custom if each.key_id is not None)
    # Last: nothing may fail between the opening of its cursor and the first row.
    stored = spend_rows(session, actor, usage)
    return chain((charge for row in stored for charge in charges(row, company, _list_prices(row, own))), credits)


def _list_prices(row: Mapping[str, Any], own: Sequence[Override]) -> Mapping[str, Decimal]:
    """Dollars for one unit, without what was agreed; empty where the row has the list's price. `own`: keys' lists."""
    if row["price_source"] != OVERRIDE_SOURCE:
        return {}
    found = price(stored_record(row), own, key_id=row["api_key_id"])
    return {line.unit: line.unit_price * line.multiplier for line in found.lines}


def _credits(session: Session, actor: Actor, usage: UsageFilter, company: str) -> Iterator[Row]:
    """Lines below zero of the providers' cost reports. Filters that bills do not know leave none."""
    cost = ProviderCost
    query = select(cost).where(cost.organization_id == actor.organization_id, col(cost.billed_cost) < 0)
    if usage.start:
        query = query.where(col(cost.period_start) >= usage.start)
    if usage.end:
        query = query.where(col(cost.period_start) < usage.end)
    named = {name: values for name, values in usage.filters.items() if values}
    if set(named) - {"provider", "account"}:
        return
    for name, column in (("provider", col(cost.provider)), ("account", col(cost.account_id))):
        if name in named:
            query = query.where(column.in_(named[name]))
    for line in session.exec(query.order_by(col(cost.period_start), col(cost.id))):
        yield {
            **account_columns(line.provider, line.account_id, company, line.period_start),
            **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), line.billed_cost),
            "ChargeCategory": "Credit",
            "ChargeDescription": line.line_item,
            "ChargeFrequency": "One-Time",
            "ChargePeriodEnd": line.period_end,
            "ChargePeriodStart": line.period_start,
            "SkuId": line.model,
            "SubAccountId": line.project_id,
            "SubAccountName": line.project_id,
            "SubAccountType": "Project" if line.project_id else None,
            "Tags": "{}",
            "x_CostBasis": "metered",
            "x_CostSource": CostSource.PROVIDER.value,
            "x_Model": line.model,
        }
