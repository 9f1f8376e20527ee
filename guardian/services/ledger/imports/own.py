"""Our own usage CSV, as the usage export writes it: the same rows again, to the last digit, and their own prices kept.

A row that is here already, by its id, changes nothing. Another organization's row becomes a row of this one under an id
that is derived from its own, so that reading it twice adds it once. Rows of the reported book come back as such, except
for hours that a pull has covered.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any, cast

import msgspec

from guardian.errors import ValidationError
from guardian.models.enums import CostSource, Provider, UsageOrigin
from guardian.models.usage import Counts
from guardian.periods import DAY
from guardian.records import BillLine, CostBreakdown, UsageCounts, UsageRecord
from guardian.services.ledger.exports.columns import COLUMNS, unescaped
from guardian.services.ledger.imports import table
from guardian.services.ledger.imports.batches import BATCH, Batch, Importing
from guardian.services.ledger.imports.own_books import OwnRow, OwnRows
from guardian.services.ledger.imports.report import Report
from guardian.services.ledger.imports.source import Source
from guardian.services.ledger.imports.values import Cells, clean, dollars, number, whole
from guardian.services.ledger.writing.calls import Call
from guardian.services.ledger.writing.rows import DIMENSIONS_KEY, DOUBTS_KEY, UNCOLUMNED

REQUIRED = frozenset({"id", "timestamp", "provider", "model", "inputTokens", "outputTokens", "costSource", "bill"})
_COUNTS = tuple(name for name in Counts.model_fields if name != "total_tokens")
# Without these, a file of which columns were cut would seem to be of other calls: a count that is missing is not zero.
_NEEDED = frozenset({"origin", "units", "cost", *(COLUMNS[name][0] for name in _COUNTS)})
_EDITED = "{} is not what the export writes there. It may have been edited."
_LAST_PLACE = Decimal("1e-10")  # a cost is the sum of its bill, rounded to this place
_documents = msgspec.json.Decoder(float_hook=Decimal)


def read(source: Source, importing: Importing, report: Report) -> Iterator[Batch]:
    for member in source.members():
        found = _rows(table.rows(member, report), member.name, importing, report)
        while some := list(islice(found, BATCH)):
            yield OwnRows(some)


def _rows(
    lines: Iterator[tuple[int, dict[str, str]]], member: str, importing: Importing, report: Report
) -> Iterator[OwnRow]:
    for line, cells in lines:
        try:
            yield _row(line, member, Cells(cells), importing)
        except ValidationError as error:
            report.refuse(line, error.message, member)


def _row(line: int, member: str, cells: Cells, importing: Importing) -> OwnRow:
    if not cells.row.keys() >= _NEEDED:
        cells.need(min(_NEEDED - cells.row.keys()))
    moment, id = cells.moment("timestamp"), cells.text("id")
    origin = _one_of(UsageOrigin, cells.text("origin"), "origin")
    end = cells.moment("bucketEnd") if cells.maybe("bucketEnd") else None
    if (origin is UsageOrigin.SYNC) != (end is not None):
        raise ValidationError("bucketEnd belongs to rows of origin sync, and only to those.")
    if end is not None and not moment < end <= moment + DAY:
        raise ValidationError("bucketEnd is not within a day after timestamp.")
    units = {unit: number(str(value), unit) for unit, value in _document(cells, "units", dict).items()}
    shares = {name: whole(str(units.pop(name)), name) for name in UNCOLUMNED if name in units}
    metadata = dict(_document(cells, "metadata", dict))
    doubts = _words(metadata.pop(DOUBTS_KEY, []))
    named = _words(metadata.pop(DIMENSIONS_KEY, list(metadata)))
    if not metadata.keys() >= set(named):
        raise ValidationError(_EDITED.format("metadata"))
    dimensions = {name: str(metadata.pop(name)) for name in named}
    counts = {name: cells.count_or_zero(COLUMNS[name][0]) for name in _COUNTS}
    usage = UsageRecord(
        provider=_one_of(Provider, cells.text("provider"), "provider"),
        operation=clean(_text(cells, "operation")) or "",
        model=clean(_text(cells, "model")) or "",
        start=moment,
        end=end or moment,
        counts=UsageCounts(**counts, **shares, units=units),
        requests=None if cells.maybe("requests") is None else cells.count("requests"),
        project_id=_text(cells, "projectId"),
        external_key_id=_text(cells, "externalKeyId"),
        external_user_id=_text(cells, "externalUserId"),
        service_tier=_text(cells, "serviceTier"),
        dimensions=dimensions,
        doubts=doubts,
    )
    total = cells.maybe("totalTokens")
    if total is not None and cells.count("totalTokens") != usage.counts.total_tokens:
        raise ValidationError("totalTokens is not the sum of inputTokens and outputTokens.")
    call = Call(
        identity=("guardian", id),
        origin=origin,
        usage=usage,
        user_id=_text(cells, "userId") or importing.user_id,
        account_id=_text(cells, "accountId"),
        api_key_id=_text(cells, "apiKeyId"),
        cost=_cost(cells),
        response_time=cells.count("responseTime") if cells.maybe("responseTime") else None,
        status_code=cells.count("statusCode") if cells.maybe("statusCode") else None,
        error=_text(cells, "error"),
        session=_text(cells, "session"),
        tags={key: str(value) for key, value in _document(cells, "tags", dict).items()},
        metadata=metadata,
    )
    return OwnRow(line, member, id, call, _text(cells, "series") or "", end)


def _text(cells: Cells, name: str) -> str | None:
    """A text cell as it was written; the cells of other columns are stripped, but a text may have its spaces."""
    return clean(unescaped(cells.row.get(name, "")))


def _one_of(enum: Any, value: str, name: str) -> Any:
    try:
        return enum(value)
    except ValueError:
        raise ValidationError(f"{name} is {value[:40]!r}, which is none of {', '.join(enum)}.") from None


def _document(cells: Cells, name: str, kind: type[Any]) -> Any:
    raw = cells.row.get(name, "").strip()
    try:
        found = _documents.decode(raw) if raw else kind()
    except msgspec.MsgspecError:
        found = None
    if not isinstance(found, kind):
        raise ValidationError(_EDITED.format(name))
    return found


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in cast("list[object]", value)):
        raise ValidationError(_EDITED.format("metadata"))
    return tuple(dict.fromkeys(cast("list[str]", value)))


def _cost(cells: Cells) -> CostBreakdown:
    source = _one_of(CostSource, cells.text("costSource"), "costSource")
    amount = cells.maybe_number("cost")
    if (amount is None) != (source is CostSource.UNPRICED):
        raise ValidationError("cost is empty exactly where costSource is unpriced.")
    if amount is not None and dollars(amount, None, "cost") < 0:
        raise ValidationError("cost is negative.")
    lines = tuple(_line(line) for line in cast("list[object]", _document(cells, "bill", list)))
    if lines and abs(sum((line.amount for line in lines), Decimal(0)) - (amount or 0)) >= _LAST_PLACE:
        raise ValidationError("cost is not the sum of the bill.")
    return CostBreakdown(
        amount=amount,
        source=source,
        lines=lines,
        price_source=_text(cells, "priceSource"),
        price_version=_text(cells, "priceVersion"),
        price_ref=_text(cells, "priceRef"),
        reason=_text(cells, "costReason"),
    )


def _line(line: object) -> BillLine:
    try:
        parts = cast("Mapping[str, str]", line)
        numbers = {name: number(str(parts[name]), name) for name in ("quantity", "unit_price", "multiplier", "amount")}
        return BillLine(unit=str(parts["unit"]), **numbers)
    except (KeyError, TypeError):
        raise ValidationError(_EDITED.format("bill")) from None
