"""Perplexity's answers: the Agent API's responses, embeddings and searches, and the retired Sonar chat for old data.

`usage.cost.total_cost` is what was billed, in dollars; it is optional.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from guardian.providers.usage.fields import Fields, in_dollars
from guardian.providers.usage.openai import stated
from guardian.providers.usage.stated import Settings, StatedUsage
from guardian.providers.usage.sums import check_sum, counts_of, fit, two_totals
from guardian.records import UsageCounts

Body = Mapping[str, Any]
_TOOLS = {"search_web": "web_search_requests", "web_search": "web_search_requests", "fetch_url": "url_fetch_requests"}
# The name under which a search is priced: its answer names no model.
SEARCH_MODEL = "search"


def responses(body: Body, settings: Settings) -> StatedUsage | None:
    """An answer of the Agent API, or the `response` of a stream's last event; the cache is within the input."""
    del settings
    answer = Fields(body, "Perplexity's response")
    usage = answer.child("usage")
    if not usage:
        return None
    found, output = two_totals(usage, "input_tokens", "output_tokens")
    check_sum(usage, found + output)
    details = usage.child("input_tokens_details")
    shares = {
        "cache_write_5m_tokens": details.share("cache_creation_input_tokens"),
        "cache_read_tokens": details.share("cache_read_input_tokens"),
    }
    thought = usage.child("output_tokens_details").share("reasoning_tokens")
    units: dict[str, Decimal] = {}
    tools = usage.child("tool_calls_details")
    for tool in tools.raw:
        if calls := tools.child(tool).share("invocation"):
            unit = _TOOLS.get(tool, f"{tool}_requests")
            units[unit] = units.get(unit, Decimal(0)) + calls
    inputs = fit(usage, found, "input_tokens", shares)
    outputs = fit(usage, output, "output_tokens", {"reasoning_tokens": thought})
    return stated(answer, counts_of(found, output, inputs, outputs, units=units), _dollars(usage))


def embeddings(body: Body, settings: Settings) -> StatedUsage | None:
    """All of it is input."""
    del settings
    answer = Fields(body, "Perplexity's embeddings answer")
    usage = answer.child("usage")
    if not usage:
        return None
    found, _ = two_totals(usage, "prompt_tokens", "completion_tokens", output_needed=False)
    check_sum(usage, found)
    return stated(answer, UsageCounts(input_tokens=found), _dollars(usage))


def search(body: Body, settings: Settings) -> StatedUsage | None:
    """A search has no usage: it is one request, at a flat price."""
    del settings
    answer = Fields(body, "Perplexity's search answer")
    return StatedUsage(counts=UsageCounts(), model=SEARCH_MODEL, response_id=answer.text("id"))


def sonar(body: Body, settings: Settings) -> StatedUsage | None:
    """A Sonar chat completion, until September 2026. Citations and, in deep research, reasoning are billed apart.

    Only deep research is billed by its search queries; the others pay a fee per request, by search_context_size.
    """
    del settings
    answer = Fields(body, "Perplexity's chat answer")
    usage = answer.child("usage")
    if not usage:
        return None
    found, completion = two_totals(usage, "prompt_tokens", "completion_tokens")
    check_sum(usage, found + completion)
    # Deep research counts and bills its reasoning beside the completion; the total is of prompt and completion alone.
    thought = usage.share("reasoning_tokens")
    output = completion + thought
    units: dict[str, Decimal] = {}
    if cited := usage.share("citation_tokens"):
        units["citation_tokens"] = Decimal(cited)
    queries = usage.share("num_search_queries")
    if queries and "deep-research" in (answer.text("model") or ""):
        units["web_search_requests"] = Decimal(queries)
    cost = _dollars(usage)
    if cost == 0 and output:
        usage.doubt("its cost is stated as 0, as in a stream that was cut, and is left out")
        cost = None
    size = usage.text("search_context_size")
    return StatedUsage(
        counts=counts_of(found, output, {"reasoning_tokens": thought}, units=units),
        model=answer.text("model"),
        response_id=answer.text("id"),
        provider_cost=cost,
        dimensions={"search_context_size": size.lower()} if size else {},
        doubts=tuple(answer.doubts),
    )


def _dollars(usage: Fields) -> Decimal | None:
    cost = usage.child("cost")
    currency = cost.text("currency")
    if currency and currency.upper() != "USD":
        usage.doubt(f"its cost is stated in {currency[:8]}, not in dollars, and is left out")
        return None
    return in_dollars(usage, cost.money("total_cost"))
