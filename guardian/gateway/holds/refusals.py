"""The words in which budgets and a token's own limits refuse a call, with the figures that they stand on."""

from collections.abc import Sequence
from typing import Any, cast

from guardian import amounts
from guardian.errors import BudgetExceeded, RateLimitError, UnavailableError
from guardian.gateway.holds.holding import Item, dollars
from guardian.gateway.holds.rates import too_many
from guardian.models.enums import PROVIDER_NAMES, Provider
from guardian.periods import rfc3339
from guardian.services.people.access.callers import Caller

_AWAY = "The budget {!r} cannot be looked up at the moment, and refuses calls while that is so. Try again shortly."


def away(item: Item) -> UnavailableError:
    """Of a budget that is closed while Redis is away."""
    return UnavailableError(_AWAY.format(item.budget.name))


def require_price(items: Sequence[Item], provider: Provider, model: str) -> None:
    """Raises BudgetExceeded where a budget does not take a model that has no price."""
    for item in items:
        if item.budget.refuses_unpriced:
            raise BudgetExceeded(
                f"No price is known for the model {model!r} of {PROVIDER_NAMES[provider]}, so the budget "
                f"{item.budget.name!r} cannot tell what a call costs. Agree on a price under Prices, or let the budget "
                "allow unpriced models.",
                name=item.budget.name,
                limit=item.limit,
                resets_at=item.window.end,
            )


def too_often(caller: Caller, answer: Any) -> RateLimitError:
    """From what the script RESERVE answers of a token's own limits."""
    what, before, now, elapsed = cast("tuple[str, int, int, int]", tuple(answer[1:5]))
    limit = caller.requests_per_minute if what == "requests" else caller.tokens_per_minute
    return too_many(what, limit or 0, int(before), int(now), int(elapsed))


def exceeded(item: Item, spent: int, held: int, worst: int, *, alone: bool) -> BudgetExceeded:
    """Amounts in units. `alone`: there would be no room if nothing were held either."""
    budget = item.budget
    return BudgetExceeded(
        f"The budget {budget.name!r} has no room for this call: {_written(spent)} spent and {_written(held)} held of "
        f"{amounts.dollars(item.limit)}, and this call may cost {_written(worst)}. {_room_comes(item)}",
        name=budget.name,
        limit=item.limit,
        resets_at=item.window.end,
        spent=dollars(spent),
        held=dollars(held),
        retry_after=None if alone else 1,
    )


def _written(units: int) -> str:
    return amounts.dollars(dollars(units))


def _room_comes(item: Item) -> str:
    days, moment = item.budget.rolling_days, rfc3339(item.window.end)
    if days is None:
        return f"It starts anew at {moment}."
    return f"It looks back over {days} days, and forgets their first hour at {moment}."
