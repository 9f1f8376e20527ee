"""How a row of the ledger keeps its bill: as a short text, where its price does not tell it; who reads it gets lines.

A line is `unit quantity unit_price`, then the multiplier where it is not 1, and the amount where it is not exactly the
product of the three; lines are joined by `;`. `i 600 15e-8;o 100 6e-7` is a bill of 600 input tokens at 0.00000015
dollars each and 100 output tokens: 22 bytes, of which the same as JSON takes 250. Frequent units have a letter or
two; any other has its name after `=`, percent-encoded.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import quote, unquote

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field

_CODES: Mapping[str, str] = {
    "uncached_input_tokens": "i",
    "output_tokens": "o",
    "cache_read_tokens": "r",
    "cache_write_5m_tokens": "w",
    "cache_write_30m_tokens": "w30",
    "cache_write_1h_tokens": "w1",
    "cache_write_12h_tokens": "w12",
    "reasoning_tokens": "t",
    "audio_input_tokens": "ai",
    "audio_output_tokens": "ao",
    "image_input_tokens": "ii",
    "image_output_tokens": "io",
    "video_input_tokens": "vi",
    "video_output_tokens": "vo",
    "cache_read_audio_tokens": "ra",
    "cache_read_image_tokens": "ri",
    "provider_cost": "c",
    "requests": "q",
    "web_search_requests": "s",
}
_UNITS: Mapping[str, str] = {code: unit for unit, code in _CODES.items()}
# No product of a bill has so many digits: neither the writer's nor the reader's is rounded.
_EXACT = Context(prec=400)
_ONE = Decimal(1)

LINES_IN_SQL = """
    CROSS JOIN LATERAL string_to_table(nullif(bill, ''), ';') AS line
    CROSS JOIN LATERAL (SELECT
        split_part(line, ' ', 1) AS code,
        CAST(split_part(line, ' ', 2) AS numeric) AS quantity,
        coalesce(
            CAST(nullif(split_part(line, ' ', 5), '') AS numeric),
            CAST(split_part(line, ' ', 2) AS numeric) * CAST(split_part(line, ' ', 3) AS numeric)
                * coalesce(CAST(nullif(split_part(line, ' ', 4), '') AS numeric), 1)
        ) AS amount
    ) AS billed
"""
"""Joined to usage_logs: `code` (as `code_of` writes a unit), `quantity` and `amount` of each line."""


class Line(Protocol):
    """A line of a bill, as records.BillLine is one."""

    @property
    def unit(self) -> str: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def unit_price(self) -> Decimal: ...
    @property
    def multiplier(self) -> Decimal: ...
    @property
    def amount(self) -> Decimal: ...


def packed(lines: Iterable[Line]) -> str:
    """The text of a bill; "" for one without lines."""
    return ";".join([_packed(line) for line in lines])


def unpacked(text: str | None) -> list[dict[str, str]]:
    """The lines of the text, each as `line_of` writes it. Raises KeyError and ValueError for what is no bill."""
    return [_unpacked(line.split(" ")) for line in text.split(";")] if text else []


def stored(lines: Iterable[Mapping[str, Any]] | None) -> str | None:
    """The text of a bill whose lines are as `line_of` writes them."""
    return None if lines is None else packed([_Stated(line) for line in lines])


def rates_packed(rates: Iterable[tuple[str, Decimal, Decimal]]) -> str:
    """The text of a bill without its quantities, of (unit, unit price, multiplier): `i 15e-8;o 6e-7`."""
    return ";".join(["".join(_of_price(*rate)).replace("  ", " ") for rate in rates])


def rates_unpacked(text: str) -> list[tuple[str, Decimal, Decimal]]:
    """Out of the text of `rates_packed`."""
    parts = [(*line.split(" "), "1")[:3] for line in text.split(";")] if text else []
    return [(unit_of(code), Decimal(price), Decimal(multiplier)) for code, price, multiplier in parts]


def exact(quantity: Decimal, price: Decimal, multiplier: Decimal) -> Decimal:
    """Their product with all of its digits."""
    product = _EXACT.multiply(quantity, price)
    return product if multiplier == _ONE else _EXACT.multiply(product, multiplier)


def line_of(line: Line) -> dict[str, str]:
    """A line as people and files get it: the numbers as text, digit for digit."""
    return {
        "unit": line.unit,
        "amount": digits(line.amount),
        "quantity": digits(line.quantity),
        "multiplier": digits(line.multiplier),
        "unit_price": digits(line.unit_price),
    }


def digits(number: Decimal) -> str:
    """The number's digits, the same for equal numbers: 3, not 3.0 or 3E+0."""
    text = str(number)
    if "E" in text or not number:
        return format(number.normalize(_EXACT), "f") if number else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text


def code_of(unit: str) -> str:
    """How a line names the unit."""
    return _CODES.get(unit) or "=" + quote(unit.replace("\0", ""), safe="", errors="replace")


def unit_of(code: str) -> str:
    """The unit that a line names so."""
    return unquote(code[1:]) if code.startswith("=") else _UNITS[code]


class Bill(TypeDecorator[Sequence[Mapping[str, Any]]]):
    """The column of a bill: a text in the database, in Python the lines as `line_of` writes them."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[Mapping[str, Any]] | None, dialect: Dialect) -> str | None:
        return stored(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> list[dict[str, str]] | None:
        return None if value is None else unpacked(value)


def bill_field() -> Any:
    """A bill; None where the row's price and counts tell it, or there is none."""
    return Field(default=None, sa_type=Bill, nullable=True)


class _Stated:
    """A line out of what `line_of` wrote."""

    __slots__ = ("amount", "multiplier", "quantity", "unit", "unit_price")

    def __init__(self, line: Mapping[str, Any]) -> None:
        self.unit = str(line["unit"])
        self.quantity, self.unit_price = Decimal(str(line["quantity"])), Decimal(str(line["unit_price"]))
        self.multiplier, self.amount = Decimal(str(line["multiplier"])), Decimal(str(line["amount"]))


def _packed(line: Line) -> str:
    quantity, price, multiplier = line.quantity, line.unit_price, line.multiplier
    start, end = _of_price(line.unit, price, multiplier)
    text = f"{start}{digits(quantity)}{end}"
    if exact(quantity, price, multiplier) == line.amount:
        return text
    return f"{text}{' 1' if multiplier == _ONE else ''} {digits(line.amount)}"


@lru_cache(maxsize=4_096)
def _of_price(unit: str, price: Decimal, multiplier: Decimal) -> tuple[str, str]:
    """What all lines of one price have in common, before the quantity and after it."""
    end = f" {_short(price)}"
    return f"{code_of(unit)} ", end if multiplier == _ONE else f"{end} {_short(multiplier)}"


def _short(number: Decimal) -> str:
    """A small price with its exponent, where that is shorter than its digits."""
    plain = digits(number)
    sign, figures, exponent = number.normalize(_EXACT).as_tuple()
    if not isinstance(exponent, int) or exponent >= 0:
        return plain
    text = f"{'-' if sign else ''}{''.join(map(str, figures))}e{exponent}"
    return text if len(text) < len(plain) else plain


def _unpacked(parts: Sequence[str]) -> dict[str, str]:
    code, quantity, price, multiplier, amount = (*parts, "1", "")[:5] if len(parts) == 3 else (*parts, "")[:5]
    if not amount:
        amount = digits(exact(Decimal(quantity), Decimal(price), Decimal(multiplier)))
    return {
        "unit": unit_of(code),
        "amount": amount,
        "quantity": quantity,
        "multiplier": digits(Decimal(multiplier)),
        "unit_price": digits(Decimal(price)),
    }
