"""Sums of whole days (UsageDay, usage_cells), made of the rollups so that the explorer reads few rows for long ranges.

All of it can be dropped and made again; a day that is not there, or not as it should be, is read from the rollups.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    text,
)
from sqlalchemy import Table as SqlTable
from sqlmodel import Field, SQLModel

from guardian.models.base import MONEY, TIMESTAMP, Table, json_list_field, new_id, time_field


class UsageDay(Table, table=True):
    """The rollups whose hour is in [start, end), usually a local day, are summed up in the cells of that start.

    `rule` is the part of the spend rule by which its rows were found to count or not, `accounts` the provider accounts
    ("OPENAI/org-1") that it has rows of. `hidden` are the places of one book whose rows do not count although no
    coverage says so (provider, account, hour, whether reported). `version` is another one each time that it is made.
    """

    __tablename__ = "usage_days"
    __table_args__ = (PrimaryKeyConstraint("organization_id", "start"),)

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    start: datetime = time_field()
    end: datetime = time_field()
    rule: str
    accounts: list[str] = Field(sa_type=ARRAY(String))  # pyright: ignore[reportCallIssue, reportArgumentType]  # SQLModel types sa_type as a class only
    hidden: list[Any] | None = json_list_field()
    version: str = Field(default_factory=new_id)


class UsageChange(Table, table=True):
    """Rollups of this hour were changed: a day that contains it is outdated as long as this row is there.

    Rows are only ever added and deleted, so that no writer waits for another one.
    """

    __tablename__ = "usage_changes"
    __table_args__ = (
        PrimaryKeyConstraint("organization_id", "id"),
        Index("ix_usage_changes_organization_id_hour", "organization_id", "hour"),
    )

    organization_id: str = Field(foreign_key="organizations.id", ondelete="CASCADE")
    id: str = Field(default_factory=new_id)
    hour: datetime = time_field()


CELLS = SqlTable(
    "usage_cells",
    SQLModel.metadata,
    Column("organization_id", String, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    Column("cut", SmallInteger, nullable=False),
    Column("counted", Boolean, nullable=False),
    Column("start", TIMESTAMP, nullable=False),
    Column("a", String),
    Column("b", String),
    Column("more", ARRAY(String)),
    Column("cost", MONEY, nullable=False),
    Column("estimated_cost", MONEY, nullable=False),
    *(
        Column(name, BigInteger, nullable=False)
        for name in (
            "requests",
            "input_tokens",
            "output_tokens",
            "cache_read_tokens",
            "unpriced_rows",
            "unpriced_tokens",
            "rows",
        )
    ),
    Index("ix_usage_cells_organization_id_cut_start", "organization_id", "cut", "start"),
    Index("ix_usage_cells_a", "organization_id", "cut", "a", "start", postgresql_where=text("more IS NULL")),
    Index(
        "ix_usage_cells_b",
        *("organization_id", "cut", "b", "start"),
        postgresql_where=text("more IS NULL AND b IS NOT NULL"),
    ),
)
"""A day's sums by the dimensions of one cut, of the rows that count as spend or of those that do not.

`cut` is the number that SQL's GROUPING gives for the dimensions; `a`, `b` and `more` are their values in order, "=" and
the value, or "" for rows that have none. No row is ever looked up by itself, so there is no primary key.
"""
