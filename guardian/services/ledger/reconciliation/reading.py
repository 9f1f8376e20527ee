"""The three books out of the database: usage from the hourly rollups, bills by line, each by UTC day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Date, case, func, select
from sqlalchemy import cast as sql_cast
from sqlmodel import Session, col

from guardian.models.costs import ProviderCost
from guardian.models.enums import CostSource, Provider, ResourceKind, UsageOrigin
from guardian.models.keys import ApiKey, ProviderAccount, ProviderResource
from guardian.models.usage import UsageRollup
from guardian.periods import DAY, HOUR, Window
from guardian.services.ledger.queries.dimensions import Expression, Query
from guardian.services.ledger.reconciliation.books import Account, BilledLine, Cell, Spot
from guardian.services.ledger.reconciliation.keys import ProviderKey, VaultKey
from guardian.services.ledger.reconciliation.kinds import TOKEN_KINDS, billed_kind
from guardian.services.ledger.sync.coverage import TRAILING

Filters = Mapping[str, tuple[str, ...]]

# Reports of tools, whose rows are no calls of their own.
_TOOLS = ("code_interpreter", "file_search", "vector_store", "web_search")
_DOUBTFUL = (CostSource.ESTIMATED, CostSource.UNPRICED)
_THOUSANDS = "1000_tokens"
_MOMENT = timedelta(microseconds=1)


class UsageGroup(NamedTuple):
    """A spot of a usage book as the rollups name it; a tracked one still with the vault's key."""

    spot: Spot
    api_key_id: str | None
    reported: bool
    cell: Cell


def window_of(first: date, last: date) -> Window:
    """The UTC days from `first` to `last`, both inclusive."""
    return Window(datetime.combine(first, time.min, UTC), datetime.combine(last, time.min, UTC) + DAY)


def _kinds() -> dict[str, Expression]:
    """The disjoint kinds of tokens as sums over the rollups."""
    r = UsageRollup
    shares: dict[str, Any] = {kind: getattr(r, kind) for kind in TOKEN_KINDS if hasattr(r, kind)}
    of_input = [column for kind, column in shares.items() if not kind.endswith("output_tokens")]
    of_output = [
        column for kind, column in shares.items() if kind != "output_tokens" and kind.endswith("output_tokens")
    ]
    uncached, text = cast("Any", r.input_tokens), cast("Any", r.output_tokens)
    for column in of_input:
        uncached = uncached - column
    for column in of_output:
        text = text - column
    shares |= {"uncached_input_tokens": uncached, "output_tokens": text}
    return {kind: func.sum(shares[kind]) for kind in TOKEN_KINDS}


def read_usage(session: Session, organization_id: str, window: Window, filters: Filters) -> list[UsageGroup]:
    """Both usage books of the window, by day, account, key, model and tier."""
    r = UsageRollup
    reported = col(r.origin) == UsageOrigin.SYNC
    tool = col(r.operation).in_(_TOOLS)
    day = sql_cast(func.timezone("UTC", col(r.hour)), Date)
    keys: list[Expression] = [
        day.label("day"),
        col(r.provider),
        col(r.account_id),
        col(r.external_key_id),
        col(r.model),
        col(r.service_tier),
        col(r.api_key_id),
        reported.label("reported"),
        tool.label("tool"),
    ]
    doubtful = func.sum(col(r.rows)).filter(col(r.cost_source).in_(_DOUBTFUL))
    sums = [func.sum(col(r.cost)), func.sum(col(r.requests)), func.sum(col(r.rows)), doubtful]
    query = (
        select(*keys, *sums, func.sum(col(r.unpriced_tokens)), *_kinds().values())
        .where(col(r.organization_id) == organization_id, col(r.hour) >= window.start, col(r.hour) < window.end)
        .where(*_narrowed(r, filters))
        .group_by("day", *keys[1:7], "reported", "tool")
    )
    found: list[UsageGroup] = []
    rows: Iterable[Any] = session.connection().execute(query)
    for row in rows:
        cost, requests, many, doubts, unpriced, *counts = row[9:]
        cell = Cell(
            cost=cost,
            requests=int(requests),
            rows=int(many),
            doubtful=int(doubts or 0),
            unpriced_tokens=int(unpriced),
            tool=row[8],
            quantities={kind: Decimal(n) for kind, n in zip(TOKEN_KINDS, counts, strict=True) if n},
        )
        found.append(UsageGroup(Spot(*row[:6]), row[6], row[7], cell))
    return found


def read_bills(session: Session, organization_id: str, window: Window, filters: Filters) -> list[BilledLine]:
    """The lines of the cost reports whose period starts in the window, without their projects."""
    query = _bill_query(organization_id, window, filters)
    rows: Sequence[Any] = session.connection().execute(query).fetchall()
    first_written: dict[tuple[Any, ...], datetime] = {}
    for row in rows:
        place, written = row[:3], row[12]
        first_written[place] = min(written, first_written.get(place, written))
    return [
        BilledLine(
            spot=Spot(*row[:6]),
            kind=billed_kind(row[1], row[6], row[7], row[8], row[9]),
            amount=row[10],
            quantity=row[11],
            line_item=row[6],
            # The whole day is written anew as long as it grows; a single line after that is a restatement.
            restated=row[12] > row[13] + TRAILING and row[12] > first_written[row[:3]] + HOUR,
        )
        for row in rows
    ]


