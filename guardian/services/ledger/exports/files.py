"""Rows as the bytes of a file, piece by piece: CSV (RFC 4180, UTF-8), and Parquet with row groups of 50,000."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

_CSV_ROWS, _BATCH_ROWS, _GROUP_ROWS = 500, 2_000, 50_000


def csv_file(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """`rows` are cells as text, in the order of `names`."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(names)
    left = iter(rows)
    while True:
        some = list(islice(left, _CSV_ROWS))
        writer.writerows(some)
        yield buffer.getvalue().encode("utf-8", "replace")
        if not some:
            return
        buffer.seek(0)
        buffer.truncate()


def parquet_file(schema: Any, rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """`rows` are values by the names of the Arrow schema. A row group is kept packed until it is whole."""
    sink = _Sink()
    arrow, left = cast("Any", pa), iter(rows)
    with pq.ParquetWriter(arrow.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        group: list[Any] = []
        while some := list(islice(left, _BATCH_ROWS)):
            group.append(arrow.RecordBatch.from_pylist(some, schema=schema))
            if len(group) * _BATCH_ROWS >= _GROUP_ROWS:
                writer.write_table(arrow.Table.from_batches(group), row_group_size=_GROUP_ROWS)
                group = []
                yield sink.take()
        if group:
            writer.write_table(arrow.Table.from_batches(group), row_group_size=_GROUP_ROWS)
    yield sink.take()


class _Sink(io.RawIOBase):
    """What Arrow has written since it was last asked; it never goes back."""

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        piece = bytes(data)
        self._written.append(piece)
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._size

    def take(self) -> bytes:
        pieces, self._written = self._written, []
        return b"".join(pieces)
