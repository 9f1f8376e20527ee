"""The ledger's tables as SQL sees them, for statements about many rows at once."""

from sqlmodel import SQLModel

from guardian.models import ProviderCost, UsageLog, UsageRollup

USAGE = SQLModel.metadata.tables[UsageLog.__tablename__]
ROLLUPS = SQLModel.metadata.tables[UsageRollup.__tablename__]
COSTS = SQLModel.metadata.tables[ProviderCost.__tablename__]
