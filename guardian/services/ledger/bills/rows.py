"""Usage rows between how they are stored and what they say: prices by their names, bills as lines, requests counted."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlmodel import Session

from guardian.services.ledger.bills.short import Kept, Price, kept_names, lines_of, price_of
from guardian.services.ledger.sql.bulk import Row
from guardian.services.ledger.sql.shared import keep_shared, read_shared

STORED_PRICE = ("cost", "cost_source", "cost_reason", "price_id", "bill")
"""The database's columns of what a price makes of a row."""
_NAMES = ("price_source", "price_version", "price_ref")
_DOCUMENTS = ("units", "tags", "metadata")
_price_of = lru_cache(maxsize=4_096)(price_of)
_NO_PRICE = Price(None, None, None, "")


def to_store(session: Session, rows: Sequence[Row]) -> list[Row]:
    """Rows that say it all as the database keeps them, with their whole bills; their prices are there then."""
    kept = {place: price for place, row in enumerate(rows) if (price := kept_names(row)) is not None}
    keep_shared(session, dict(kept.values()))
    return [_stored(row, kept.get(place)) for place, row in enumerate(rows)]


def whole_rows(session: Session, rows: Sequence[Row]) -> list[Row]:
    """Stored rows with `price_source`, `price_version`, `price_ref`, and the lines of their bills."""
    texts = read_shared(session, {row["price_id"] for row in rows})
    return [whole_row(row, texts) for row in rows]


def whole_row(row: Mapping[str, Any], texts: Mapping[int, str]) -> Row:
    """As whole_rows; `texts` has that of the row's price."""
    price = _NO_PRICE if row["price_id"] is None else _price_of(texts[row["price_id"]])
    return {
        **row,
        "requests": requests_of(row),
        **dict(zip(_NAMES, price, strict=False)),
        "bill": lines_of(price, row) if row["bill"] is None else row["bill"],
    }


def requests_of(row: Mapping[str, Any]) -> int | None:
    """How many requests a stored row counts: a call that says nothing of it is one, a reported row does not know."""
    requests: int | None = row["requests"]
    return 1 if requests is None and row["bucket_end"] is None else requests


def _stored(row: Row, price: Kept | None) -> Row:
    found = {name: value for name, value in row.items() if name not in _NAMES}
    found |= {name: found[name] or None for name in _DOCUMENTS}
    return found | {"price_id": price and price.id, "bill": row["bill"] or None}
