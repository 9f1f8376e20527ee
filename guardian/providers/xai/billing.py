"""xAI's billing usage: the question, and its time series as lines of the bill.

Money has four units at xAI, each in its own place: `usage.cost_in_usd_ticks` of an answer is 1e-10 dollars, the values
of the billing usage are dollars, balances and amounts of invoices are cents, unit prices of invoices millionths of a
cent. Only dollars and cents are read here.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from guardian.errors import ProviderContractBroken
from guardian.models.enums import Provider
from guardian.periods import DAY, HOUR, Window, floor_day
from guardian.providers.reports.reading import Row, dollars_from_cents
from guardian.records import Balance, CostRecord

WHERE = "xAI's billing usage"
GROUPS = ("api_key_id", "description")
# `usage` is refused by some teams' API as an unknown field (seen by sub2api), and only the costs are left then.
VALUES = ("usd", "usage")
DROPPABLE = ("usage", "api_key_id")

# "grok-4.3 text output tokens". Descriptions are free text and not enumerated: what does not look so stays whole.
_TOKENS = re.compile(r"^(?P<model>grok\S*) (?P<kind>.*tokens)$", re.IGNORECASE)
_TOOLS = {
    "web search": "web_search",
    "x search": "x_search",
    "code execution": "code_execution",
    "code interpreter": "code_execution",
    "document search": "file_search",
    "collections search": "file_search",
}


def question(window: Window, features: Sequence[str], now: datetime, unit: str | None = None) -> dict[str, Any]:
    """The body that asks for the sums of `window`, by day where it is of whole days, else by hour; or by `unit`.

    It ends now at the latest: that times to come can be asked for is nowhere said.
    """
    whole = (window.end - window.start) % DAY == timedelta(0)
    return {
        "analyticsRequest": {
            "timeRange": {
                "startTime": f"{window.start:%Y-%m-%d %H:%M:%S}",
                "endTime": f"{min(window.end, now):%Y-%m-%d %H:%M:%S}",
                "timezone": "Etc/GMT",
            },
            "timeUnit": unit or ("TIME_UNIT_DAY" if whole else "TIME_UNIT_HOUR"),
            "values": [{"name": name, "aggregation": "AGGREGATION_SUM"} for name in VALUES if name in features],
            "groupBy": [name for name in GROUPS if name in features],
            "filters": [],
        }
    }


def narrower(window: Window) -> Sequence[Window]:
    """Two halves of whole days, or of whole hours of one day. Raises ProviderContractBroken for a single hour."""
    size = DAY if window.end - window.start > DAY else HOUR
    pieces = round((window.end - window.start) / size)
    if pieces < 2:
        raise ProviderContractBroken(
            f"{WHERE} is cut off even for the single hour of {window.start:%Y-%m-%d %H:%M} UTC: too many keys and line "
            "items for one answer, so its sums are incomplete."
        )
    middle = window.start + pieces // 2 * size
    return Window(window.start, middle), Window(middle, window.end)


def is_cut_off(page: Row) -> bool:
    """Whether series are missing from the answer. Fields that have their default value may be left out."""
    return page.maybe_flag("limitReached") or False


def read_costs(page: Row, features: Sequence[str], window: Window) -> Iterator[CostRecord]:
    """The lines of the bill, each in its UTC day; points are dense, and those without money say nothing."""
    values = [name for name in VALUES if name in features]
    groups = [name for name in GROUPS if name in features]
    for series in _rows(page, "timeSeries"):
        group = _named(series, "group", groups)
        for point in _rows(series, "dataPoints"):
            at = point.moment("timestamp")
            found = _named(point, "values", values)
            amount = found.money("usd") if found.raw else Decimal(0)
            if amount and window.start <= at < window.end:
                yield _record(group, found, amount, at)


def read_labels(page: Row) -> Iterator[tuple[str, str]]:
    """The ids of keys, and the names that people gave them, of series that are grouped by key alone."""
    for series in _rows(page, "timeSeries"):
        key = _named(series, "group", ["api_key_id"]).maybe_text("api_key_id")
        label = _named(series, "groupLabels", ["api_key_id"]).maybe_text("api_key_id")
        if key and label:
            yield key, label


def read_balance(answer: Row) -> Balance | None:
    """The prepaid credit. What was bought counts as negative cents and what was spent as positive ones."""
    if answer.raw.get("total") is None:
        return None
    total = answer.child("total")
    cents = total.money("val") if total.raw else Decimal(0)
    return Balance(dollars_from_cents(Decimal(0) - cents))


def _record(group: Row, values: Row, amount: Decimal, at: datetime) -> CostRecord:
    line = group.maybe_text("description") or "(not itemised)"
    tokens = _TOKENS.match(line)
    quantity = values.maybe_number("usage")
    start = floor_day(at)
    return CostRecord(
        provider=Provider.XAI,
        start=start,
        end=start + DAY,
        amount=amount,
        line_item=line,
        external_key_id=group.maybe_text("api_key_id"),
        model=tokens["model"] if tokens else None,
        cost_type="tokens" if tokens else _TOOLS.get(line.lower()),
        token_type=tokens["kind"].lower().replace(" ", "_") if tokens else None,
        quantity=quantity or None,
        quantity_unit="tokens" if tokens and quantity else None,
    )


def _rows(row: Row, name: str) -> list[Row]:
    return row.rows(name) if row.raw.get(name) is not None else []


def _named(row: Row, field: str, names: Sequence[str]) -> Row:
    """A list whose places have the meaning of `names`; an absent one has only defaults."""
    found: object = row.raw.get(field)
    if found is None or found == []:
        return Row({}, row.where)
    if not isinstance(found, list) or len(cast("list[object]", found)) != len(names):
        raise row.wrong(field, f"a list of {len(names)}")
    return Row(dict(zip(names, cast("list[object]", found), strict=True)), row.where)
