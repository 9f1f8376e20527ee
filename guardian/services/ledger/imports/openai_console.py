"""Rows of the CSV files that OpenAI's console exports (Usage, Spend), as records: the API's fields, a column each."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from guardian.errors import ValidationError
from guardian.periods import DAY, floor_day
from guardian.providers.openai import reports
from guardian.providers.reports.reading import Row
from guardian.records import CostRecord, UsageRecord
from guardian.services.ledger.imports.names import KnownNames
from guardian.services.ledger.imports.values import Cells, clean, number, whole

_TIMES = frozenset({"start_time", "end_time"})
_WHERE = "OpenAI's export"
# Which report a file is of, by a column that only it has. Without any of them it is an export of no rows.
_SERIES: tuple[tuple[str, str], ...] = (
    ("images", "images"),
    ("characters", "audio_speeches"),
    ("seconds", "audio_transcriptions"),
    ("usage_bytes", "vector_stores"),
    ("num_sessions", "code_interpreter_sessions"),
    ("vector_store_id", "file_search_calls"),
    ("context_level", "web_search_calls"),
    ("output_tokens", "completions"),
)
_COUNT = re.compile(r"(input|output)_.*tokens$|num_.*|images|characters|usage_bytes|.*sessions")
_NUMBER = re.compile(r"seconds|quantity")
# The console's columns beside the API's.
_OTHER = {"project": "project_id", "api_key": "api_key_id", "user": "user_id"}
_CACHED = ("input_cached_tokens", "cached_input_tokens")


def is_usage(names: frozenset[str]) -> bool:
    return names >= _TIMES and not is_costs(names)


def is_costs(names: frozenset[str]) -> bool:
    return names >= _TIMES and bool(names & {"amount_value", "amount_cents"})


def usage(cells: Cells, names: KnownNames) -> tuple[str, UsageRecord] | None:
    """(report, record) of a usage row; None for a bucket in which nothing was used. Raises ValidationError."""
    series = _series(cells)
    raw = _typed(cells, names)
    start, end = _span(cells)
    if not any(_COUNT.fullmatch(name) or name == "seconds" for name in raw):
        return None
    if series == "completions":
        cells.need("input_tokens")
        cells.need(*_CACHED)
    if series in ("completions", "embeddings", "moderations"):
        raw.setdefault("input_tokens", 0)
        raw.setdefault("output_tokens", 0)
        raw.setdefault("input_cached_tokens", next((raw[name] for name in _CACHED if name in raw), 0))
    report = reports.REPORTS[series]
    if report.requests is not None:
        raw.setdefault(report.requests, 0)
    return series, reports.read_usage(report, Row(raw, _WHERE), start, end)


def cost(cells: Cells, names: KnownNames) -> tuple[str, CostRecord] | None:
    """(report, record) of a cost row; None for a day without costs. Raises ValidationError."""
    start, end = _span(cells)
    value = cells.maybe_number("amount_value")
    if value is None and (cents := cells.maybe_number("amount_cents")) is not None:
        value = cents / 100
    if value is None:
        return None
    amount = {"value": value, "currency": cells.maybe("amount_currency", "currency") or "usd"}
    return "costs", reports.read_cost(Row({**_typed(cells, names), "amount": amount}, _WHERE), start, end)


def _series(cells: Cells) -> str:
    """The report of the row's file. A file of embeddings or moderations has no column of its own but the model's."""
    found = next((series for column, series in _SERIES if column in cells.row), None)
    if found is not None:
        return found
    model = (cells.maybe("model") or "").lower()
    return "moderations" if "moderation" in model else "embeddings"


def _span(cells: Cells) -> tuple[datetime, datetime]:
    """The row's bucket. The ledger takes whole files day by day, so that buckets lie within one UTC day."""
    start = cells.moment("start_time", "start_time_iso")
    end = cells.moment("end_time", "end_time_iso")
    if not start < end <= floor_day(start) + DAY:
        raise ValidationError("The row's bucket is not within one UTC day. Export the usage by day.")
    return floor_day(start), floor_day(start) + DAY


def _typed(cells: Cells, names: KnownNames) -> dict[str, Any]:
    """The row as the API would have it in JSON. Empty cells are left out."""
    found: dict[str, Any] = {}
    for name in cells.row:
        value = clean(cells.maybe(name))
        if value is None:
            continue
        if _COUNT.fullmatch(name):
            found[name] = whole(value, name)
        elif _NUMBER.fullmatch(name):
            found[name] = number(value, name)
        elif name == "batch":
            found[name] = _flag(value)
        else:
            found[_OTHER.get(name, name)] = value
    _rename(found, names)
    return found


def _rename(found: dict[str, Any], names: KnownNames) -> None:
    for name, known in (("project_id", names.project), ("api_key_id", names.key)):
        if name in found:
            found[name] = known(found[name])


_FLAGS: Mapping[str, bool] = {"true": True, "false": False, "1": True, "0": False}


def _flag(value: str) -> bool:
    if value.lower() not in _FLAGS:
        raise ValidationError(f"batch is {value[:20]!r}, not true or false.")
    return _FLAGS[value.lower()]
