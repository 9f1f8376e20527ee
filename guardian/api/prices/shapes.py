"""prices: what a client may ask for, and the shapes that it gets."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints

from guardian.api.answers.envelope import Body, Line, Money, Out, Time
from guardian.api.answers.lists import ListQuery
from guardian.api.requests.moments import end_of, start_of
from guardian.models.enums import Provider
from guardian.services.ledger.pricebook import NewPrice

UTC = ZoneInfo("UTC")  # providers bill by UTC days
Unit = Annotated[str, StringConstraints(max_length=60)]
Pattern = Annotated[str, StringConstraints(max_length=400)]
Note = Annotated[str, StringConstraints(max_length=2_000)]


class PriceQuery(Body):
    """`at` is an instant, or a UTC day; now without it."""

    model: Pattern = Field(min_length=1)
    provider: Provider | None = None
    at: Line | None = None

    def moment(self) -> datetime | None:
        return start_of(self.at, "at", UTC)


class AgreedPrice(Body):
    """Either `percentOfList` (100 is the list price) or `prices`, in dollars per MILLION units by unit name.

    Units are named as in a bill: input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, …; what is not
    named keeps its list price. `validFrom` (now without it) and `validTo` are instants, or UTC days, of which `validTo`
    is the last one within. A price 20 times off the list is refused with 409 unless `confirm` is true.
    """

    percent_of_list: Decimal | None = None
    prices: dict[Unit, Decimal] = Field(default_factory=dict[str, Decimal], max_length=40)
    valid_from: Line | None = None
    valid_to: Line | None = None
    note: Note | None = None
    confirm: bool = False

    def to_price(self, provider: Provider, model_pattern: str) -> NewPrice:
        return NewPrice(
            provider=provider,
            model_pattern=model_pattern,
            percent_of_list=self.percent_of_list,
            prices=self.prices,
            valid_from=start_of(self.valid_from, "validFrom", UTC),
            valid_to=end_of(self.valid_to, "validTo", UTC),
            note=self.note,
        )


class NewOverride(AgreedPrice):
    """`modelPattern` is a model's name as the provider reports it, or a glob: gpt-5*."""

    provider: Provider
    model_pattern: Pattern


class OverrideChange(AgreedPrice):
    """A price that follows this one from `validFrom` on; or, with `validTo` alone, when this one ends."""


class UnpricedFix(Body):
    """`like` names the model whose list prices are copied; `prices` are dollars per MILLION units."""

    provider: Provider
    model: Pattern = Field(min_length=1)
    like: Pattern | None = None
    prices: dict[Unit, Decimal] = Field(default_factory=dict[str, Decimal], max_length=40)
    confirm: bool = False


class UnitPriceOut(Out):
    """Dollars per million; holds in requests of more than `above` input tokens. `guess` says why it may be another."""

    unit: str
    per_million: Money
    above: int
    guess: str | None


class ExampleOut(Out):
    """What one call of that size costs, and by the list; null where no price is known."""

    model: str
    input_tokens: int
    output_tokens: int
    cost: Money | None
    list_cost: Money | None
    ratio: Money | None


class OverrideQuery(ListQuery):
    """Prices of one provider or state."""

    sort: Literal["modelPattern", "-modelPattern", "validFrom", "-validFrom", "createdAt", "-createdAt"] | None = None
    provider: Provider | None = None
    state: Literal["current", "planned", "ended"] | None = None


class OverrideOut(Out):
    """An agreed price. `validFrom` is within, `validTo` is not."""

    id: str
    provider: Provider
    model_pattern: str
    percent_of_list: Money | None
    prices: dict[str, Money]
    valid_from: Time
    valid_to: Time | None
    note: str | None
    state: Literal["current", "planned", "ended"]
    created_by: str | None
    created_at: Time
    example: ExampleOut | None


class DeletedOut(Out):
    """`deleted` is false for a price that has priced usage: it is ended now instead, and given."""

    deleted: bool
    override: OverrideOut | None


class PriceOut(Out):
    """`listed` is empty where the list does not know the model; `agreed` where no agreed price changes the list's."""

    provider: Provider
    model: str
    at: Time
    source: str | None
    version: str | None
    ref: str | None
    listed: list[UnitPriceOut]
    override: OverrideOut | None
    agreed: list[UnitPriceOut]
    example: ExampleOut | None


class SuggestionOut(Out):
    """`cost` is a guess: all of the tokens at that model's list price. `why` is what makes that model the nearest."""

    provider: Provider
    model: str
    cost: Money | None
    why: str
    guess: Literal[True] = True


class UnpricedOut(Out):
    """Usage without a price. `requests` is null where no report counts them."""

    provider: Provider
    model: str
    reason: str
    rows: int
    tokens: int
    requests: int | None
    first_seen: Time
    last_seen: Time
    suggestions: list[SuggestionOut]
