"""Single calls into the tracked book: each once, priced, and the rollups with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from sqlmodel import Session

from guardian.errors import ValidationError
from guardian.lean import lean
from guardian.models.base import ID_LENGTH
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.pricing.calculator import price, to_money
from guardian.pricing.overrides import Override
from guardian.records import CostBreakdown, UsageRecord
from guardian.services.ledger.retention import kept_from, still_kept
from guardian.services.ledger.sql.bulk import copy_new
from guardian.services.ledger.sql.partitions import ensure_partitions
from guardian.services.ledger.sql.shared import keep_shared
from guardian.services.ledger.sql.tables import USAGE
from guardian.services.ledger.sums.rollups import COUNTS, DIMENSIONS, SUMS, TAGS, RollupChanges
from guardian.services.ledger.writing.copying import COLUMNS, NULL, copy_line
from guardian.services.ledger.writing.rows import BIGGEST_COST, metadata_of

LONGEST_SESSION = 500  # characters: sessions have an index, whose entries have at most 2,700 bytes
_YEARS = range(2015, 2100)
_BIGGEST_INTEGER = 2**31 - 1  # the database's integer
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_ID = itemgetter(slice(ID_LENGTH))
Overrides = Mapping[Provider, tuple[Override, ...]]
_NO_OVERRIDES: Overrides = MappingProxyType({})

# The rollups' share of the rows that were new, summed where they are: by hour and dimensions, in the order of SUMS.
_TAGGED = [f"CASE WHEN jsonb_typeof(tags -> '{t}') = 'string' THEN nullif(tags ->> '{t}', '') END AS {t}" for t in TAGS]
_RETURNED = ", ".join(("timestamp", *DIMENSIONS[: -len(TAGS)], *_TAGGED, *COUNTS, "requests", "cost"))
_UNPRICED = f"FILTER (WHERE cost_source = '{CostSource.UNPRICED}')"
_SUMMED = (
    f"SELECT date_trunc('hour', timestamp, 'UTC') AS hour, {', '.join(DIMENSIONS)}, "  # noqa: S608  # our own names
    f"{', '.join(f'coalesce(sum({name}), 0)::bigint' for name in COUNTS)}, count(*), "
    f"sum(coalesce(requests, 1))::bigint, coalesce(sum(cost), 0), count(*) {_UNPRICED}, "
    f"coalesce(sum(total_tokens) {_UNPRICED}, 0)::bigint "
    f"FROM new GROUP BY hour, {', '.join(DIMENSIONS)}"
)
_ROWS = SUMS.index("rows")


@lean
@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as the gateway, a sender of events or a file tells it.

    `identity` is what makes it the same call when it is told again: ("event", its id), ("response", provider, response
    id, attempt), … together with its time. `usage.start` is when it was made, and equals `usage.end`. `cost` is a cost
    that is known already; without it the call is priced. `response_time` in milliseconds. `known_since` is the time of
    the identity where another one than `usage.start` is. `access_token_id` is the token of ours that it came with.
    `default_tags` are put on it where its `tags` do not say otherwise; who told it has not said them.
    """

    identity: tuple[str, ...]
    origin: UsageOrigin
    usage: UsageRecord
    user_id: str
    account_id: str | None = None
    api_key_id: str | None = None
    access_token_id: str | None = None
    cost: CostBreakdown | None = None
    known_since: datetime | None = None
    response_time: int | None = None
    status_code: int | None = None
    error: str | None = None
    session: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    metadata: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    default_tags: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    @property
    def all_tags(self) -> Mapping[str, str]:
        return {**self.default_tags, **self.tags} if self.default_tags else self.tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """How many calls were new, and how many the ledger, or an earlier place of the same list, had already."""

    added: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Priced:
    """Calls as lines for the database, priced, and the texts that the lines refer to (SharedText) by their ids.

    `first` and `last` are the times of the earliest and the latest one.
    """

    organization_id: str
    lines: list[str]
    shared: dict[int, str]
    first: datetime | None
    last: datetime | None


