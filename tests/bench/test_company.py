"""The large company of the benches: as many rows as asked for, and sums of days that are those of its rollups."""

from sqlalchemy import func, select
from sqlmodel import Session, col

from guardian.models.usage import UsageLog, UsageRollup
from guardian.periods import utcnow
from guardian.services.ledger import daily
from tests.bench import company
from tests.conftest import People


def test_everything_is_summed_up(session: Session, people: People) -> None:
    mine = people.alice.organization_id
    session.commit()
    company.fill(session, people.alice, utcnow(), 500)
    rows, rolled = (
        session.connection().execute(select(count)).scalar_one()
        for count in (func.count(col(UsageLog.id)), func.sum(col(UsageRollup.rows)))
    )
    assert (rows, rolled) == (500, 500)
    assert daily.organizations(session, utcnow()) == []
    assert daily.disagreements(session, mine, latest=500) == []
    indexed = session.connection().execute(
        select(func.count()).select_from(func.pg_partition_tree("ix_usage_logs_organization_id_timestamp").alias("t"))
    )
    assert indexed.scalar_one() > 13, "the partitions have their indexes again"
