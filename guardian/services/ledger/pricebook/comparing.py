"""An agreed price beside the list: an example call, and whether it is so far off that somebody mistook the unit."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from guardian.models.enums import Provider
from guardian.pricing.calculator import price
from guardian.pricing.catalog import CATALOG_IDS
from guardian.pricing.lists import per_million
from guardian.pricing.overrides import Override
from guardian.pricing.sheets import STANDARD, Rate, Sheet, sheets
from guardian.records import UsageCounts, UsageRecord
from guardian.services.ledger.pricebook.views import Example, FarOff, UnitPrice

FAR = 20  # times: a price per thousand taken for one per million is off by 1,000, a small discount by far less
EXAMPLE_INPUT, EXAMPLE_OUTPUT = 1_000, 500


def list_sheet(provider: Provider, model: str, moment: datetime, override: Override | None = None) -> Sheet | None:
    """The prices of standard processing at `moment` (UTC), by the list or as an override changes it."""
    return sheets().find(provider, model, moment, STANDARD, None, override)


def unit_prices(sheet: Sheet | None) -> tuple[UnitPrice, ...]:
    """Every unit's price per million, the base first and then those that hold above so many input tokens."""
    if sheet is None:
        return ()
    base = sheet.levels[0]
    found = [_unit(unit, rate, 0) for unit, rate in base.items()]
    for above, level in zip(sheet.starts, sheet.levels[1:], strict=True):
        found += [_unit(unit, rate, above) for unit, rate in level.items() if rate != base.get(unit)]
    return tuple(found)


def example(provider: Provider, model: str, moment: datetime, override: Override | None = None) -> Example:
    """1,000 tokens in and 500 out: the size at which people know what a call should cost."""
    call = UsageRecord(
        provider=provider,
        operation="chat",
        model=model,
        start=moment,
        end=moment,
        counts=UsageCounts(input_tokens=EXAMPLE_INPUT, output_tokens=EXAMPLE_OUTPUT),
        requests=1,
    )
    listed = price(call).amount
    return Example(
        model=model,
        input_tokens=EXAMPLE_INPUT,
        output_tokens=EXAMPLE_OUTPUT,
        cost=price(call, (override,)).amount if override else listed,
        list_cost=listed,
    )


def far_off(override: Override, models: Iterable[str]) -> FarOff | None:
    """The agreed price that is furthest from the list price of one of these models, if it is far off at all."""
    found = [each for model in models for each in _compared(override, model) if _distance(each) >= FAR]
    return max(found, key=_distance, default=None)


def listed_models(provider: Provider) -> tuple[str, ...]:
    """The names of the models that the list knows of this provider."""
    name = CATALOG_IDS.get(provider)
    source = sheets().snapshot.find_provider(None, name, None) if name else None
    return tuple(model.id for model in source.models) if source else ()


def _compared(override: Override, model: str) -> Iterator[FarOff]:
    listed = list_sheet(override.provider, model, override.valid_from)
    agreed = list_sheet(override.provider, model, override.valid_from, override)
    if listed is None or agreed is None:
        return
    for unit, rate in agreed.levels[0].items():
        of_list = listed.levels[0].get(unit)
        if of_list is not None and per_million(rate) != per_million(of_list):
            yield FarOff(model=model, unit=unit, agreed=per_million(rate), listed=per_million(of_list))


def _distance(each: FarOff) -> Decimal:
    """How many times the one price is the other; infinite where one of them is zero."""
    if not each.factor:
        return Decimal("Infinity")
    return max(each.factor, 1 / each.factor)


def _unit(unit: str, rate: Rate, above: int) -> UnitPrice:
    said = "; ".join(rate.doubts)
    guess = f"{said[0].upper()}{said[1:]}." if said else None
    return UnitPrice(unit=unit, per_million=per_million(rate), above=above, guess=guess)