def add_calls(
    session: Session, organization_id: str, calls: Sequence[Call], overrides: Overrides = _NO_OVERRIDES
) -> Added:
    """Add the calls that are not there yet. `overrides` are the organization's agreed prices by provider.

    A call is never changed by being told again. Raises ValidationError for counts or a cost that cannot be.
    """
    return add_priced(session, price_calls(organization_id, calls, overrides))


def price_calls(
    organization_id: str,
    calls: Sequence[Call],
    overrides: Overrides = _NO_OVERRIDES,
    refused: list[tuple[int, str]] | None = None,
) -> Priced:
    """The half of add_calls that needs no database, for who has many and adds them elsewhere meanwhile.

    Where a list `refused` is given, calls that cannot be are left out and noted there, by their place in `calls` and
    with the reason, instead of raising ValidationError.
    """
    lines: list[str] = []
    shared: dict[int, str] = {}
    times: list[datetime] = []
    for place, call in enumerate(calls):
        try:
            lines.append(_line(organization_id, call, overrides, shared))
        except ValidationError as error:
            if refused is None:
                raise
            refused.append((place, error.message))
        else:
            times.append(call.usage.start)
    return Priced(organization_id, lines, shared, min(times, default=None), max(times, default=None))


def add_priced(session: Session, priced: Priced) -> Added:
    """The other half: store the calls that are not there yet, and what they add to the rollups.

    What retention has forgotten counts as there: the sums have it.
    """
    if priced.first is None or priced.last is None:
        return Added(added=0, duplicates=0)
    ensure_partitions(session, priced.first, priced.last)
    keep_shared(session, priced.shared)
    changes = RollupChanges()
    added = 0
    # A line begins with its id, and that with its time: what is added at an index's end leaves no half-empty pages.
    # By nothing but the id: of lines with the same one, the first that was told stays.
    lines = sorted(priced.lines, key=_ID)
    floor = kept_from(session, priced.organization_id)
    if floor is not None and priced.first < floor:
        lines = still_kept(lines, floor)
        if not lines:
            return Added(added=0, duplicates=len(priced.lines))
    for hour, *values in copy_new(session, USAGE, COLUMNS, lines, NULL, _RETURNED, _SUMMED):
        dimensions, sums = values[: len(DIMENSIONS)], values[len(DIMENSIONS) :]
        changes.add_sums(priced.organization_id, hour, dimensions, sums)
        added += sums[_ROWS]
    changes.apply(session)
    return Added(added=added, duplicates=len(priced.lines) - added)


def _line(organization_id: str, call: Call, overrides: Overrides, shared: dict[int, str]) -> str:
    """The call as a line for COPY. Raises ValidationError."""
    usage = call.usage
    if problems := usage.counts.problems():
        raise ValidationError(f"These counts cannot be true: {'; '.join(problems)}.")
    _check_facts(call)
    cost = call.cost or price(usage, overrides.get(usage.provider, ()), key_id=call.api_key_id)
    if cost.amount is not None and not 0 <= cost.amount < BIGGEST_COST:
        raise ValidationError(f"One call cannot cost {cost.amount} dollars.")
    amount = None if cost.amount is None else to_money(cost.amount)
    return copy_line(organization_id, call, metadata_of(usage, call.metadata), cost, amount, shared)


def _check_facts(call: Call) -> None:
    """What the database could not take would fail all calls that are stored with it.

    One time of long ago would have it make a partition for every month since.
    """
    if call.usage.start.year not in _YEARS:
        raise ValidationError(f"The call is of the year {call.usage.start.year}, which cannot be.")
    if call.session is not None and len(call.session) > LONGEST_SESSION:
        raise ValidationError(f"The session's name is longer than {LONGEST_SESSION} characters.")
    for name, number in (("responseTime", call.response_time), ("statusCode", call.status_code)):
        if number is not None and not 0 <= number <= _BIGGEST_INTEGER:
            raise ValidationError(f"{name} is {number}, which cannot be.")
