"""Past one PostgreSQL: where the extension Citus is, its tables are spread over the workers of the cluster.

https://docs.citusdata.com/en/stable/develop/api_udf.html says what the functions do. Both take a table as it is, with
its rows; what is distributed already is left alone, so that this can run after every migration.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, MetaData, text
from sqlmodel import SQLModel

import guardian.models  # noqa: F401  # pyright: ignore[reportUnusedImport]  # knows every table

DISTRIBUTED: dict[str, str] = {
    "usage_logs": "id",
    "usage_rollups": "organization_id",
    "provider_costs": "organization_id",
}
"""The tables that grow with usage, by the column whose hash says where a row lies; all others are on every node."""


def is_there(connection: Connection) -> bool:
    """Whether this database has the extension."""
    return bool(connection.execute(text("SELECT count(*) FROM pg_extension WHERE extname = 'citus'")).scalar_one())


def steps(metadata: MetaData = SQLModel.metadata) -> list[tuple[str, str]]:
    """A table and the statement that spreads it, in an order in which each comes after those that it refers to."""
    tables = [table.name for table in metadata.sorted_tables]
    everywhere = [(name, f"SELECT create_reference_table('{name}')") for name in tables if name not in DISTRIBUTED]
    return everywhere + [
        (name, f"SELECT create_distributed_table('{name}', '{DISTRIBUTED[name]}')")
        for name in tables
        if name in DISTRIBUTED
    ]


def distribute(connection: Connection, tell: Callable[[str], None]) -> Sequence[str]:
    """Spread what is not spread yet, each table in a transaction of its own; gives their names."""
    known = set(connection.execute(text("SELECT logicalrelid::text FROM pg_dist_partition")).scalars())
    connection.commit()
    done: list[str] = []
    for table, statement in steps():
        if table in known:
            continue
        connection.execute(text(statement))
        connection.commit()
        column = DISTRIBUTED.get(table)
        tell(f"{table} is " + (f"distributed by {column}" if column else "on every node"))
        done.append(table)
    return done
