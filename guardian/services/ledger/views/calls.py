"""What the last calls are found by, and what is told of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from guardian.services.ledger.views.usage import UsageView

# By which of the names of USAGE_FILTERS calls are found.
CALL_FILTERS: tuple[str, ...] = ("provider", "model", "user", "tag")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Calls that pass all of it. `filters` holds allowed values by name of CALL_FILTERS, `tokens` ids of access tokens.

    `failed` None means either way. A call below `least_cost` dollars, or without a known cost, does not pass it. `text`
    is looked for, in any case of letters, in model, error, session, end user and the ids of call and answer.
    """

    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    tokens: tuple[str, ...] = ()
    failed: bool | None = None
    least_cost: Decimal | None = None
    text: str = ""

    @property
    def is_empty(self) -> bool:
        return self == CallFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentCalls:
    """The last calls, newest first; `days` and `searched` say how far back they were looked for."""

    calls: tuple[UsageView, ...]
    days: int
    searched: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallChoices:
    """What occurs among the last calls: models by name, people and access tokens by id with their names."""

    models: tuple[str, ...]
    people: Mapping[str, str]
    tokens: Mapping[str, str]
