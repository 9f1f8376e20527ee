"""What is watched, and what is found of it: a rule of an organization, and a figure for each of its groups."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self

from guardian.models import Alert
from guardian.models.enums import AlertFrequency, AlertType
from guardian.periods import Window
from guardian.services.guard.alerts.rule import Rule, budget_id_of

EVERYTHING = ""
"""The one group of a rule that has no groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A rule of one alert. `budget_id` is the one budget that it speaks of; None for every budget."""

    alert_id: str
    name: str
    rule: Rule
    budget_id: str | None = None

    @classmethod
    def of(cls, alert: Alert, rule: Rule) -> Self:
        return cls(alert_id=alert.id, name=alert.name, rule=rule, budget_id=budget_id_of(alert))

    @property
    def metric(self) -> str:
        return self.rule.metric.name

    @property
    def is_of_budgets(self) -> bool:
        return self.rule.type is AlertType.BUDGET_EXCEEDED

    @property
    def meaning(self) -> str:
        """What it is about, without its numbers: what its groups are in says nothing once this is another."""
        rule = self.rule
        scope = f"{rule.scope.type}={rule.scope.value or ''}"
        return "|".join((rule.type, self.metric, rule.comparison, scope, rule.group_by or "", rule.window))

    @property
    def pause(self) -> timedelta:
        """The least time between two messages that a group fires."""
        return _PAUSES[self.rule.frequency]


# A check that comes a little earlier in its hour than the last one did is not put off for an hour.
_SLACK = timedelta(minutes=5)
_PAUSES: Mapping[AlertFrequency, timedelta] = {
    AlertFrequency.IMMEDIATE: timedelta(0),
    AlertFrequency.HOURLY: timedelta(hours=1) - _SLACK,
    AlertFrequency.DAILY: timedelta(days=1) - _SLACK,
    AlertFrequency.WEEKLY: timedelta(days=7) - _SLACK,
    AlertFrequency.MONTHLY: timedelta(days=30) - _SLACK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one group measured at one moment. `value` None means that there is no data, which is not zero.

    `calls` None means that nobody counts them. `at_least`: calls without a price are not in the value, which can only
    be higher. `threshold` is the group's own, where a rule has several (a budget's). A group whose `period` or `basis`
    is another than before starts anew. `name` is for people; `seen` names what was found, where the value is a count.
    """

    value: Decimal | None
    window: Window
    calls: int | None = None
    at_least: bool = False
    threshold: Decimal | None = None
    period: str = ""
    basis: str = ""
    name: str = ""
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a rule found at `moment`, by group. `absent` is what is so of a group that is not among them; None where
    such a group is no more.
    """

    moment: datetime
    groups: Mapping[str, Measurement] = field(default_factory=dict[str, Measurement])
    absent: Measurement | None = None
