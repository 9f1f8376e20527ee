"""Reads the fields of an answer's usage, repairs by a stated rule what can be repaired, and notes each repair.

The rules, for every vendor:
- null and absent are the same. A share that is absent is 0: older answers lack the newer fields.
- A whole number in another writing (12.0, 1.2e3) is that number. A number that comes as text is read, with a doubt.
- A share below zero counts as 0, with a doubt. A total below zero, a fraction of a token, NaN, infinity, more than
  10¹⁴, and what is no number at all are refused with the field's name.
- A cost that cannot be (negative, not finite, a billion dollars, text that is no number) is left out, with a doubt.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from guardian.errors import ProviderContractBroken

_BIGGEST_COUNT = 10**14  # what is added up of such numbers is still within MOST_TOKENS
_BIGGEST_COST = Decimal(10**9)  # as in a cost report: beyond it a unit was mistaken


class Fields:
    """One JSON object of an answer; `where` names it to a person. Children note their repairs in the same `doubts`.

    Every reader raises ProviderContractBroken for a value that no rule repairs.
    """

    __slots__ = ("doubts", "path", "raw", "where")

    def __init__(self, raw: object, where: str, doubts: list[str] | None = None, path: str = "") -> None:
        self.where, self.path = where, path
        self.doubts: list[str] = [] if doubts is None else doubts
        if type(raw) is not dict and not isinstance(raw, Mapping):  # the first is ten times faster
            raise ProviderContractBroken(f"{where} has a field {path or '(all of it)'} that is not an object.")
        self.raw = cast("Mapping[str, Any]", raw)

    def __bool__(self) -> bool:
        """Whether anything at all is stated here."""
        for value in self.raw.values():  # noqa: SIM110  # every answer asks, and a generator takes four times as long
            if value is not None:
                return True
        return False

    @property
    def is_zero(self) -> bool:
        """Whether nothing stands here but zeros: then each share is 0, and nothing is in doubt."""
        for value in self.raw.values():  # noqa: SIM110  # as above
            if value is not None and (type(value) is not int or value):
                return False
        return True

    def has(self, name: str) -> bool:
        return self.raw.get(name) is not None

    def refuse(self, name: str, should: str) -> ProviderContractBroken:
        return ProviderContractBroken(f"{self.where} has a field {self._name(name)} that is not {should}.")

    def missing(self, name: str) -> ProviderContractBroken:
        return ProviderContractBroken(
            f"{self.where} lacks the field {self._name(name)}, so its numbers cannot be trusted."
        )

    def doubt(self, text: str) -> None:
        if text not in self.doubts:
            self.doubts.append(text)

    def total(self, name: str) -> int | None:
        """A count that the vendor bills as it is: None where it is absent, refused where it is negative."""
        told = self.raw.get(name)
        if told is None or (type(told) is int and 0 <= told <= _BIGGEST_COUNT):
            return told
        number = self._whole(name)
        if number is not None and number < 0:
            raise self.refuse(name, "zero or more")
        return number

    def share(self, name: str) -> int:
        """A part of a total: 0 where it is absent or negative."""
        told = self.raw.get(name)
        if told is None:
            return 0
        if type(told) is int and 0 <= told <= _BIGGEST_COUNT:
            return told
        number = self._whole(name) or 0
        if number < 0:
            self.doubt(f"{self._name(name)} is negative and counts as 0")
        return max(number, 0)

    def quantity(self, name: str) -> Decimal | None:
        """A measure that may be a fraction (seconds); None where it is absent, refused where it is negative."""
        number = self._number(name)
        if number is not None and number < 0:
            raise self.refuse(name, "zero or more")
        return number

    def money(self, name: str) -> Decimal | None:
        """An amount in whatever unit the vendor uses, or None. Text is usual for money, and no doubt."""
        value = self.raw.get(name)
        if value is None:
            return None
        try:
            amount = None if isinstance(value, bool) else Decimal(value.strip() if isinstance(value, str) else value)
        except (InvalidOperation, TypeError, ValueError):
            amount = None
        if isinstance(value, float) or amount is None or not amount.is_finite() or amount < 0:
            self.doubt(f"{self._name(name)} is not an amount of money and is left out")
            return None
        return amount

    def text(self, name: str) -> str | None:
        """A text, or None where it is absent or empty. A number as a name is that number's text."""
        value = self.raw.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise self.refuse(name, "a text")
        # PostgreSQL stores neither NUL nor half a surrogate pair; JSON may carry both.
        if value.isascii() and "\x00" not in value:
            return value
        return value.replace("\x00", "").encode("utf-8", "replace").decode() or None

    def child(self, name: str) -> "Fields":
        """The object, or an empty one where it is absent."""
        value = self.raw.get(name)
        return Fields({} if value is None else value, self.where, self.doubts, self._name(name))

    def rows(self, name: str) -> list["Fields"]:
        """The objects of a list, or none where it is absent; what is no object in it is passed over."""
        value = self.raw.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.refuse(name, "a list")
        path = self._name(name)
        return [
            Fields(cast("object", item), self.where, self.doubts, path)
            for item in cast("list[object]", value)
            if type(item) is dict or isinstance(item, Mapping)
        ]

    def _name(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _whole(self, name: str) -> int | None:
        number = self._number(name)
        if number is None:
            return None
        if number.copy_abs() > _BIGGEST_COUNT or number != int(number):
            raise self.refuse(name, "a whole number of tokens")
        return int(number)

    def _number(self, name: str) -> Decimal | None:
        value = self.raw.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                number = Decimal(value.strip())
            except InvalidOperation:
                raise self.refuse(name, "a number") from None
            self.doubt(f"{self._name(name)} came as text and was read as a number")
        elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            number = Decimal(value)
        else:
            raise self.refuse(name, "a number")
        # copy_abs, because abs() rounds to the context and overflows on 1e1000000000.
        if not number.is_finite() or number.copy_abs() > _BIGGEST_COUNT:
            raise self.refuse(name, "a finite number")
        return number


def in_dollars(fields: Fields, amount: Decimal | None) -> Decimal | None:
    """A stated cost after its unit was turned into dollars; left out, with a doubt, from a billion on."""
    if amount is not None and amount >= _BIGGEST_COST:
        fields.doubt("the stated cost is beyond belief and is left out")
        return None
    return amount
