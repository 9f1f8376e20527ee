"""Reads a provider's JSON field by field, and says which field of which report is missing or wrong."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from guardian.errors import ProviderContractBroken

_BIGGEST_COUNT = 2**63 - 1  # the database's bigint
# In one line of one day: beyond it a unit was mistaken, and soon the database's NUMERIC(20,10) ends.
_BIGGEST_AMOUNT = Decimal(10**9)


class Row:
    """One JSON object of a provider's answer. `where` names it to a person: "OpenAI's completions report".

    Readers without `maybe` in their name raise ProviderContractBroken for a field that is absent or null; all raise it
    for a value of another type. Fields that nobody reads are ignored.
    """

    def __init__(self, raw: object, where: str, prefix: str = "") -> None:
        if not isinstance(raw, dict):
            raise ProviderContractBroken(
                f"{where} has something else where the object {prefix.rstrip('.') or 'of a row'} should be."
            )
        self.raw = cast("Mapping[str, Any]", raw)
        self.where = where
        self._prefix = prefix

    def _required(self, name: str) -> Any:
        value = self.raw.get(name)
        if value is None:
            raise ProviderContractBroken(
                f"{self.where} lacks the field {self._prefix}{name}, so its numbers cannot be trusted."
            )
        return value

    def wrong(self, name: str, should: str) -> ProviderContractBroken:
        return ProviderContractBroken(f"{self.where} has a field {self._prefix}{name} that is not {should}.")

    def count(self, name: str) -> int:
        """A whole number from 0 to 2⁶³-1."""
        value = self._required(name)
        if isinstance(value, Decimal) and value.is_finite() and 0 <= value <= _BIGGEST_COUNT and value == int(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _BIGGEST_COUNT:
            raise self.wrong(name, "a whole number of zero or more")
        return value

    def maybe_count(self, name: str) -> int | None:
        return None if self.raw.get(name) is None else self.count(name)

    def count_or_zero(self, name: str) -> int:
        """For fields that the provider introduced later: older rows have null, and had nothing to count."""
        return self.maybe_count(name) or 0

    def number(self, name: str) -> Decimal:
        """A finite number, or a string that is one."""
        value = self._required(name)
        if isinstance(value, str):
            try:
                value = Decimal(value.strip())
            except InvalidOperation:
                raise self.wrong(name, "a number") from None
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise self.wrong(name, "a number")
        number = Decimal(value)
        # copy_abs, because abs() rounds to the context and overflows on 1e1000000000.
        if not number.is_finite() or number.copy_abs() > _BIGGEST_COUNT:
            raise self.wrong(name, "a finite number")
        return number

    def quantity(self, name: str) -> Decimal:
        """A number of zero or more."""
        number = self.number(name)
        if number < 0:
            raise self.wrong(name, "a number of zero or more")
        return number

    def maybe_number(self, name: str) -> Decimal | None:
        return None if self.raw.get(name) is None else self.number(name)

    def money(self, name: str) -> Decimal:
        """An amount, which may be negative (a credit); refused from a billion on."""
        amount = self.number(name)
        if amount.copy_abs() >= _BIGGEST_AMOUNT:
            raise self.wrong(name, "a believable amount of money")
        return amount

    def text(self, name: str) -> str:
        value = self._required(name)
        if not isinstance(value, str):
            raise self.wrong(name, "a text")
        # PostgreSQL stores neither NUL nor half a surrogate pair; JSON may carry both.
        return value.replace("\x00", "").encode("utf-8", "replace").decode()

    def maybe_text(self, name: str) -> str | None:
        """A text, or None for null, absent, and empty."""
        return None if self.raw.get(name) is None else self.text(name) or None

    def flag(self, name: str) -> bool:
        value = self._required(name)
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def maybe_flag(self, name: str) -> bool | None:
        return None if self.raw.get(name) is None else self.flag(name)

    def moment(self, name: str) -> datetime:
        """Unix seconds, or RFC 3339 with an offset; in UTC."""
        value = self._required(name)
        try:
            if isinstance(value, str):
                found = datetime.fromisoformat(value)
                if found.tzinfo is not None:
                    return found.astimezone(UTC)
            elif isinstance(value, int) and not isinstance(value, bool):
                return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError):
            pass
        raise self.wrong(name, "a time")

    def child(self, name: str) -> "Row":
        return Row(self._required(name), self.where, f"{self._prefix}{name}.")

    def maybe_child(self, name: str) -> "Row":
        """The object, or an empty one for null and absent."""
        return Row(self.raw.get(name) or {}, self.where, f"{self._prefix}{name}.")

    def rows(self, name: str) -> list["Row"]:
        value = self._required(name)
        if not isinstance(value, list):
            raise self.wrong(name, "a list")
        return [Row(item, self.where) for item in cast("list[object]", value)]


def dollars_from_cents(amount: Decimal) -> Decimal:
    """Anthropic's cost reports are in cents, OpenAI's in dollars; shifting two places loses no digit."""
    return amount.scaleb(-2)
