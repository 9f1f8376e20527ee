"""The providers' example answers, read by the adapters and priced: usage costs what the cost report beside it bills."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from guardian.models.enums import CostSource
from guardian.pricing.calculator import price
from guardian.providers.anthropic import reports as anthropic
from guardian.providers.openai import reports as openai
from guardian.providers.reports.reading import Row
from guardian.records import CostBreakdown, UsageRecord

EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples"
DAY = datetime(2026, 11, 1, tzinfo=UTC)
NEXT = datetime(2026, 11, 2, tzinfo=UTC)


def rows(file: str) -> list[Row]:
    """All rows of a page's first bucket, the day that both reports have."""
    page: dict[str, Any] = json.loads((EXAMPLES / file).read_text(), parse_float=Decimal)
    return [Row(raw, file) for raw in page["data"][0]["results"]]


def prices(records: list[UsageRecord]) -> list[CostBreakdown]:
    bills = [price(record) for record in records]
    assert {bill.source for bill in bills} == {CostSource.COMPUTED}
    return bills


def test_openais_usage_costs_what_openai_bills_line_by_line() -> None:
    report = openai.REPORTS["completions"]
    records = [openai.read_usage(report, r, DAY, NEXT) for r in rows("openai/usage_completions_grouped_page1.json")]
    billed = [openai.read_cost(r, DAY, NEXT) for r in rows("openai/costs_grouped.json")]
    tokens = [(line.quantity, line.amount) for line in billed if line.cost_type == "tokens"]
    ours = [(line.quantity, line.amount) for bill in prices(records) for line in bill.lines]
    assert sorted(ours) == sorted((quantity, amount) for quantity, amount in tokens if quantity is not None)
    assert sum(amount for _, amount in ours) == Decimal("5.2825")


def test_openais_tool_calls_without_a_model_cost_what_openai_bills() -> None:
    [billed] = [
        line
        for line in (openai.read_cost(r, DAY, NEXT) for r in rows("openai/costs_grouped.json"))
        if line.line_item == "web search tool calls"
    ]
    report = openai.REPORTS["web_search_calls"]
    row = Row({"num_requests": billed.quantity, "num_model_requests": 3, "model": None}, "a row")
    bill = price(openai.read_usage(report, row, DAY, NEXT))
    assert (bill.amount, bill.source) == (billed.amount, CostSource.ESTIMATED)


def test_anthropics_usage_costs_what_anthropic_bills_line_by_line() -> None:
    page = rows("anthropic/usage_report_messages_grouped_page1.json")
    opus, haiku = prices([anthropic.read_usage(r, DAY, NEXT) for r in page])
    billed = [anthropic.read_cost(r, DAY, NEXT) for r in rows("anthropic/cost_report_grouped.json")]
    # Code execution is billed, but no usage report tells it.
    assert sorted(line.amount for line in opus.lines) == sorted(
        line.amount for line in billed if line.cost_type != "code_execution"
    )
    assert opus.amount == Decimal("29.23")
    assert haiku.amount == Decimal("0.04625")
