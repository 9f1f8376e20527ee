"""What the shared adapter suite needs to know of a vendor: plain data, and a few functions that change its fake."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from guardian.models.enums import Provider
from guardian.records import UsageCounts, UsageRecord
from tests.fakes.provider_server import FakeProvider

Body = dict[str, Any]
Change = Callable[[Body, str, Any], None]
NOT_COUNTS = ("12", True, -1, 1.5, float("nan"), float("inf"), 2**63, [], {})


@dataclass(frozen=True)
class State:
    """A state that a key can be in: `prepare` brings it about in the fake and gives the key.

    Its test then succeeds with `kind`, or fails with the error's `code`; `words` (a pattern) are in its message.
    """

    prepare: Callable[[FakeProvider], str]
    kind: str | None = None
    code: str | None = None
    words: str = ""


@dataclass(frozen=True)
class Call:
    """One inference request and what is tracked of it; without `usage_field` the answer states no usage."""

    key: str
    payload: Mapping[str, Any]
    path: str
    model: str
    counts: UsageCounts
    response_id: str | None
    usage_field: str = "usage"


@dataclass(frozen=True)
class UsageReport:
    """One usage report in hourly buckets.

    `plant(fake, at, uncached, output, key)` adds a row that `restate(fake, row, output)` and `delete(fake, row)` know;
    `key_of` tells it again from its record. `change(body, name, value)` sets a field, by its dotted name, in every row
    of an answer, or (`...`) removes it; `required` are the fields without which a row cannot be understood.
    `small_pages` makes 20 planted days three pages; None where the report is never paged. `pieces` cuts an answer up,
    `page(pieces, token)` makes a page out of some.
    """

    key: str
    report: str
    path: str
    plant: Callable[[FakeProvider, int, int, int, str], Any]
    restate: Callable[[FakeProvider, Any, int], None]
    delete: Callable[[FakeProvider, Any], None]
    clear: Callable[[FakeProvider], None]
    revoke: Callable[[FakeProvider], None]
    key_of: Callable[[UsageRecord], str | None]
    change: Change
    required: tuple[str, ...]
    count_field: str
    wrong_key: str
    wrong_key_words: str
    page_param: str = "page"
    envelope: tuple[str, ...] = ()
    not_counts: tuple[Any, ...] = NOT_COUNTS
    small_pages: Callable[[FakeProvider], None] | None = None
    pieces: Callable[[Body], list[Body]] | None = None
    page: Callable[[list[Body], str | None], Body] | None = None


@dataclass(frozen=True)
class CostReport:
    """A cost report in days; `plant(fake, at, dollars, line)` adds a row, `amount_field` is what its money is called.

    `currency` is the field whose other value than dollars is refused, None where other currencies are converted.
    `endless` is False where the report has no pages.
    """

    key: str
    path: str
    plant: Callable[[FakeProvider, int, Decimal, str], Any]
    change: Change
    required: tuple[str, ...]
    wrong_key: str
    wrong_key_words: str
    amount_field: str = "amount"
    currency: str | None = None
    endless: bool = True


@dataclass(frozen=True)
class Names:
    """A list of names at `path`, read with `key`; the examples of the fake's API `api` hold some.

    `others` says whether there are further lists.
    """

    key: str
    path: str
    api: str
    revoke: Callable[[FakeProvider], None]
    others: bool = True


@dataclass(frozen=True)
class Vendor:
    """`states` names at least "good" and "bad". What a vendor does not have is None, and what is about it, not run."""

    provider: Provider
    name: str
    states: Mapping[str, State]
    call: Call
    usage: UsageReport | None = None
    costs: CostReport | None = None
    names: Names | None = None
    metadata: Callable[[FakeProvider], Mapping[str, Any]] = field(default=lambda _: {})


def in_results(body: Body, name: str, value: Any) -> None:
    """`change` where rows are under data[].results[]."""
    for bucket in body["data"]:
        for row in bucket["results"]:
            set_field(row, name, value)


def set_field(row: Body, name: str, value: Any) -> None:
    """Set or (`...`) remove a field by its dotted name."""
    *path, last = name.split(".")
    for step in path:
        row = row[step]
    if value is ...:
        del row[last]
    else:
        row[last] = value


def buckets_apart(body: Body) -> list[Body]:
    """Every row, and every bucket as an empty one, by itself."""
    return [{**b, "results": [row]} for b in body["data"] for row in b["results"]] + [
        {**b, "results": []} for b in body["data"]
    ]


def data_page(pieces: list[Body], token: str | None) -> Body:
    return {"object": "page", "data": pieces, "has_more": token is not None, "next_page": token}
