"""Puts the buckets of all pages of a walk together: sorted, each row once, none from outside the window, no overlap."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Generic, TypeVar

from guardian.errors import ProviderContractBroken
from guardian.periods import Window
from guardian.providers.reports.reading import Row
from guardian.records import CostRecord, UsageCounts, UsageRecord

R = TypeVar("R")
_SPARE_PAGES = 10  # a provider may repeat or split a page; far fewer than "for ever"


def page_bound(window: Window, width: timedelta) -> int:
    """More pages than this cannot be needed: each holds at least one bucket."""
    return ceil((window.end - window.start) / width) + _SPARE_PAGES


def aligned(start: datetime, end: datetime, floor: Callable[[datetime], datetime], width: timedelta) -> Window:
    """The smallest window of whole buckets that holds [start, end). Half a bucket would overwrite a whole one."""
    if end <= start:
        return Window(floor(start), floor(start))
    last = floor(end)
    return Window(floor(start), last if last == end else last + width)


class Buckets(Generic[R]):
    """Collects the buckets of one walk.

    A bucket that comes on two pages is the union of its rows, the later page's row winning; two rows of one identity
    within one page differ in something that we were not told, so they are added up. Buckets that do not touch the
    window are dropped.
    """

    def __init__(self, window: Window, where: str, identity: Callable[[R], Hashable], add: Callable[[R, R], R]) -> None:
        self._window = window
        self._where = where
        self._identity = identity
        self._add = add
        self._found: dict[tuple[datetime, datetime], dict[Hashable, R]] = {}

    def take(self, page: Row, start: str, end: str, read: Callable[[Row, datetime, datetime], R]) -> None:
        """The buckets of one page, whose times are in the fields `start` and `end`. Those outside are not even read."""
        for bucket in page.rows("data"):
            first, last = bucket.moment(start), bucket.moment(end)
            if last <= first:
                raise ProviderContractBroken(f"{self._where} has a bucket that ends before it starts.")
            rows = bucket.rows("results")
            if first < self._window.end and last > self._window.start:
                self._found.setdefault((first, last), {}).update(self._page(read(row, first, last) for row in rows))

    def _page(self, records: Iterable[R]) -> dict[Hashable, R]:
        found: dict[Hashable, R] = {}
        for record in records:
            key = self._identity(record)
            found[key] = self._add(found[key], record) if key in found else record
        return found

    def __iter__(self) -> Iterator[tuple[datetime, datetime, tuple[R, ...]]]:
        """(start, end, records), oldest first. Raises ProviderContractBroken for buckets that overlap."""
        last: datetime | None = None
        for start, end in sorted(self._found):
            if last is not None and start < last:
                raise ProviderContractBroken(f"{self._where} has buckets that overlap, so its sums would count twice.")
            last = end
            yield start, end, tuple(self._found[start, end].values())


def usage_identity(record: UsageRecord) -> Hashable:
    return (
        record.operation,
        record.model,
        record.project_id,
        record.external_key_id,
        record.external_user_id,
        record.service_tier,
        frozenset(record.dimensions.items()),
    )


def cost_identity(record: CostRecord) -> Hashable:
    return (
        record.line_item,
        record.project_id,
        record.external_key_id,
        record.external_user_id,
        record.model,
        record.cost_type,
        record.token_type,
        record.service_tier,
        frozenset(record.dimensions.items()),
    )


def add_usage(one: UsageRecord, two: UsageRecord) -> UsageRecord:
    tokens = {
        f.name: getattr(one.counts, f.name) + getattr(two.counts, f.name)
        for f in fields(one.counts)
        if f.name != "units"
    }
    units = {
        name: one.counts.units.get(name, Decimal(0)) + two.counts.units.get(name, Decimal(0))
        for name in {**one.counts.units, **two.counts.units}
    }
    requests = None if one.requests is None or two.requests is None else one.requests + two.requests
    stated = (one.provider_cost, two.provider_cost)
    cost = None if stated[0] is None or stated[1] is None else stated[0] + stated[1]
    return replace(two, counts=UsageCounts(**tokens, units=units), requests=requests, provider_cost=cost)


def add_cost(one: CostRecord, two: CostRecord) -> CostRecord:
    if one.quantity is None or two.quantity is None or one.quantity_unit != two.quantity_unit:
        return replace(two, amount=one.amount + two.amount, quantity=None, quantity_unit=None)
    return replace(two, amount=one.amount + two.amount, quantity=one.quantity + two.quantity)
