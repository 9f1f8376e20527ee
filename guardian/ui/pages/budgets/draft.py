"""The budget that the open form is about, as far as it has been told; and what is asked for when it is sent."""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from guardian.errors import ValidationError
from guardian.models.enums import BudgetKind, BudgetPeriod
from guardian.periods import DAY, local_midnight
from guardian.services.guard.budgets import DEFAULT_THRESHOLDS, SCOPES, BudgetView, NewBudget, Scope
from guardian.services.guard.budgets.scopes import ScopeType
from guardian.ui.pages.budgets.words import ROLLING

_NICE = (Decimal(1), Decimal("1.2"), Decimal("1.5"), Decimal(2), Decimal("2.5"), Decimal(3), Decimal(4), Decimal(5))
_NICE_TOP = (Decimal(6), Decimal(8), Decimal(10))
_ROOM = Decimal("1.1")  # over what was spent, so that an ordinary month fits
_NOTHING_SPENT = Decimal(100)


@dataclass(frozen=True)
class Draft:
    """Text as fields have it. `id` is empty for a new budget."""

    id: str = ""
    name: str = ""
    scope: ScopeType = "organization"
    of: str = ""
    amount: str = ""
    period: str = BudgetPeriod.MONTHLY.value
    days: str = "30"
    kind: str = BudgetKind.SOFT.value
    thresholds: str = ", ".join(map(str, DEFAULT_THRESHOLDS))

    @property
    def span(self) -> BudgetPeriod:
        return BudgetPeriod.MONTHLY if self.period == ROLLING else BudgetPeriod(self.period)

    @property
    def rolling_days(self) -> int | None:
        if self.period != ROLLING:
            return None
        return int(self.days) if self.days.isdecimal() and len(self.days) < 4 else 0

    @property
    def wanted_scope(self) -> Scope:
        return Scope(self.scope, None if self.scope == "organization" else self.of or None)


NEW = Draft()


def draft_of(view: BudgetView) -> Draft:
    """The form of a budget that there is."""
    return Draft(
        id=view.id,
        name=view.name,
        scope=view.scope.type,
        of=view.scope.value or "",
        amount=amount_text(view.limit),
        period=ROLLING if view.rolling_days is not None else view.period.value,
        days=str(view.rolling_days or 30),
        kind=view.kind.value,
        thresholds=", ".join(str(each) for each in view.thresholds),
    )


def told(draft: Draft, form: dict[str, Any]) -> Draft:
    """The draft with what a form says; fields that it does not have stay."""
    known = {name: str(form[name]).strip()[:200] for name in _FIELDS if form.get(name) is not None}
    found = replace(draft, **known)
    if found.scope not in SCOPES or (found.period != ROLLING and found.period not in list(BudgetPeriod)):
        raise ValidationError("Choose what the budget limits, and for how long.")
    if found.kind not in list(BudgetKind):
        raise ValidationError("Choose whether the budget is soft or hard.")
    return found


_FIELDS = ("name", "scope", "of", "amount", "period", "days", "kind", "thresholds")


def new_budget(draft: Draft, name: str) -> NewBudget:
    """What is asked for. Raises ValidationError for what is no amount or no list of percentages."""
    return NewBudget(
        name=name,
        scope=draft.wanted_scope,
        limit=amount_of(draft.amount),
        period=draft.span,
        rolling_days=draft.rolling_days,
        kind=BudgetKind(draft.kind),
        thresholds=percentages_of(draft.thresholds),
    )


def amount_of(text: str) -> Decimal:
    """Dollars as people type them: 1,250, $80, 0.5. Raises ValidationError."""
    try:
        found = Decimal(re.sub(r"[\s,$_]", "", text))
    except InvalidOperation:
        raise ValidationError("Give an amount in dollars, such as 250.") from None
    if not found.is_finite():
        raise ValidationError("Give an amount in dollars, such as 250.")
    return found


def percentages_of(text: str) -> list[int]:
    """Whole percentages with commas between them. Raises ValidationError."""
    parts = [part.strip().removesuffix("%").strip() for part in text.split(",") if part.strip()]
    if any(not part.isdecimal() or len(part) > 4 for part in parts):
        raise ValidationError("Give thresholds as whole percentages with commas between them, such as 50, 80, 100.")
    return [int(part) for part in parts]


def end_of(text: str, tz: ZoneInfo) -> datetime:
    """The end of a local day that a date field tells. Raises ValidationError."""
    try:
        return local_midnight(date.fromisoformat(text) + DAY, tz)
    except (ValueError, OverflowError):
        raise ValidationError("Choose the last day of the raise.") from None


def suggested(spent: Decimal) -> Decimal:
    """A round limit that what was spent fits into with some room; $100 where nothing was."""
    if spent <= 0:
        return _NOTHING_SPENT
    wanted = spent * _ROOM
    size = Decimal(1).scaleb(wanted.adjusted())
    return next(each * size for each in (*_NICE, *_NICE_TOP) if each * size >= wanted)


def amount_text(amount: Decimal) -> str:
    """An amount for a field, without the zeros at its end."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
