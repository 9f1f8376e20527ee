"""Google's billing export: the query that adds up a day's lines, and what each line of its answer means."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

from guardian.errors import ProviderContractBroken, ProviderRequestRejected
from guardian.models.enums import Provider
from guardian.periods import DAY, Window, rfc3339
from guardian.providers.google.bigquery import Ask, dry_run, query, strings, timestamp
from guardian.providers.google.keys import Places
from guardian.providers.google.skus import Sku, read_sku
from guardian.providers.reports.reading import Row
from guardian.records import CostRecord

SERVICES = ("AEFD-7695-64FA", "C7E2-9256-1C43")  # Gemini API, Vertex AI
WHERE = "Google's billing export"
_ONE = Decimal(1)

# A FLOAT64's text is what Google wrote; sums of floats would bring digits that nobody billed. Rows are exported on or
# after the day of their use, so the partitions of earlier days are not read, nor billed.
_LINES = """
SELECT
  FORMAT_TIMESTAMP('%F', usage_start_time) AS day,
  project.id AS project, service.id AS service, sku.id AS sku, sku.description AS description,
  {credit} AS credit, {credit_type} AS credit_type, cost_type, currency,
  CAST(currency_conversion_rate AS STRING) AS conversion_rate, usage.unit AS unit,
  CAST(SUM(CAST(CAST({amount} AS STRING) AS BIGNUMERIC)) AS STRING) AS amount,
  {quantity} AS quantity
FROM `{table}`{source}
WHERE service.id IN UNNEST(@services) AND usage_start_time >= @start AND usage_start_time < @end{partitions}
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
"""
_PROJECTS = """
SELECT project.id AS project, MAX(project.name) AS name
FROM `{table}`
WHERE service.id IN UNNEST(@services) AND usage_start_time >= @start AND usage_start_time < @end{partitions}
  AND project.id IS NOT NULL
GROUP BY 1
"""
_PARTITIONS = "\n  AND _PARTITIONTIME >= TIMESTAMP_TRUNC(@start, DAY)"


def lines_sql(table: str, partitions: str = _PARTITIONS) -> str:
    """Charges and, as lines of their own, the credits against them. `table` is checked: it is part of the query."""
    charges = _LINES.format(
        table=table,
        source="",
        credit="CAST(NULL AS STRING)",
        credit_type="CAST(NULL AS STRING)",
        amount="cost",
        quantity="CAST(SUM(CAST(CAST(usage.amount AS STRING) AS BIGNUMERIC)) AS STRING)",
        partitions=partitions,
    )
    credits = _LINES.format(
        table=table,
        source=", UNNEST(credits) AS granted",
        credit="granted.name",
        credit_type="granted.type",
        amount="granted.amount",
        quantity="CAST(NULL AS STRING)",
        partitions=partitions,
    )
    return f"{charges.strip()}\nUNION ALL\n{credits.strip()}"


def projects_sql(table: str, partitions: str = _PARTITIONS) -> str:
    """The projects that were billed, and their names."""
    return _PROJECTS.format(table=table, partitions=partitions).strip()


def read_costs(ask: Ask, places: Places, window: Window) -> Iterator[CostRecord]:
    """The billed lines of the window's days, as they stand now: corrections are rows of the export, and added up."""
    for row in _ask(ask, places, lines_sql, window, query):
        yield read_line(row)


def may_read_costs(ask: Ask, places: Places, window: Window) -> None:
    """Raises ProviderError where the billing export cannot be queried."""
    _ask(ask, places, lines_sql, window, dry_run)


def project_names(ask: Ask, places: Places, window: Window) -> Iterator[tuple[str, str]]:
    """(id, name) of the projects that were billed."""
    for row in _ask(ask, places, projects_sql, window, query):
        yield row.text("project"), row.maybe_text("name") or row.text("project")


def _ask(
    ask: Ask, places: Places, sql: Callable[[str, str], str], window: Window, run: Callable[..., list[Row]]
) -> list[Row]:
    """Ask of the partitions that matter; a view has none to name, and is asked without them."""
    if places.table is None:
        return []
    try:
        return run(ask, places, sql(places.table, _PARTITIONS), _parameters(window), WHERE)
    except ProviderRequestRejected as rejected:
        if "_PARTITIONTIME" not in rejected.message:
            raise
        return run(ask, places, sql(places.table, ""), _parameters(window), WHERE)


def _parameters(window: Window) -> list[dict[str, object]]:
    return [
        strings("services", SERVICES),
        timestamp("start", rfc3339(window.start)),
        timestamp("end", rfc3339(window.end)),
    ]


def read_line(row: Row) -> CostRecord:
    """One line. Amounts are in the billing account's currency; `conversion_rate` units of it are one dollar."""
    start = _day(row)
    description = row.maybe_text("description") or "(not itemised)"
    credit, cost_type = row.maybe_text("credit"), row.maybe_text("cost_type") or "regular"
    sku = read_sku(description)
    native, currency = row.money("amount"), row.text("currency").upper()
    rate = _rate(row, currency)
    dimensions = {**sku.dimensions, **_facts(row)}
    if currency != "USD":
        dimensions |= {"currency": currency, "native_amount": _plain(native), "conversion_rate": _plain(rate)}
    quantity = row.maybe_number("quantity") if credit is None else None
    return CostRecord(
        provider=Provider.GOOGLE,
        start=start,
        end=start + DAY,
        amount=native if rate == _ONE else native / rate,
        line_item=description if credit is None else f"{credit}: {description}",
        project_id=row.maybe_text("project"),
        model=sku.model,
        cost_type=_cost_type(sku, cost_type, credit),
        token_type=sku.token_type if credit is None and cost_type == "regular" else None,
        service_tier=sku.tier,
        quantity=quantity,
        quantity_unit=None if quantity is None else "tokens" if sku.token_type else row.maybe_text("unit"),
        dimensions=dimensions,
    )


def _day(row: Row) -> datetime:
    try:
        return datetime.strptime(row.text("day"), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise row.wrong("day", "a day") from None


def _rate(row: Row, currency: str) -> Decimal:
    rate = row.maybe_number("conversion_rate")
    if rate is None and currency == "USD":
        return _ONE
    if rate is None or rate <= 0:
        raise ProviderContractBroken(
            f"{row.where} is in {currency[:8]} and names no rate to US dollars, so it cannot be added up."
        )
    return rate


def _cost_type(sku: Sku, cost_type: str, credit: str | None) -> str | None:
    """What is not a regular charge (tax, adjustment, rounding_error) says so itself; so do we of a credit."""
    if credit is not None:
        return "credit"
    return sku.cost_type if cost_type == "regular" else cost_type


def _facts(row: Row) -> dict[str, str]:
    """What tells two lines of one description apart."""
    facts = {name: row.maybe_text(name) for name in ("service", "sku", "credit_type")}
    return {name: value for name, value in facts.items() if value is not None}


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
