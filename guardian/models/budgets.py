"""Budget: a limit of ours on spend, per organization and scope."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Field

from guardian.models.base import Row, enum_field, flag_field, json_field, json_list_field, money_field, time_field
from guardian.models.enums import BudgetKind, BudgetPeriod


class Budget(Row, table=True):
    """`scope` names what it limits (organization, team, user, provider, key, model, tag, token) and which; HARD stops
    calls. With `rolling_days` it looks back over so many days instead of a calendar `period`. Until `raised_until` its
    limit is `raised_limit`.
    """

    __tablename__ = "budgets"

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE", index=True)
    name: str
    scope: dict[str, Any] | None = json_field()
    limit: Decimal = money_field()
    period: BudgetPeriod = enum_field(BudgetPeriod, "budget_period", BudgetPeriod.MONTHLY)
    kind: BudgetKind = enum_field(BudgetKind, "budget_kind", BudgetKind.SOFT)
    rolling_days: int | None = None
    raised_limit: Decimal | None = money_field(nullable=True)
    raised_until: datetime | None = time_field(nullable=True)
    raise_reason: str | None = None
    raised_by_id: str | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    thresholds: list[Any] | None = json_list_field()
    is_active: bool = flag_field(True)
    meta: dict[str, Any] | None = json_field("metadata")