def _bill_query(organization_id: str, window: Window, filters: Filters) -> Query:
    """Ten columns that say which line it is, its amount, its quantity where all is told, when written, and its end."""
    c = ProviderCost
    day = sql_cast(func.timezone("UTC", col(c.period_start)), Date)
    told = func.count(col(c.quantity)) == func.count()
    thousands = case((col(c.quantity_unit) == _THOUSANDS, 1000), else_=1)
    changed = func.max(col(c.updated_at))
    keys: list[Expression] = [
        day.label("day"),
        col(c.provider),
        col(c.account_id),
        col(c.external_key_id),
        col(c.model),
        col(c.service_tier),
        col(c.line_item),
        col(c.cost_type),
        col(c.token_type),
        col(c.quantity_unit),
    ]
    return (
        select(
            *keys,
            func.sum(col(c.billed_cost)),
            case((told, func.sum(col(c.quantity) * thousands))),
            changed,
            func.max(col(c.period_end)),
        )
        .where(
            col(c.organization_id) == organization_id,
            col(c.period_start) >= window.start,
            col(c.period_start) < window.end,
            *_narrowed(c, filters),
        )
        .group_by("day", *keys[1:])
    )


def _narrowed(table: type[UsageRollup | ProviderCost | ProviderAccount], filters: Filters) -> list[ColumnElement[bool]]:
    columns: dict[str, Any] = {"provider": col(table.provider), "account": col(table.account_id)}
    return [columns[name].in_(filters[name]) for name in columns if filters.get(name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an organization's books cover at all, its keys, and the names of its providers' keys."""

    tracked_from: date | None
    reported: Mapping[Account, tuple[date, date]]
    billed: Mapping[Account, tuple[date, date]]
    vault: tuple[VaultKey, ...]
    vault_accounts: Mapping[str, str]
    names: Mapping[ProviderKey, str]

    def of(self, accounts: Sequence[str]) -> "Surroundings":
        """What the books of these accounts cover."""
        return replace(
            self,
            reported={account: span for account, span in self.reported.items() if account[1] in accounts},
            billed={account: span for account, span in self.billed.items() if account[1] in accounts},
        )


def read_surroundings(session: Session, organization_id: str, filters: Filters) -> Surroundings:
    """Everything beside the books themselves."""
    run = session.connection().execute
    r, a, c, k, n = UsageRollup, ProviderAccount, ProviderCost, ApiKey, ProviderResource
    first = select(func.min(col(r.hour))).where(
        col(r.organization_id) == organization_id, col(r.origin) != UsageOrigin.SYNC
    )
    tracked_from = cast("datetime | None", run(first).scalar_one())
    spans: Iterable[Any] = run(
        select(col(a.provider), col(a.account_id), col(a.covered_from), col(a.covered_to)).where(
            col(a.organization_id) == organization_id, col(a.covered_from) < col(a.covered_to), *_narrowed(a, filters)
        )
    )
    bills: Iterable[Any] = run(
        select(col(c.provider), col(c.account_id), func.min(col(c.period_start)), func.max(col(c.period_end)))
        .where(col(c.organization_id) == organization_id, *_narrowed(c, filters))
        .group_by(col(c.provider), col(c.account_id))
    )
    told_id = col(k.meta)["externalKeyId"].astext
    keys: list[Any] = list(
        run(
            select(col(k.id), col(k.provider), col(k.label), col(k.hint), told_id, col(k.account_id)).where(
                col(k.organization_id) == organization_id
            )
        )
    )
    named: Iterable[Any] = run(
        select(col(n.provider), col(n.external_id), col(n.name))
        .where(col(n.organization_id) == organization_id, col(n.kind) == ResourceKind.API_KEY)
        .order_by(col(n.updated_at))
    )
    return Surroundings(
        tracked_from=tracked_from.astimezone(UTC).date() if tracked_from else None,
        reported=_spans(spans),
        billed=_spans(bills),
        vault=tuple(
            VaultKey(id=row[0], provider=row[1], label=row[2], hint=row[3], external_id=row[4]) for row in keys
        ),
        vault_accounts={row[0]: row[5] for row in keys if row[5]},
        names={(Provider(p), id): name for p, id, name in named},
    )


def _spans(rows: Iterable[Any]) -> dict[Account, tuple[date, date]]:
    """The first and the last UTC day of [start, end), by account."""
    return {
        (provider, account): (start.astimezone(UTC).date(), (end - _MOMENT).astimezone(UTC).date())
        for provider, account, start, end in rows
    }
