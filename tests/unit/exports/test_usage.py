"""The usage export: every row once, in order, and no more of it in memory than a page."""

import csv
import io
from decimal import Decimal

import pyarrow.parquet as pq
from sqlmodel import Session

from guardian import db
from guardian.services.ledger.exports.columns import NAMES
from guardian.services.ledger.exports.usage import usage_csv, usage_parquet
from guardian.services.ledger.views import UsageFilter
from guardian.services.ledger.writing.calls import add_calls
from tests.conftest import People
from tests.unit.imports.test_own import call


def _fill(session: Session, people: People, count: int) -> None:
    add_calls(session, people.alice.organization_id, [call(people, number) for number in range(count)])
    session.commit()


def test_it_comes_in_pieces_and_the_cursor_is_closed_when_nobody_reads_on(session: Session, people: People) -> None:
    _fill(session, people, 2_500)
    with db.session() as other:
        pieces = usage_csv(other, people.alice, UsageFilter())
        first = next(pieces)
        assert 400 < first.count(b"\r\n") < 600
        pieces.close()  # type: ignore[attr-defined]
        rest = b"".join(usage_csv(other, people.alice, UsageFilter()))
    rows = list(csv.DictReader(io.StringIO(rest.decode(), newline="")))
    assert tuple(rows[0]) == NAMES
    assert len({row["id"] for row in rows}) == 2_500
    assert [row["timestamp"] for row in rows] == sorted(row["timestamp"] for row in rows)
    assert {row["cost"].partition(".")[2][10:] for row in rows} == {"00"}


def test_parquet_has_row_groups_and_exact_types(session: Session, people: People, monkeypatch: object) -> None:
    from guardian.services.ledger.exports import files

    monkeypatch.setattr(files, "_BATCH_ROWS", 100)  # type: ignore[attr-defined]
    monkeypatch.setattr(files, "_GROUP_ROWS", 1_000)  # type: ignore[attr-defined]
    _fill(session, people, 2_500)
    with db.session() as other:
        pieces = list(usage_parquet(other, people.alice, UsageFilter()))
    assert len(pieces) == 3
    file = pq.ParquetFile(io.BytesIO(b"".join(pieces)))
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [1_000, 1_000, 500]
    table = file.read()
    assert str(table.schema.field("cost").type) == "decimal128(22, 12)"
    assert str(table.schema.field("timestamp").type) == "timestamp[us, tz=UTC]"
    with db.session() as other:
        text = csv.DictReader(io.StringIO(b"".join(usage_csv(other, people.alice, UsageFilter())).decode(), newline=""))
        assert [row["cost"] for row in table.to_pylist()] == [Decimal(row["cost"]) for row in text]
