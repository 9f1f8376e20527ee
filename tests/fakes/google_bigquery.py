"""The billing export of the fake BigQuery, and as much SQL as queries about it need; anything else is refused."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.fakes.reporting import Refused, Reply

Credit = tuple[str, str, Decimal]
_SERVICE = "C7E2-9256-1C43"  # Vertex AI
_BODY = {
    "query",
    "useLegacySql",
    "parameterMode",
    "queryParameters",
    "timeoutMs",
    "maxResults",
    "location",
    "requestId",
    "dryRun",
}
_SELECT = re.compile(
    r"SELECT\s+(?P<items>.*?)\s+FROM `(?P<table>[^`]+)`(?P<unnest>, UNNEST\(credits\) AS granted)?\s+"
    r"WHERE (?P<where>.*?)\s+GROUP BY (?P<groups>[\d, ]+)",
    re.DOTALL,
)
_SUM = re.compile(r"CAST\(SUM\(CAST\(CAST\(([\w.]+) AS STRING\) AS BIGNUMERIC\)\) AS STRING\)")


def refuse(status: int, message: str, reason: str) -> Refused:
    errors = [{"reason": reason, "message": message, "domain": "global"}]
    state = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND"}[status]
    return Refused(Reply({"error": {"code": status, "message": message, "status": state, "errors": errors}}, status))


@dataclass
class ExportRow:
    """One row of the export: `at` in unix seconds, amounts in `currency`, `rate` of which are a dollar."""

    at: int
    cost: Decimal
    description: str
    project: str | None = "my-proj"
    project_name: str | None = "My project"
    service: str = _SERVICE
    sku: str = "911A-8880-A243"
    cost_type: str = "regular"
    currency: str = "USD"
    rate: Decimal | None = Decimal(1)
    unit: str = "count"
    amount: Decimal = Decimal(0)
    credits: tuple[Credit, ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any], shift: int = 0) -> "ExportRow":
        """A row as BigQuery has it, of the contract's example."""
        return cls(
            int(datetime.fromisoformat(row["usage_start_time"]).timestamp()) + shift,
            row["cost"],
            row["sku"]["description"],
            project=row["project"]["id"],
            project_name=row["project"]["name"],
            service=row["service"]["id"],
            sku=row["sku"]["id"],
            cost_type=row["cost_type"],
            currency=row["currency"],
            rate=row["currency_conversion_rate"],
            unit=row["usage"]["unit"],
            amount=row["usage"]["amount"],
            credits=tuple((c["name"], c["type"], c["amount"]) for c in row["credits"]),
        )


Value = Callable[[ExportRow, Credit | None], Any]
_VALUES: dict[str, Value] = {
    "FORMAT_TIMESTAMP('%F', usage_start_time)": lambda r, _: f"{datetime.fromtimestamp(r.at, UTC):%Y-%m-%d}",
    "project.id": lambda r, _: r.project,
    "service.id": lambda r, _: r.service,
    "sku.id": lambda r, _: r.sku,
    "sku.description": lambda r, _: r.description,
    "cost_type": lambda r, _: r.cost_type,
    "currency": lambda r, _: r.currency,
    "CAST(currency_conversion_rate AS STRING)": lambda r, _: None if r.rate is None else str(r.rate),
    "usage.unit": lambda r, _: r.unit,
    "CAST(NULL AS STRING)": lambda _r, _: None,
    "granted.name": lambda _r, c: c[0] if c else None,
    "granted.type": lambda _r, c: c[1] if c else None,
}
_NUMBERS: dict[str, Value] = {
    "cost": lambda r, _: r.cost,
    "usage.amount": lambda r, _: r.amount,
    "granted.amount": lambda _r, c: c[2] if c else None,
}
_CONDITIONS: dict[str, Callable[[ExportRow, Mapping[str, Any]], bool]] = {
    "service.id IN UNNEST(@services)": lambda r, p: r.service in p["services"],
    "usage_start_time >= @start": lambda r, p: r.at >= p["start"],
    "usage_start_time < @end": lambda r, p: r.at < p["end"],
    "_PARTITIONTIME >= TIMESTAMP_TRUNC(@start, DAY)": lambda _r, _p: True,
    "project.id IS NOT NULL": lambda r, _: r.project is not None,
}


