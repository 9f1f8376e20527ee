"""What the routes of budgets take and give."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictInt

from guardian.api.answers.envelope import Body, Line, Money, Out, Time
from guardian.api.answers.lists import ListQuery
from guardian.models.enums import BudgetKind, BudgetPeriod
from guardian.services.guard.budgets import BudgetView, NewBudget, Scope, WhatIf
from guardian.services.guard.budgets.scopes import ScopeType


def _with_offset(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class ScopeBody(Body):
    """What it limits. `value`: none for organization; a team's name; the id of a user, key or token (none: the tokens
    that name the budget); a provider, such as OPENAI; a model's name or pattern; a tag as name=value.
    """

    type: ScopeType
    value: Line | None = None


class BudgetMetadata(Body):
    """`whenRedisIsAway`: let calls pass (open) or refuse them (closed) while it cannot be known what is spent; closed
    for hard budgets and open for soft ones unless said. `unpricedModels`: calls of a model without a price.
    """

    when_redis_is_away: Literal["open", "closed"] | None = None
    unpriced_models: Literal["refuse", "allow"] | None = None


class BudgetChange(Body):
    """What is left out stays. `limit` in dollars, `thresholds` in percent of it. `rollingDays` (1 to 366) makes it look
    back over so many days; a `period` without them makes it one of the calendar again.
    """

    model_config = _example(limit="750", thresholds=[50, 90, 100])

    name: Line | None = None
    scope: ScopeBody | None = None
    limit: Decimal | None = None
    period: BudgetPeriod | None = None
    rolling_days: StrictInt | None = None
    kind: BudgetKind | None = None
    thresholds: list[StrictInt] | None = Field(default=None, max_length=10)
    is_active: bool | None = None
    metadata: BudgetMetadata | None = None

    def wanted(self) -> NewBudget:
        more = self.metadata or BudgetMetadata()
        return NewBudget(
            name=self.name,
            scope=_scope(self.scope),
            limit=self.limit,
            period=self.period,
            rolling_days=self.rolling_days,
            kind=self.kind,
            thresholds=self.thresholds,
            is_active=self.is_active,
            when_redis_is_away=more.when_redis_is_away,
            unpriced_models=more.unpriced_models,
        )


class NewBudgetBody(BudgetChange):
    """Monthly, soft, for the whole organization and with thresholds at 50, 80 and 100 % unless said otherwise."""

    model_config = _example(name="Web", limit="500", scope={"type": "team", "value": "web"}, kind="HARD")

    name: Line  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]  # the same field, needed here
    limit: Decimal  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]  # as above


class RaiseBody(Body):
    """The limit that stands until then, and why. A time without an offset is UTC."""

    model_config = _example(limit="900", until="2026-12-01T00:00:00Z", reason="Launch of the assistant")

    limit: Decimal
    until: Annotated[datetime, AfterValidator(_with_offset)]
    reason: Line


class PreviewBody(Body):
    """A budget that is thought of, or a change of the one with `budgetId`. `periods`: how many of those that are over
    to look at; unless said, the last one (30 days, 4 weeks). A rolling budget is looked at over 30 days.
    """

    model_config = _example(limit="500", scope={"type": "provider", "value": "ANTHROPIC"}, periods=3)

    budget_id: Line | None = None
    scope: ScopeBody | None = None
    limit: Decimal | None = None
    period: BudgetPeriod | None = None
    rolling_days: StrictInt | None = None
    thresholds: list[StrictInt] | None = Field(default=None, max_length=10)
    periods: StrictInt | None = None

    def wanted(self) -> NewBudget:
        return NewBudget(
            scope=_scope(self.scope),
            limit=self.limit,
            period=self.period,
            rolling_days=self.rolling_days,
            thresholds=self.thresholds,
        )


class ScopeOut(Out):
    type: ScopeType
    value: str | None


class RaisedOut(Out):
    """`by` is null where the person is gone."""

    limit: Money
    until: Time
    reason: str
    by: str | None


class BudgetQuery(ListQuery):
    """Budgets of one kind or period, or those that are on."""

    sort: Literal["name", "-name", "limit", "-limit", "spent", "-spent", "left", "-left"] | None = None
    kind: BudgetKind | None = None
    period: BudgetPeriod | None = None
    is_active: bool | None = None


class BudgetOut(Out):
    """`spent` in the current period (of a rolling budget, in its days up to this hour); `unpricedCalls` are not in it.
    `held` is reserved by calls under way, null while Redis does not answer, and `left` then, too; below zero `left` is
    what was spent beyond the limit. `effectiveLimit` is the limit, or what it is `raised` to. `forecast` is for the
    whole period (of a rolling budget for as many days from tomorrow on), 80 % of outcomes lie within its bounds; null
    where nothing was spent before today.
    """

    id: str
    name: str
    scope: ScopeOut
    limit: Money
    period: BudgetPeriod
    rolling_days: int | None
    kind: BudgetKind
    thresholds: list[int]
    is_active: bool
    effective_limit: Money
    raised: RaisedOut | None
    spent: Money
    unpriced_calls: int
    held: Money | None
    left: Money | None
    forecast: Money | None
    forecast_low: Money | None
    forecast_high: Money | None
    starts_at: Time
    resets_at: Time
    created_at: Time
    metadata: dict[str, str]

    @classmethod
    def of(cls, view: BudgetView) -> "BudgetOut":
        told = {"whenRedisIsAway": view.when_redis_is_away, "unpricedModels": view.unpriced_models}
        fields = {name: getattr(view, name) for name in cls.model_fields if name != "metadata"}
        return cls.model_validate({**fields, "metadata": told})


class CrossingOut(Out):
    """`day` is the first by whose end so much was spent."""

    threshold: int
    amount: Money
    day: date


class PastPeriodOut(Out):
    first: date
    last: date
    spent: Money
    crossings: list[CrossingOut]


class PastDayOut(Out):
    """`cumulative` from the period's begin on, or of the rolling days that end with it."""

    day: date
    spent: Money
    cumulative: Money


class PreviewOut(Out):
    """`over`: how many of the periods would have reached the limit."""

    limit: Money
    over: int
    periods: list[PastPeriodOut]
    days: list[PastDayOut]

    @classmethod
    def of(cls, found: WhatIf) -> "PreviewOut":
        return cls.model_validate(found)


def _scope(body: ScopeBody | None) -> Scope | None:
    return Scope(body.type, body.value) if body else None
