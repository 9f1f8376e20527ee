"""Citus: what it asks of the schema holds, and each table is spread once, in an order that it takes."""

import re

from sqlalchemy import Connection, Sequence, text
from sqlmodel import SQLModel

from guardian import db
from guardian.embedded import citus
from guardian.embedded.migrate import migrate
from tests.conftest import Servers

TABLES = SQLModel.metadata.tables


def test_every_unique_constraint_has_the_distribution_column() -> None:
    for name, column in citus.DISTRIBUTED.items():
        table = TABLES[name]
        assert column in table.primary_key.columns
        for constraint in table.constraints:
            if type(constraint).__name__ == "UniqueConstraint":
                assert column in constraint.columns, constraint  # type: ignore[attr-defined]
        for index in table.indexes:
            assert not index.unique or column in index.columns, index.name


def test_the_database_has_no_other_unique_index_on_them(environment: Servers) -> None:
    query = text(
        "SELECT indexdef FROM pg_indexes WHERE tablename = ANY(:tables) AND indexdef LIKE 'CREATE UNIQUE INDEX%'"
    )
    with db.engine().connect() as connection:
        for definition in connection.execute(query, {"tables": list(citus.DISTRIBUTED)}).scalars():
            found = re.search(r"ON (?:ONLY )?(?:public\.)?(\w+) USING \w+ \(([^)]*)\)", definition)
            assert found is not None
            assert citus.DISTRIBUTED[found[1]] in found[2].split(", "), definition


def test_nothing_points_to_a_distributed_table_and_there_are_no_triggers_or_sequences(environment: Servers) -> None:
    for table in TABLES.values():
        for key in table.foreign_keys:
            assert key.column.table.name not in citus.DISTRIBUTED, table.name
        for column in table.columns:
            assert not isinstance(column.default, Sequence)
            assert column.identity is None
    with db.engine().connect() as connection:
        triggers = text("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal")
        assert connection.execute(triggers).scalar_one() == 0
        assert (
            connection.execute(text("SELECT count(*) FROM pg_sequences WHERE schemaname = 'public'")).scalar_one() == 0
        )


def test_each_table_comes_after_those_that_it_refers_to() -> None:
    order = [name for name, _ in citus.steps()]
    assert sorted(order) == sorted(TABLES)
    for name in order:
        for key in TABLES[name].foreign_keys:
            other = key.column.table.name
            assert other == name or order.index(other) < order.index(name), (name, other)
    statements = dict(citus.steps())
    assert statements["usage_logs"] == "SELECT create_distributed_table('usage_logs', 'id')"
    assert statements["usage_rollups"] == "SELECT create_distributed_table('usage_rollups', 'organization_id')"
    assert statements["users"] == "SELECT create_reference_table('users')"
    assert sum("create_reference_table" in statement for statement in statements.values()) == len(TABLES) - 3


def _pretend(connection: Connection) -> None:
    """The functions and the catalog of Citus, which only write down what they are asked for."""
    for statement in (
        "CREATE TABLE pg_dist_partition (logicalrelid regclass, distributed_by text)",
        "CREATE FUNCTION create_reference_table(name text) RETURNS void LANGUAGE sql AS "
        "'INSERT INTO pg_dist_partition VALUES (name::regclass, NULL)'",
        "CREATE FUNCTION create_distributed_table(name text, by text) RETURNS void LANGUAGE sql AS "
        "'INSERT INTO pg_dist_partition VALUES (name::regclass, by)'",
    ):
        connection.execute(text(statement))
    connection.commit()


def test_all_are_spread_once_and_new_ones_later(environment: Servers) -> None:
    said: list[str] = []
    with db.engine().connect() as connection:
        assert not citus.is_there(connection)
        _pretend(connection)
        assert sorted(citus.distribute(connection, said.append)) == sorted(TABLES)
        assert "usage_logs is distributed by id" in said
        assert "users is on every node" in said
        assert citus.distribute(connection, said.append) == []
        connection.execute(text("DELETE FROM pg_dist_partition WHERE logicalrelid = 'reports'::regclass"))
        connection.commit()
        assert citus.distribute(connection, said.append) == ["reports"]


def test_without_the_extension_nothing_is_said_of_it(environment: Servers) -> None:
    said: list[str] = []
    migrate(said.append)
    assert not any("Citus" in line for line in said)
