"""What the fake vendors share: rows that tests may change at any time, put into buckets and pages on every request."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from threading import RLock
from types import MappingProxyType
from typing import Any

EXAMPLES = Path(__file__).parent.parent / "contracts" / "examples"


def example(name: str) -> dict[str, Any]:
    """The body of tests/contracts/examples/{name}.json, fractions as Decimal."""
    return json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"), parse_float=Decimal)


def dumps(body: Any) -> bytes:
    """JSON in which a Decimal is a number with exactly its digits."""
    text = json.dumps(body, default=lambda value: f"\ue000{value}\ue000" if isinstance(value, Decimal) else str(value))
    return re.sub(r'"\\ue000([^"\\]*)\\ue000"', r"\1", text).encode()


@dataclass
class Reply:
    """One HTTP answer of the fake; `body` is sent as JSON unless it is bytes already."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    """Raised by a route to answer with an error body."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply.status))
        self.reply = reply


@dataclass
class Key:
    """A key that the fake knows. `kind` is admin, inference or (Anthropic) enterprise; `missing_scope` makes a 403."""

    kind: str
    revoked: bool = False
    missing_scope: str | None = None


class Api:
    """One API of a fake vendor: what the server asks of it. `setting` is the setting of its base URL.

    Its base URL is http://127.0.0.1:port/{name}{root}. The rest says how its pages name their successor, so that the
    server can repeat, script and never end them for any vendor.
    """

    setting: str
    root = ""
    page_param = "page"
    last_page: Mapping[str, Any] = MappingProxyType({"object": "page", "data": [], "has_more": False})

    def handle(
        self, method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str], body: dict[str, Any] | None
    ) -> Reply:
        """Answer one request below the base URL. Raises Refused for an error."""
        raise NotImplementedError

    def load_examples(self, first_day: datetime | None = None) -> None:
        """Take up the contracts' example rows; `first_day` (UTC midnight) moves them all."""
        raise NotImplementedError

    def known_as(self, path: str, query: list[tuple[str, str]]) -> str:
        """The path that faults, scripts and the log know a request by."""
        return path

    def page_asked(self, query: Sequence[tuple[str, str]]) -> str | None:
        return one(query, self.page_param)

    def lead_on(self, body: dict[str, Any], page: str) -> None:
        """Make the body of a page say that `page` follows."""
        body |= {"has_more": True, "next_page": page}

    def follower(self, body: Mapping[str, Any]) -> str | None:
        """The page that the body says follows."""
        return body.get("next_page")


class Table:
    """Rows of one report: dicts in the vendor's field names plus `at` (unix seconds); safe to change while served."""

    def __init__(self, dimensions: Iterable[str], metrics: Iterable[str]) -> None:
        self.dimensions = tuple(dimensions)
        self.metrics = tuple(metrics)
        self.lock = RLock()
        self._rows: list[dict[str, Any]] = []

    def plant(self, at: int, **values: Any) -> dict[str, Any]:
        """Add a row and give it back: the handle for `restate` and `delete`."""
        row = {"at": at, **values}
        with self.lock:
            self._rows.append(row)
        return row

    def restate(self, row: dict[str, Any], **values: Any) -> None:
        with self.lock:
            row.update(values)

    def delete(self, row: dict[str, Any]) -> None:
        with self.lock:
            self._rows = [r for r in self._rows if r is not row]

    def clear(self) -> None:
        with self.lock:
            self._rows.clear()

    def rows(self) -> list[dict[str, Any]]:
        """A snapshot, deep enough that the caller may not change the fake's state by it."""
        with self.lock:
            return [dict(r) for r in self._rows]

    def buckets(self, group_by: Sequence[str], spans: Sequence[tuple[int, int]]) -> list[list[dict[str, Any]]]:
        """The rows of each span, added up over `group_by`; a dimension that was not asked for is null.

        The spans are sorted, equally wide and without gaps.
        """
        if not spans:
            return []
        first, width = spans[0][0], spans[0][1] - spans[0][0]
        found: list[dict[tuple[Any, ...], dict[str, Any]]] = [{} for _ in spans]
        for row in self.rows():
            index = (row["at"] - first) // width
            if not 0 <= index < len(spans):
                continue
            key = tuple(row.get(d) if d in group_by else None for d in self.dimensions)
            into = found[index].setdefault(key, dict(zip(self.dimensions, key, strict=True)))
            for name, value in row.items():
                if name == "at" or name in self.dimensions:
                    continue
                into[name] = add(into[name], value) if name in self.metrics and name in into else value
        return [list(groups.values()) for groups in found]


def add(one: Any, two: Any) -> Any:
    """Sum of two metrics: numbers, numeric strings, nested objects of them; null adds nothing."""
    if one is None or two is None:
        return two if one is None else one
    if isinstance(one, Mapping):
        return {name: add(one.get(name), two.get(name)) for name in {**one, **two}}
    if isinstance(one, str) or isinstance(two, str):
        try:
            return str(Decimal(str(one)) + Decimal(str(two)))
        except ArithmeticError:
            return two  # a currency or a unit, not a number
    return one + two if isinstance(one, int) and isinstance(two, int) else Decimal(str(one)) + Decimal(str(two))


def token(query: Sequence[tuple[str, str]], position: int) -> str:
    """An opaque page token that is good for exactly this query."""
    bound = hashlib.sha256(json.dumps(sorted(query)).encode()).hexdigest()[:16]
    return "page_" + base64.urlsafe_b64encode(f"{bound}:{position}".encode()).decode()


def position(query: Sequence[tuple[str, str]], page: str | None, refuse: Callable[[str], Refused]) -> int:
    """Where `page` continues. Raises `refuse(...)` for a token of another query."""
    if page is None:
        return 0
    plain = [(n, v) for n, v in query if n != "page"]
    try:
        at = int(base64.urlsafe_b64decode(page.removeprefix("page_")).decode().split(":")[1])
    except (ValueError, IndexError):
        raise refuse("Invalid page token") from None
    if token(plain, at) != page:
        raise refuse("The page token does not belong to this query")
    return at


def spans(start: int, end: int, width: int) -> list[tuple[int, int]]:
    """The aligned buckets of `width` seconds that begin before `end`."""
    first = start - start % width
    return [(at, at + width) for at in range(first, end, width)]


def items(query: Sequence[tuple[str, str]], name: str) -> list[str]:
    """All values of an array parameter, written `name=a&name=b` or `name[]=a&name[]=b`."""
    return [v for n, v in query if n in (name, f"{name}[]")]


def one(query: Sequence[tuple[str, str]], name: str) -> str | None:
    found = [v for n, v in query if n == name]
    return found[-1] if found else None
