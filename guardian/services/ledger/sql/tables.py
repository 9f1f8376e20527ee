"""The ledger's tables as SQL sees them, for statements about many rows at once."""

from typing import Any

from sqlalchemy import SQLColumnExpression, case, func
from sqlmodel import SQLModel, col

from guardian.models import ProviderCost, UsageLog, UsageRollup

USAGE = SQLModel.metadata.tables[UsageLog.__tablename__]
ROLLUPS = SQLModel.metadata.tables[UsageRollup.__tablename__]
COSTS = SQLModel.metadata.tables[ProviderCost.__tablename__]


def requests_in(table: type[UsageLog] | type[UsageRollup]) -> SQLColumnExpression[Any]:
    """How many requests a row counts: a call that says nothing of it is one, and a report that does not, unknown."""
    if table is UsageRollup:
        return col(UsageRollup.requests)
    return func.coalesce(col(UsageLog.requests), case((col(UsageLog.bucket_end).is_(None), 1)))
