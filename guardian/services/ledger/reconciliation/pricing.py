"""Our prices as reconciliation needs them: of one kind alone, in every tier; and amounts split by kind with them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from types import MappingProxyType

from guardian.models.enums import CostSource, Provider
from guardian.periods import HOUR, next_month
from guardian.pricing.calculator import price
from guardian.pricing.overrides import Override
from guardian.records import UsageCounts, UsageRecord
from guardian.services.ledger.reconciliation.books import ZERO, Cell, Spot
from guardian.services.ledger.reconciliation.kinds import TOKEN_KINDS

_MILLION = 10**6
_DIGIT = Decimal("1e-10")  # the ledger keeps ten decimals of each row's cost
_LONG = 10**7  # more input tokens than any length at which prices change
# What reports call the same thing.
_SAME_KIND: Mapping[str, str] = {"cache_write_tokens": "cache_write_30m_tokens"}
# Tiers, regions and speeds that a bill may have been made for, and what tells them to the calculator.
_CONTEXTS: tuple[tuple[str, str | None, Mapping[str, str]], ...] = (
    ("standard", None, {}),
    ("batch", "batch", {}),
    ("flex", "flex", {}),
    ("priority", "priority", {}),
    ("US inference", None, {"inference_geo": "us"}),
    ("fast mode", None, {"speed": "fast"}),
)


def _one_of(kind: str) -> UsageCounts:
    """A million tokens of that kind and nothing else."""
    total = "output_tokens" if kind.endswith("output_tokens") else "input_tokens"
    share = {} if kind in ("output_tokens", "uncached_input_tokens") else {kind: _MILLION}
    return replace(UsageCounts(), **{total: _MILLION, **share})


_ONE_OF: Mapping[str, UsageCounts] = MappingProxyType({kind: _one_of(kind) for kind in TOKEN_KINDS})


class Prices:
    """Dollars for one token of a kind, at a day, by the catalog and the organization's overrides; remembered."""

    def __init__(self, overrides: Mapping[Provider, tuple[Override, ...]]) -> None:
        self._overrides = overrides
        self.of = cache(self._of)
        self.alternatives = cache(self._alternatives)
        self.agreed_within = cache(self._agreed_within)

    def split(self, spot: Spot, cell: Cell, key_id: str | None = None) -> bool:
        """Tell the cell's cost by kind, when today's prices make exactly that cost of its tokens.

        `key_id` is the vault's key of all its calls, where that is known: a CUSTOM key may have prices of its own.
        Prices of the first of the month are tried first: they are looked up once for all its days, and those of the
        day itself only in a month in which some price changes.
        """
        if not cell.quantities or spot.model is None:
            return False
        first = spot.day.replace(day=1)
        for day in dict.fromkeys((first, spot.day)):
            if day != first and not self._changes(spot, cell, first, key_id):
                return False
            amounts: dict[str, Decimal] = {}
            for kind, quantity in cell.quantities.items():
                unit_price = self.of(spot.provider, spot.model, spot.tier, kind, day, key_id)
                if unit_price is None:
                    return False
                amounts[kind] = (quantity * unit_price).quantize(_DIGIT)
            if settle(cell, amounts):
                return True
        return False

    def _changes(self, spot: Spot, cell: Cell, first: date, key_id: str | None) -> bool:
        """Whether prices of the cell's kinds may be others within that month: the list's do not change and go back."""
        following = next_month(datetime.combine(first, time.min, UTC)).date()
        if self.agreed_within(spot.provider, first, following):
            return True
        months = [
            [self.of(spot.provider, spot.model or "", spot.tier, kind, day, key_id) for kind in cell.quantities]
            for day in (first, following)
        ]
        return months[0] != months[1]

    def _agreed_within(self, provider: Provider, first: date, following: date) -> bool:
        """Whether an agreed price begins or ends within these days."""
        return any(
            edge is not None and first <= edge.astimezone(UTC).date() <= following
            for each in self._overrides.get(provider, ())
            for edge in (each.valid_from, each.valid_to)
        )

    def _of(
        self, provider: Provider, model: str, tier: str | None, kind: str, day: date, key_id: str | None
    ) -> Decimal | None:
        return self._unit_price(provider, model, kind, day, tier, {}, long=False, key_id=key_id)

    def _alternatives(self, provider: Provider, model: str, kind: str, day: date) -> Mapping[str, Decimal]:
        """Prices by the names of the tiers that are known to have one of their own, and the standard price."""
        kind = _SAME_KIND.get(kind, kind)
        found: dict[str, Decimal | None] = {
            name: self._unit_price(provider, model, kind, day, tier, dimensions, long=False, sure=True)
            for name, tier, dimensions in _CONTEXTS
        }
        found["long context"] = self._unit_price(provider, model, kind, day, None, {}, long=True, sure=True)
        standard = found["standard"]
        return {
            name: amount
            for name, amount in found.items()
            if amount is not None and (name == "standard" or amount != standard)
        }

    def _unit_price(
        self,
        provider: Provider,
        model: str,
        kind: str,
        day: date,
        tier: str | None,
        dimensions: Mapping[str, str],
        *,
        long: bool,
        sure: bool = False,
        key_id: str | None = None,
    ) -> Decimal | None:
        """None where there is no price, and with `sure` where it may not be the real one."""
        if kind not in _ONE_OF:
            return None
        start = datetime.combine(day, time.min, UTC)
        counts = _ONE_OF[kind]
        record = UsageRecord(
            provider=provider,
            operation="completion",
            model=model,
            start=start,
            # A span of that many requests has short ones; one call alone is as long as its input.
            end=start if long else start + HOUR,
            counts=replace(counts, input_tokens=counts.input_tokens + _LONG) if long else counts,
            requests=1 if long else _MILLION,
            service_tier=tier,
            dimensions=dimensions,
        )
        found = price(record, self._overrides.get(provider, ()), key_id=key_id)
        if found.amount is None or (sure and found.source is not CostSource.COMPUTED):
            return None
        lines = [line for line in found.lines if line.unit == kind]
        return lines[0].unit_price * lines[0].multiplier if lines else None


def settle(cell: Cell, amounts: dict[str, Decimal]) -> bool:
    """Take these amounts if they are the cell's cost, up to the digits that its rows were rounded to.

    What is left of the rounding goes to the greatest amount, so that the parts add up to the cost.
    """
    rest = cell.cost - sum(amounts.values(), ZERO)
    if abs(rest) > _DIGIT * (cell.rows + len(amounts)):
        return False
    if rest:
        greatest = max(amounts, key=lambda kind: amounts[kind])
        amounts[greatest] += rest
    cell.amounts = {kind: amount for kind, amount in amounts.items() if amount}
    return True
