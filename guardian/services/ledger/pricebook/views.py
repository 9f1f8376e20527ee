"""What the price book takes and gives: frozen values, money as Decimal in dollars."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from guardian.models.enums import Provider

State = Literal["current", "planned", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPrice:
    """Dollars for a million of one unit, in requests of more than `above` input tokens.

    `unit` is the name that a bill's line has. `guess` says why this may not be the real price.
    """

    unit: str
    per_million: Decimal
    above: int = 0
    guess: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What a call of 1,000 input and 500 output tokens of `model` costs, and what it costs by the list.

    Either is None where no price is known; `ratio` is agreed ÷ list.
    """

    model: str
    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    list_cost: Decimal | None

    @property
    def ratio(self) -> Decimal | None:
        if self.cost is None or not self.list_cost:
            return None
        return self.cost / self.list_cost


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideView:
    """An agreed price: percent of the list price, or prices of its own in dollars per million units, by unit name.

    `valid_from` is within, `valid_to` is not; open where None. `created_by` is a person's name or e-mail.
    """

    id: str
    provider: Provider
    model_pattern: str
    percent_of_list: Decimal | None
    prices: Mapping[str, Decimal]
    valid_from: datetime
    valid_to: datetime | None
    note: str | None
    state: State
    created_by: str | None
    created_at: datetime
    example: Example | None

    @property
    def facts(self) -> dict[str, object]:
        """What the audit log keeps of it."""
        return {
            "provider": self.provider,
            "modelPattern": self.model_pattern,
            "percentOfList": self.percent_of_list,
            "prices": dict(self.prices),
            "validFrom": self.valid_from,
            "validTo": self.valid_to,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceView:
    """What a model costs at a moment: by the list, and as this organization pays it.

    `version` is the price list's and `ref` its own name for the model; both None, and `listed` empty, where the list
    does not know it. `agreed` is what the organization pays where `override` changes the list price, else empty.
    """

    provider: Provider
    model: str
    at: datetime
    source: str | None
    version: str | None
    ref: str | None
    listed: tuple[UnitPrice, ...]
    override: OverrideView | None
    agreed: tuple[UnitPrice, ...]
    example: Example | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPrice:
    """A price to agree on. Exactly one of `percent_of_list` and `prices` (dollars per million units) is given.

    `valid_from` of None is now.
    """

    provider: Provider
    model_pattern: str
    percent_of_list: Decimal | None = None
    prices: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FarOff:
    """An agreed price that is twenty times the list price or more, or a twentieth or less; dollars per million."""

    model: str
    unit: str
    agreed: Decimal
    listed: Decimal

    @property
    def sentence(self) -> str:
        return (
            f"{self._amount(self.agreed)} per million {self.unit.replace('_', ' ')} of {self.model} is {self._factor} "
            f"the list price of {self._amount(self.listed)}. Prices are dollars per million. Confirm it if it is meant."
        )

    @property
    def factor(self) -> Decimal | None:
        """Agreed ÷ list; None where the list price is zero."""
        return self.agreed / self.listed if self.listed else None

    @property
    def _factor(self) -> str:
        if self.factor is None:
            return "far above"
        if not self.factor:
            return "nothing against"
        if self.factor > 1:
            return f"{self.factor:,.0f} times"
        return f"a {1 / self.factor:,.0f}th of"

    @staticmethod
    def _amount(amount: Decimal) -> str:
        return f"${amount.normalize():,f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a price that is not agreed yet would mean; `far_off` is None where it needs no second word."""

    example: Example | None
    far_off: FarOff | None