def execute(rows: Sequence[ExportRow], body: Mapping[str, Any], *, table: str, is_view: bool) -> dict[str, Any]:
    """`schema` and `rows` of the answer to jobs.query. Raises Refused for what is not understood."""
    if unknown := body.keys() - _BODY:
        raise refuse(400, f"Unknown name {unknown}: Cannot find field.", "badRequest")
    if body.get("useLegacySql") is not False or body.get("parameterMode") != "NAMED":
        raise refuse(400, "The fake speaks standard SQL with named parameters.", "invalidQuery")
    parameters = {p["name"]: _parameter(p) for p in body["queryParameters"]}
    sql = body["query"]
    if is_view and "_PARTITIONTIME" in sql:
        raise refuse(400, "Unrecognized name: _PARTITIONTIME at [9:7]", "invalidQuery")
    found: list[list[Any]] = []
    names: list[str] = []
    for select in sql.split("UNION ALL"):
        parts = _SELECT.fullmatch(select.strip())
        if not parts:
            raise refuse(400, "Syntax error: the fake does not understand this query.", "invalidQuery")
        if parts["table"] != table:
            raise refuse(404, f"Not found: Table {parts['table']} was not found in location EU", "notFound")
        items = _items(parts["items"])
        names = names or [name for _, name in items]
        found += _run(rows, [expression for expression, _ in items], parts, parameters)
    cells = [{"f": [{"v": value} for value in row]} for row in sorted(found, key=str)]
    return {"schema": {"fields": [{"name": n, "type": "STRING", "mode": "NULLABLE"} for n in names]}, "rows": cells}


def _parameter(parameter: Mapping[str, Any]) -> Any:
    kind, value = parameter["parameterType"]["type"], parameter["parameterValue"]
    if kind == "TIMESTAMP":
        return datetime.fromisoformat(value["value"]).timestamp()
    return [item["value"] for item in value["arrayValues"]]


def _items(text: str) -> list[tuple[str, str]]:
    """(expression, name) of each column."""
    depth, item, found = 0, "", list[str]()
    for char in text:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and not depth:
            found.append(item)
            item = ""
        else:
            item += char
    named = [re.fullmatch(r"(.*?)(?: AS (\w+))?", part.strip(), re.DOTALL) for part in [*found, item]]
    return [(match[1], match[2] or match[1]) for match in named if match]


def _run(
    rows: Sequence[ExportRow], expressions: Sequence[str], parts: re.Match[str], parameters: Mapping[str, Any]
) -> list[list[Any]]:
    grouped = [int(ordinal) - 1 for ordinal in parts["groups"].split(",")]
    for index, expression in enumerate(expressions):
        known = expression in _VALUES if index in grouped else _is_aggregate(expression)
        if not known:
            raise refuse(400, f"{expression} is neither grouped nor aggregated, or unknown.", "invalidQuery")
    conditions = [condition.strip() for condition in parts["where"].split(" AND ")]
    if unknown := set(conditions) - _CONDITIONS.keys():
        raise refuse(400, f"Unknown condition {unknown}.", "invalidQuery")
    groups: dict[tuple[Any, ...], list[tuple[ExportRow, Credit | None]]] = {}
    for row in rows:
        if not all(_CONDITIONS[condition](row, parameters) for condition in conditions):
            continue
        for credit in row.credits if parts["unnest"] else [None]:
            key = tuple(_VALUES[expressions[index]](row, credit) for index in grouped)
            groups.setdefault(key, []).append((row, credit))
    return [
        [key[grouped.index(i)] if i in grouped else _aggregate(e, members) for i, e in enumerate(expressions)]
        for key, members in groups.items()
    ]


def _is_aggregate(expression: str) -> bool:
    total = _SUM.fullmatch(expression)
    return expression in ("CAST(NULL AS STRING)", "MAX(project.name)") or (total is not None and total[1] in _NUMBERS)


def _aggregate(expression: str, members: Sequence[tuple[ExportRow, Credit | None]]) -> Any:
    if expression == "MAX(project.name)":
        return max((row.project_name or "" for row, _ in members), default=None)
    total = _SUM.fullmatch(expression)
    if total is None:
        return None
    return format(sum((Decimal(_NUMBERS[total[1]](row, credit)) for row, credit in members), Decimal(0)), "f")
