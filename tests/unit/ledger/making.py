"""Usage and cost records for tests, short to write; and the ledger's whole content, to compare."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from guardian.models.enums import Provider
from guardian.periods import DAY, HOUR
from guardian.records import CostBucket, CostRecord, UsageBucket, UsageCounts, UsageRecord
from guardian.services.actor import Actor
from guardian.services.ledger.sql.tables import COSTS, ROLLUPS, USAGE
from guardian.services.ledger.sums.rollups import disagreements
from guardian.services.ledger.writing.rows import LedgerAccount

T0 = datetime(2026, 11, 1, tzinfo=UTC)


def account(actor: Actor, **changes: Any) -> LedgerAccount:
    facts: dict[str, Any] = {
        "organization_id": actor.organization_id,
        "provider": Provider.OPENAI,
        "account_id": "org-acme",
        "user_id": actor.user_id,
    }
    return LedgerAccount(**(facts | changes))


def usage(hour: float = 0, *, width: timedelta = HOUR, tokens: int = 1000, **changes: Any) -> UsageRecord:
    """`tokens` in and a tenth of it out, of gpt-6-sol ($2 and $10 a million), in the bucket at T0 + `hour`."""
    start = T0 + hour * HOUR
    facts: dict[str, Any] = {
        "provider": Provider.OPENAI,
        "operation": "completions",
        "model": "gpt-6-sol",
        "start": start,
        "end": start + width,
        "counts": UsageCounts(input_tokens=tokens, output_tokens=tokens // 10),
        "requests": 100,
        "project_id": "proj_web",
    }
    return UsageRecord(**(facts | changes))


def bucket(hour: float = 0, *records: UsageRecord, width: timedelta = HOUR, series: str = "completions") -> UsageBucket:
    start = T0 + hour * HOUR
    return UsageBucket(series=series, start=start, end=start + width, records=records)


def cost(day: float = 0, amount: str = "1.00", **changes: Any) -> CostRecord:
    start = T0 + day * DAY
    facts: dict[str, Any] = {
        "provider": Provider.OPENAI,
        "start": start,
        "end": start + DAY,
        "amount": Decimal(amount),
        "line_item": "gpt-6-sol, input_tokens",
        "project_id": "proj_web",
    }
    return CostRecord(**(facts | changes))


def cost_bucket(day: float = 0, *records: CostRecord) -> CostBucket:
    start = T0 + day * DAY
    return CostBucket(start=start, end=start + DAY, records=records)


def contents(session: Session, *, without: Sequence[str] = ("updated_at",)) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the three tables, all columns but `without`, sorted; and the rollups agree with the rows."""
    assert disagreements(session) == []
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table in (USAGE, ROLLUPS, COSTS):
        columns = [column for column in table.columns if column.name not in without]
        rows = session.connection().execute(select(*columns).order_by(table.c.id))
        found[table.name] = [tuple(row) for row in rows]
    return found
