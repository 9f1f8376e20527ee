"""The explorer's address: everything that the page shows is one query string, read and written here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args
from urllib.parse import parse_qsl, quote, urlencode
from zoneinfo import ZoneInfo

from guardian.errors import ValidationError
from guardian.periods import DAY, Window, ceil_hour, local_date, local_midnight, zone
from guardian.services.ledger.views import DIMENSIONS, ROW_DIMENSIONS, USAGE_FILTERS, Bucket
from guardian.ui import ranges
from guardian.ui.ranges import Range

ROUTE = "/usage"
TAG = "tag:"
GROUPS = (*DIMENSIONS, *ROW_DIMENSIONS)  # besides "tag:" and the key of a tag
DEFAULT_GROUP = "model"
SORTS = ("name", "cost", "requests", "tokens", "change")
STEP, MOST = 50, 100  # groups of the table: as many more at a click, up to the ledger's limit
_RANGE = ("range", "from", "to")
# `hide` is about looks only and `saved` about one person: neither changes what is read.
_UNREAD = ("hide", "saved")
_KNOWN = (*_RANGE, "tz", "bucket", "groupBy", *USAGE_FILTERS, "tab", "sort", "groups", "cursor", "row", *_UNREAD)
_PLACE = frozenset({"groups", "cursor", "row"})  # where one is in a table
_HARMLESS = _PLACE | {"sort", *_UNREAD}  # what changes nothing about which rows there are
_MOST_CHARACTERS = 8_000  # what servers and proxies take as one address

Query: TypeAlias = tuple[tuple[str, str], ...]
Values: TypeAlias = str | Sequence[str] | None
Tab: TypeAlias = Literal["groups", "rows"]


@dataclass(frozen=True, slots=True)
class Address:
    """The parameters that mean something to the page, in one order. Filters may be there several times."""

    pairs: Query = ()

    @classmethod
    def read(cls, query: str) -> "Address":
        """From a URL's query; what is unknown is left out. An empty filter means "has none"."""
        return cls.of(parse_qsl(query[:_MOST_CHARACTERS], keep_blank_values=True, max_num_fields=None))

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Address":
        found: dict[str, list[str]] = {}
        for name, value in pairs:
            values = found.setdefault(name, [])
            if (value or name in USAGE_FILTERS) and value not in values:
                values.append(value)
        return cls(
            tuple(
                (name, value)
                for name in _KNOWN
                for value in (found.get(name, []) if name in USAGE_FILTERS else found.get(name, [])[-1:])
            )
        )

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.pairs if key == name)

    def one(self, name: str, default: str = "") -> str:
        return next(iter(self.all(name)), default)

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        return {name: values for name in USAGE_FILTERS if (values := self.all(name))}

    def but(self, changes: Mapping[str, Values]) -> "Address":
        """With other values for some names, None or nothing taking a name away.

        Whatever changes which rows there are also leads back to their first page, with no row open.
        """
        gone = {*changes} if {*changes} <= _HARMLESS else {*changes, *_PLACE}
        if _RANGE[0] in changes:
            gone |= set(_RANGE)
        kept = [(name, value) for name, value in self.pairs if name not in gone]
        for name, value in changes.items():
            values = (value,) if isinstance(value, str) else tuple(value or ())
            kept += [(name, each) for each in values]
        return Address.of(kept)

    def toggled(self, name: str, value: str) -> "Address":
        """With that value of a filter added, or taken away where it is there."""
        values = self.all(name)
        return self.but({name: [v for v in values if v != value] if value in values else [*values, value]})

    @property
    def read_by(self) -> Query:
        """What decides what is read, for whoever looks."""
        return tuple(pair for pair in self.pairs if pair[0] not in _UNREAD)

    @property
    def lasting(self) -> str:
        """The query to keep under a name: without the place in a table and the row that is open."""
        return self._encoded(_PLACE | {"saved"})

    @property
    def href(self) -> str:
        query = self._encoded(frozenset())
        return f"{ROUTE}?{query}" if query else ROUTE

    def _encoded(self, left_out: Iterable[str]) -> str:
        return urlencode([pair for pair in self.pairs if pair[0] not in left_out], quote_via=quote)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an address asks for. `bucket` is None where the page chooses; `hidden` are columns of the rows."""

    address: Address
    span: Range
    zone: str
    bucket: Bucket | None
    group_by: str
    filters: Mapping[str, tuple[str, ...]]
    tab: Tab
    sort: str
    descending: bool
    most: int
    cursor: str | None
    row: str | None

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def window(self) -> Window:
        return days(self.span, self.tz)


def asked(address: Address, now: datetime, organizations_zone: str) -> Asked:
    """What the address asks for; nonsense in it means what the page does by default."""
    name = _zone(address.one("tz")) or organizations_zone
    bucket, sort = address.one("bucket"), address.one("sort", "-cost")
    group_by = address.one("groupBy")
    most = address.one("groups")
    return Asked(
        address=address,
        span=ranges.from_query(dict(address.pairs), now, ZoneInfo(name)),
        zone=name,
        bucket=next((known for known in get_args(Bucket) if known == bucket), None),
        group_by=group_by if group_by in GROUPS or (group_by.startswith(TAG) and group_by != TAG) else DEFAULT_GROUP,
        filters=address.filters,
        tab="rows" if address.one("tab") == "rows" else "groups",
        sort=sort.removeprefix("-") if sort.removeprefix("-") in SORTS else "cost",
        descending=sort.startswith("-") or sort not in SORTS,
        most=min(MOST, max(STEP, int(most))) if most.isdecimal() and len(most) < 5 else STEP,
        cursor=address.one("cursor") or None,
        row=address.one("row") or None,
    )


def days(span: Range, tz: ZoneInfo) -> Window:
    """The instants of the local days."""
    return Window(local_midnight(span.first, tz), local_midnight(span.last + DAY, tz))


def before(span: Range, now: datetime, tz: ZoneInfo) -> tuple[Range, Window]:
    """What the range is compared with; while it runs, with the hours that had begun by this time of its last day."""
    compared = ranges.before(span)
    window = days(compared, tz)
    if span.last != local_date(now, tz):
        return compared, window
    same_time = ceil_hour(datetime.combine(compared.last, now.astimezone(tz).time(), tz))
    return compared, Window(window.start, max(window.start, min(window.end, same_time)))


def _zone(name: str) -> str:
    try:
        return zone(name).key if name else ""
    except ValidationError:
        return ""
