"""What of a budget is asked for, and whether it can be: every field's rule, and the word for it when it is broken."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from guardian.errors import ValidationError
from guardian.models.enums import BudgetKind, BudgetPeriod
from guardian.services.guard.budgets.scopes import Scope

MAX_NAME = 100
# Redis counts in whole ten-billionths of a dollar, in 64 bits: $922,337,203.
MAX_LIMIT = Decimal(900_000_000)
MAX_THRESHOLDS, MAX_THRESHOLD = 10, 1_000
MAX_ROLLING_DAYS = 366
DEFAULT_THRESHOLDS = (50, 80, 100)
_TENTH_DIGIT = -10


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBudget:
    """A budget as it is asked for. In a change, None leaves what there is.

    A `period` is one of the calendar; `rolling_days` beside it or alone make the budget look back over so many days
    instead. `thresholds` are whole percentages of the limit at which people are told; a new budget that says nothing
    has 50, 80 and 100. `when_redis_is_away` is open or closed (None: closed for a hard budget, open for a soft one),
    `unpriced_models` refuse (the default) or allow.
    """

    name: str | None = None
    scope: Scope | None = None
    limit: Decimal | None = None
    period: BudgetPeriod | None = None
    rolling_days: int | None = None
    kind: BudgetKind | None = None
    thresholds: Sequence[int] | None = None
    is_active: bool | None = None
    when_redis_is_away: str | None = None
    unpriced_models: str | None = None

    def rolling_days_after(self, before: int | None) -> int | None:
        """The rolling days once this is applied to a budget that had so many. Raises ValidationError."""
        if self.rolling_days is not None:
            return checked_days(self.rolling_days)
        return before if self.period is None else None


def checked_name(given: str) -> str:
    name = " ".join(given.split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise wrong("name", f"Give the budget a name of 1 to {MAX_NAME} characters.")
    return name


def checked_limit(given: Decimal) -> Decimal:
    if not given.is_finite() or not 0 < given <= MAX_LIMIT:
        raise wrong("limit", f"Give a limit above $0, of at most ${MAX_LIMIT:,}.")
    exponent = given.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < _TENTH_DIGIT:
        raise wrong("limit", "A limit has at most ten decimal places.")
    return given


def checked_thresholds(given: Sequence[int]) -> list[int]:
    """In order, each once."""
    if len(given) > MAX_THRESHOLDS or any(not 0 < each <= MAX_THRESHOLD for each in given):
        raise wrong("thresholds", f"Give at most {MAX_THRESHOLDS} percentages of 1 to {MAX_THRESHOLD}.")
    return sorted(set(given))


def checked_days(given: int) -> int:
    if not 1 <= given <= MAX_ROLLING_DAYS:
        raise wrong("rollingDays", f"A budget looks back over 1 to {MAX_ROLLING_DAYS} days.")
    return given


def one_of(field: str, given: str, *allowed: str) -> str:
    if given not in allowed:
        raise wrong(field, f"Choose {' or '.join(allowed)}.")
    return given


def wrong(field: str, message: str) -> ValidationError:
    """The error for one wrong field; `message` is a whole sentence."""
    return ValidationError(message, details=[{"field": field, "message": message}])
