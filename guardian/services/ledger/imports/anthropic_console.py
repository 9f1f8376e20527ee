"""Rows of the CSV files that Anthropic's console exports (Usage, Cost), as records. Amounts there are in dollars."""

from datetime import datetime
from decimal import Decimal

from guardian.errors import ValidationError
from guardian.models.enums import Provider
from guardian.periods import DAY, floor_day
from guardian.records import UNKNOWN_MODEL, CostRecord, UsageCounts, UsageRecord
from guardian.services.ledger.imports.names import KnownNames
from guardian.services.ledger.imports.values import Cells, clean, dollars

_USAGE = frozenset({"usage_date_utc", "usage_input_tokens_no_cache", "usage_output_tokens"})
# The console's words for the lengths of requests, in those of the API's report.
_WINDOWS = {"≤ 200k": "0-200k", "<= 200k": "0-200k", "> 200k": "200k-1M"}
_UNTOLD = ("not_available", "global", "standard", "n/a")


def is_usage(names: frozenset[str]) -> bool:
    return names >= _USAGE


def is_costs(names: frozenset[str]) -> bool:
    return "usage_date_utc" in names and bool(names & {"cost_usd", "cost_cents"})


def usage(cells: Cells, names: KnownNames) -> tuple[str, UsageRecord]:
    """(report, record) of a usage row. Raises ValidationError."""
    day = _day(cells)
    cells.need("usage_input_tokens_cache_read")
    cells.need("usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write")
    uncached, read = cells.count("usage_input_tokens_no_cache"), cells.count_or_zero("usage_input_tokens_cache_read")
    written = cells.count_or_zero("usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write")
    hour = cells.count_or_zero("usage_input_tokens_cache_write_1h")
    searches = cells.count_or_zero("web_search_count")
    record = UsageRecord(
        provider=Provider.ANTHROPIC,
        operation="message",
        model=clean(cells.maybe("model_version", "model")) or UNKNOWN_MODEL,
        start=day,
        end=day + DAY,
        counts=UsageCounts(
            input_tokens=uncached + read + written + hour,
            output_tokens=cells.count("usage_output_tokens"),
            cache_read_tokens=read,
            cache_write_5m_tokens=written,
            cache_write_1h_tokens=hour,
            units={"web_search_requests": Decimal(searches)} if searches else {},
        ),
        project_id=_workspace(cells, names),
        external_key_id=names.key(clean(cells.maybe("api_key_id", "api_key"))),
        service_tier=clean(cells.maybe("usage_type")),
        dimensions=_dimensions(cells),
    )
    return "messages", record


def cost(cells: Cells, names: KnownNames) -> tuple[str, CostRecord]:
    """(report, record) of a cost row. Raises ValidationError."""
    day = _day(cells)
    told = cells.maybe_number("cost_usd")
    amount = cells.number("cost_cents") / 100 if told is None else told
    model, token_type = clean(cells.maybe("model")), clean(cells.maybe("token_type"))
    cost_type = clean(cells.maybe("cost_type"))
    record = CostRecord(
        provider=Provider.ANTHROPIC,
        start=day,
        end=day + DAY,
        amount=dollars(amount, cells.maybe("currency"), "cost_usd"),
        line_item=" - ".join(filter(None, (model, token_type or cost_type))) or "(not itemised)",
        project_id=_workspace(cells, names),
        external_key_id=names.key(clean(cells.maybe("api_key_id", "api_key"))),
        model=model,
        cost_type=cost_type,
        token_type=token_type,
        service_tier=clean(cells.maybe("usage_type")),
        dimensions=_dimensions(cells),
    )
    return "costs", record


def _day(cells: Cells) -> datetime:
    moment = cells.moment("usage_date_utc")
    if floor_day(moment) != moment:
        raise ValidationError("usage_date_utc is not a whole day.")
    return moment


def _workspace(cells: Cells, names: KnownNames) -> str | None:
    """The API's report has no id for the default workspace."""
    name = clean(cells.maybe("workspace"))
    return None if name in (None, "Default") else names.project(name)


def _dimensions(cells: Cells) -> dict[str, str]:
    found = {name: value for name in ("inference_geo", "speed") if (value := clean(cells.maybe(name)))}
    found = {name: value for name, value in found.items() if value.lower() not in _UNTOLD}
    length = clean(cells.maybe("context_window"))
    if length is not None:
        found["context_window"] = _WINDOWS.get(length, length)
    return found
