"""xAI's answers: chat completions, responses, images and videos. Each states the exact price that it was billed.

`usage.cost_in_usd_ticks`: 10,000,000,000 ticks are a dollar; tokens and tools, after every discount.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from guardian.providers.usage.fields import Fields, in_dollars
from guardian.providers.usage.openai import input_shares, output_shares, stated
from guardian.providers.usage.stated import Settings, StatedUsage
from guardian.providers.usage.sums import check_sum, counts_of, two_totals
from guardian.records import UsageCounts

Body = Mapping[str, Any]
# The tools that xAI bills by the call, by the names of the chat's details and of a response's items.
_TOOLS = {
    "web_search_calls": "web_search_requests",
    "web_search_call": "web_search_requests",
    "x_search_calls": "x_search_requests",
    "x_search_call": "x_search_requests",
    "code_interpreter_calls": "code_execution_requests",
    "code_interpreter_call": "code_execution_requests",
    "file_search_calls": "file_search_requests",
    "file_search_call": "file_search_requests",
    "document_search_calls": "document_search_requests",
    "document_search_call": "document_search_requests",
    "mcp_calls": "mcp_requests",
    "mcp_call": "mcp_requests",
}
_TICKS = 10  # a dollar is 10¹⁰ ticks


def chat(body: Body, settings: Settings) -> StatedUsage | None:
    """A chat completion: cached tokens are within the prompt, reasoning is outside of the completion.

    `prompt_tokens_details.text_tokens` may be the whole prompt, cached tokens included: it is never read as uncached.
    """
    del settings
    answer = Fields(body, "xAI's chat answer")
    usage = answer.child("usage")
    if not usage:
        return None
    found, completion = two_totals(usage, "prompt_tokens", "completion_tokens")
    details = usage.child("completion_tokens_details")
    output = with_reasoning(usage, found, completion, details.share("reasoning_tokens"))
    check_sum(usage, found + output)
    inputs = input_shares(usage.child("prompt_tokens_details"), found)
    counts = counts_of(found, output, inputs, output_shares(details, output), units=_tools(answer, usage))
    return stated(answer, counts, dollars(usage))


def responses(body: Body, settings: Settings) -> StatedUsage | None:
    """A response: OpenAI's shape, reasoning within the output."""
    del settings
    answer = Fields(body, "xAI's response")
    usage = answer.child("usage")
    if not usage:
        return None
    found, output = two_totals(usage, "input_tokens", "output_tokens")
    check_sum(usage, found + output)
    inputs = input_shares(usage.child("input_tokens_details"), found)
    outputs = output_shares(usage.child("output_tokens_details"), output)
    return stated(answer, counts_of(found, output, inputs, outputs, units=_tools(answer, usage)), dollars(usage))


def images(body: Body, settings: Settings) -> StatedUsage | None:
    """Pictures by their number, with the price where it is stated; a video answers `video` instead of `data`."""
    del settings
    answer = Fields(body, "xAI's images answer")
    usage = answer.child("usage")
    made = len(answer.rows("data"))
    units = {"images": Decimal(made)} if made else {"videos": Decimal(1)} if answer.has("video") else {}
    if not usage and not units:
        return None
    return stated(answer, UsageCounts(units=units), dollars(usage))


def with_reasoning(usage: Fields, prompt: int, completion: int, reasoning: int) -> int:
    """All of the output: the completion excludes the reasoning, unless the total has no room for it."""
    total = usage.total("total_tokens")
    folded = total is not None and total == prompt + completion and reasoning <= completion
    return completion if folded else completion + reasoning


def dollars(usage: Fields) -> Decimal | None:
    """The stated price in dollars, or None."""
    ticks = usage.money("cost_in_usd_ticks")
    return in_dollars(usage, None if ticks is None else ticks.scaleb(-_TICKS))


def _tools(answer: Fields, usage: Fields) -> dict[str, Decimal]:
    """Billed tool calls by unit: from the details, else from a response's items, else by their bare number."""
    details = usage.child("server_side_tool_usage_details")
    found: dict[str, int] = {}
    for name, value in details.raw.items():
        if value is not None and (calls := details.share(name)):
            unit = _TOOLS.get(name, name.removesuffix("_calls") + "_requests")
            found[unit] = found.get(unit, 0) + calls
    if not found:
        for item in answer.rows("output"):
            if unit := _TOOLS.get(item.text("type") or ""):
                found[unit] = found.get(unit, 0) + 1
    if not found and (used := usage.share("num_server_side_tools_used")):
        found["server_side_tool_requests"] = used
    if sources := usage.share("num_sources_used"):
        found["live_search_sources"] = sources
    return {unit: Decimal(calls) for unit, calls in found.items()}
