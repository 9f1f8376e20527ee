"""Rows of Anthropic's usage and cost reports as records."""

from datetime import datetime
from decimal import Decimal

from guardian.errors import ProviderContractBroken
from guardian.models.enums import Provider
from guardian.providers.reports.reading import Row, dollars_from_cents
from guardian.records import UNKNOWN_MODEL, CostRecord, UsageCounts, UsageRecord

USAGE_GROUPS = (
    "api_key_id",
    "workspace_id",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
    "account_id",
    "service_account_id",
    "speed",
)
# In the order in which they are given up when Anthropic calls the request wrong: speed is in beta, and not every
# organization has accounts to group by.
DROPPABLE_GROUPS = ("speed", "service_account_id", "account_id")
COST_GROUPS = ("workspace_id", "description")


def read_usage(row: Row, start: datetime, end: datetime) -> UsageRecord:
    """One row of usage_report/messages. Its kinds of input are disjoint; requests are not counted by Anthropic."""
    created = row.child("cache_creation")
    uncached, read = row.count("uncached_input_tokens"), row.count("cache_read_input_tokens")
    written_5m, written_1h = created.count("ephemeral_5m_input_tokens"), created.count("ephemeral_1h_input_tokens")
    searches = row.maybe_child("server_tool_use").count_or_zero("web_search_requests")
    account, service = row.maybe_text("account_id"), row.maybe_text("service_account_id")
    dimensions = {n: v for n in ("context_window", "inference_geo", "speed") if (v := row.maybe_text(n)) is not None}
    if account and service:
        dimensions["service_account_id"] = service
    return UsageRecord(
        provider=Provider.ANTHROPIC,
        operation="message",
        model=row.maybe_text("model") or UNKNOWN_MODEL,
        start=start,
        end=end,
        counts=UsageCounts(
            input_tokens=uncached + read + written_5m + written_1h,
            output_tokens=row.count("output_tokens"),
            cache_read_tokens=read,
            cache_write_5m_tokens=written_5m,
            cache_write_1h_tokens=written_1h,
            units={"web_search_requests": Decimal(searches)} if searches else {},
        ),
        project_id=row.maybe_text("workspace_id"),
        external_key_id=row.maybe_text("api_key_id"),
        external_user_id=account or service,
        service_tier=row.maybe_text("service_tier"),
        dimensions=dimensions,
    )


def read_cost(row: Row, start: datetime, end: datetime) -> CostRecord:
    """One row of cost_report. Amounts are decimal strings in cents; the priority tier is not in this report."""
    currency = row.text("currency")
    if currency.upper() != "USD":
        raise ProviderContractBroken(f"{row.where} is in {currency[:8]}, not in US dollars: it cannot be added up.")
    return CostRecord(
        provider=Provider.ANTHROPIC,
        start=start,
        end=end,
        amount=dollars_from_cents(row.money("amount")),
        line_item=row.maybe_text("description") or "(not itemised)",
        project_id=row.maybe_text("workspace_id"),
        model=row.maybe_text("model"),
        cost_type=row.maybe_text("cost_type"),
        token_type=row.maybe_text("token_type"),
        service_tier=row.maybe_text("service_tier"),
        dimensions={n: v for n in ("context_window", "inference_geo") if (v := row.maybe_text(n)) is not None},
    )
