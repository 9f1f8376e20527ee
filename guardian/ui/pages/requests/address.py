"""The page's address: which calls are shown is one query string, read and written here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeAlias
from urllib.parse import parse_qsl, quote, urlencode

from guardian.services.ledger.queries.calls import MOST_CALLS
from guardian.services.ledger.views import CallFilter
from guardian.services.ledger.views.calls import CALL_FILTERS

ROUTE = "/requests"
STEP = 50  # rows shown at first, and as many more at a click
STATUSES = ("ok", "error")
_MANY = frozenset({*CALL_FILTERS, "token"})
FILTERS = ("provider", "model", "user", "token", "status", "minCost", "tag", "q")
_KNOWN = (*FILTERS, "rows")
_MOST_CHARACTERS = 8_000  # what servers and proxies take as one address
_MOST_TEXT = 200

Query: TypeAlias = tuple[tuple[str, str], ...]
Values: TypeAlias = str | Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Address:
    """The parameters that mean something to the page, in one order; provider, model, user, token and tag may repeat."""

    pairs: Query = ()

    @classmethod
    def read(cls, query: str) -> "Address":
        """From a URL's query; what is unknown or empty is left out."""
        return cls.of(parse_qsl(query[:_MOST_CHARACTERS]))

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Address":
        found: dict[str, list[str]] = {}
        for name, value in pairs:
            values = found.setdefault(name, [])
            if value and value not in values:
                values.append(value)
        return cls(
            tuple(
                (name, value)
                for name in _KNOWN
                for value in (found.get(name, []) if name in _MANY else found.get(name, [])[-1:])
            )
        )

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.pairs if key == name)

    def one(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    def but(self, changes: Mapping[str, Values]) -> "Address":
        """With other values for some names, None or nothing taking a name away; another filter starts at the top."""
        gone = {*changes, "rows"}
        kept = [(name, value) for name, value in self.pairs if name not in gone]
        for name, value in changes.items():
            values = (value,) if isinstance(value, str) else tuple(value or ())
            kept += [(name, each) for each in values]
        return Address.of(kept)

    @property
    def is_filtered(self) -> bool:
        return any(name in FILTERS for name, _ in self.pairs)

    @property
    def filter(self) -> CallFilter:
        """What is looked for; a status or an amount that is none means any."""
        status = self.one("status")
        return CallFilter(
            filters={name: values for name in CALL_FILTERS if (values := self.all(name))},
            tokens=self.all("token"),
            failed=status == "error" if status in STATUSES else None,
            least_cost=amount(self.one("minCost")),
            text=self.one("q")[:_MOST_TEXT],
        )

    @property
    def rows(self) -> int:
        """How many rows are shown, at most 200."""
        text = self.one("rows")
        return min(MOST_CALLS, max(STEP, int(text))) if text.isdecimal() and len(text) < 5 else STEP

    @property
    def href(self) -> str:
        query = urlencode(self.pairs, quote_via=quote)
        return f"{ROUTE}?{query}" if query else ROUTE


def amount(text: str) -> Decimal | None:
    """Dollars as people type them; None for what is no amount."""
    try:
        found = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        return None
    return found if found.is_finite() and 0 <= found < 10**9 else None
