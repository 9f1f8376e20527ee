"""Amounts split by kind with the prices of their day, also where a price changes within the month."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from guardian.models.enums import Provider
from guardian.pricing.overrides import Override
from guardian.services.ledger.reconciliation.books import Cell, Spot
from guardian.services.ledger.reconciliation.pricing import Prices

MILLION = Decimal(10**6)


def agreed(first: int, last: int | None, price: int) -> Override:
    """An agreed price of gpt-5-house's input from a day of November on, in dollars a million."""
    return Override(
        id=f"{first}",
        provider=Provider.OPENAI,
        model_pattern="gpt-5-house",
        valid_from=datetime(2026, 11, first, tzinfo=UTC),
        valid_to=datetime(2026, 11, last, tzinfo=UTC) if last else None,
        prices={"input_tokens": Decimal(price), "output_tokens": Decimal(price)},
    )


# $2 a million, on the 10th to the 19th $3, and then $2 again.
PRICES = (agreed(1, 10, 2), agreed(10, 20, 3), agreed(20, None, 2))


@pytest.mark.parametrize(("day", "cost"), [(1, 2), (9, 2), (10, 3), (19, 3), (20, 2)])
@pytest.mark.parametrize("asked_before", [False, True])
def test_a_price_of_some_days_within_a_month_is_found(day: int, cost: int, asked_before: bool) -> None:
    prices = Prices({Provider.OPENAI: PRICES})
    if asked_before:
        assert split(prices, 25, 2)
    assert split(prices, day, cost)
    assert not split(prices, day, 7)


def test_prices_that_stay_are_not_looked_up_for_each_day() -> None:
    prices = Prices({Provider.OPENAI: (agreed(1, None, 2),)})
    for day in range(3, 29):
        assert not split(prices, day, 7, month=12)
    # Of two kinds, at the first of this month and of the next.
    assert prices.of.cache_info().misses == 4


def split(prices: Prices, day: int, cost: int, *, month: int = 11) -> bool:
    """Whether a million tokens, half of them input, cost so much."""
    spot = Spot(date(2026, month, day), Provider.OPENAI, "org", "key", "gpt-5-house", None)
    cell = Cell(
        cost=Decimal(cost), rows=1, quantities={"uncached_input_tokens": MILLION / 2, "output_tokens": MILLION / 2}
    )
    found = prices.split(spot, cell)
    assert not found or sum(cell.amounts.values()) == cost
    return found
