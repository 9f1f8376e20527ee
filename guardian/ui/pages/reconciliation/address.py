"""The page's address: the range, what the table is grouped by, and what it was narrowed to by clicking."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote, urlencode

from guardian.ui.live_hub import Query

ROUTE = "/reconciliation"
# From the whole to the smallest part: a click on a row goes to the next one that is not chosen yet.
STEPS = ("day", "provider", "providerKey", "model", "tokenKind")
NAMES = {"day": "Day", "provider": "Provider", "providerKey": "Key", "model": "Model", "tokenKind": "Kind"}
NONE = "-"  # in an address: has no value
_RANGE = ("range", "from", "to")
KNOWN = (*_RANGE, "by", *STEPS)


@dataclass(frozen=True, slots=True)
class Address:
    """What an address asks for; what it does not know is left out."""

    pairs: Query

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Address":
        found = dict(pairs)
        return cls(tuple((name, found[name]) for name in KNOWN if found.get(name)))

    @property
    def by(self) -> str:
        """The dimension of the table's rows."""
        asked = dict(self.pairs).get("by", "")
        if asked in STEPS and asked not in self.chosen:
            return asked
        return next((step for step in STEPS if step not in self.chosen), STEPS[-1])

    @property
    def chosen(self) -> dict[str, str | None]:
        """What the table is narrowed to."""
        return {name: None if value == NONE else value for name, value in self.pairs if name in STEPS}

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        return {name: (value or "",) for name, value in self.chosen.items()}

    def into(self, value: str | None) -> str:
        """The address of what is inside of one row; empty where rows cannot be opened further."""
        left = [step for step in STEPS if step not in self.chosen and step != self.by]
        return self._href({self.by: value or NONE, "by": left[0]}) if left else ""

    def by_other(self, dimension: str) -> str:
        """The address with rows of another dimension."""
        return self._href({"by": dimension})

    def without(self, dimension: str) -> str:
        """The address without one of the choices."""
        return self._href({dimension: "", "by": dimension})

    def _href(self, changes: Mapping[str, str]) -> str:
        pairs = {**dict(self.pairs), **changes}
        query = urlencode([(name, pairs[name]) for name in KNOWN if pairs.get(name)], quote_via=quote)
        return f"{ROUTE}?{query}" if query else ROUTE

    def range_href(self, choice: str) -> str:
        """A link of the range picker ("?range=7d") that keeps the rest; a chosen day goes with its range."""
        kept = [(name, value) for name, value in self.pairs if name not in (*_RANGE, "day")]
        return choice + ("&" + urlencode(kept, quote_via=quote) if kept else "")


def explorer_href(first: date, last: date, **filters: str | None) -> str:
    """The explorer's address of the single rows of these UTC days."""
    parts = {"from": first.isoformat(), "to": last.isoformat(), "tz": "UTC", "tab": "rows", **filters}
    return f"/usage?{urlencode([(name, value) for name, value in parts.items() if value])}"
