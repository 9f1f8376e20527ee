"""Prices that a customer agreed with a provider, as plain dated values: which of them holds for a record."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from types import MappingProxyType

from guardian.errors import ValidationError
from guardian.models.enums import Provider

# What a bill says its prices are from: agreed by the organization, or a CUSTOM key's own.
OVERRIDE_SOURCE, KEY_SOURCE = "override", "key"
_NO_PRICES: Mapping[str, Decimal] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Override:
    """Either `percent_of_list` (100 is the list price) or `prices` in dollars per million units, by unit name.

    With `key_id` it is no agreement but the list of one CUSTOM key: its own prices, and `catalog`, the catalog's
    provider whose list holds for the rest.

    `model_pattern` is a glob (*, ?, [seq]) on the model's name as the provider reports it, whatever its case.
    `valid_from` is inclusive, `valid_to` exclusive, both UTC. Absolute prices are final: no tier, batch or region
    changes them; units that they do not name keep the list price. Unit names are those of records.UsageCounts, with
    `cache_write_tokens` for every kind of cache write. Two overrides are equal only when they are the same object.
    Raises ValidationError when neither or both are given, or a number is negative.
    """

    id: str
    provider: Provider
    model_pattern: str
    valid_from: datetime
    valid_to: datetime | None = None
    percent_of_list: Decimal | None = None
    prices: Mapping[str, Decimal] = field(default_factory=lambda: _NO_PRICES)
    key_id: str | None = None
    catalog: str | None = None

    def __post_init__(self) -> None:
        if self.key_id is None and (self.percent_of_list is None) == (not self.prices):
            raise ValidationError("A price override needs either a percentage of the list price or prices of its own.")
        numbers = [*self.prices.values(), *([] if self.percent_of_list is None else [self.percent_of_list])]
        if any(not number.is_finite() or number < 0 for number in numbers):
            raise ValidationError("A price override's numbers must be zero or more.")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValidationError("A price override must end after it starts.")

    def holds(self, provider: Provider, model: str, moment: datetime) -> bool:
        return (
            self.provider == provider
            and self.valid_from <= moment
            and (self.valid_to is None or moment < self.valid_to)
            and matches(self.model_pattern, model)
        )

    @property
    def specificity(self) -> tuple[bool, int]:
        """A whole name beats a pattern; among patterns the one with more literal characters wins."""
        wild = sum(self.model_pattern.count(c) for c in "*?[")
        return wild == 0, len(self.model_pattern) - wild


# A batch asks the same few names of the same few patterns for every row: twice the rows per second with 3 overrides.
@lru_cache(maxsize=4096)
def matches(pattern: str, model: str) -> bool:
    """Whether a model's name fits a glob, whatever their case."""
    return fnmatchcase(model.lower(), pattern.lower())


def literal(model: str) -> str:
    """The pattern that means this one name, also where the name has a character of a glob in it."""
    return re.sub(r"([*?[])", r"[\1]", model)


def choose(
    overrides: Iterable[Override], provider: Provider, model: str, moment: datetime, key_id: str | None = None
) -> Override | None:
    """The override that holds: the most specific pattern, then the latest start, then the greatest id.

    Among what was agreed; with `key_id` among that key's own prices.
    """
    return max(
        (o for o in overrides if o.key_id == key_id and o.holds(provider, model, moment)),
        key=lambda o: (o.specificity, o.valid_from, o.id),
        default=None,
    )
