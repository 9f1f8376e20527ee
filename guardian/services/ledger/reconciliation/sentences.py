"""Findings in words: what happened, where, how much, and what to do about it."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

from guardian.amounts import dollars
from guardian.models.enums import PROVIDER_NAMES, Provider
from guardian.services.ledger.reconciliation.kinds import TOKENS
from guardian.services.ledger.reconciliation.views import Cause, Comparison, Finding

Names = Mapping[tuple[str, str], str]

_PROVIDERS: Mapping[str, str] = {**PROVIDER_NAMES, Provider.CUSTOM: "The custom provider"}
_KINDS: Mapping[str, str] = {
    "uncached_input_tokens": "input",
    "cache_read_tokens": "cached input",
    "cache_write_tokens": "cache writes",
    "cache_write_5m_tokens": "cache writes (5 min)",
    "cache_write_30m_tokens": "cache writes (30 min)",
    "cache_write_1h_tokens": "cache writes (1 h)",
    "cache_write_12h_tokens": "cache writes (12 h)",
    "audio_input_tokens": "audio input",
    "image_input_tokens": "image input",
    "video_input_tokens": "video input",
    "output_tokens": "output",
    "audio_output_tokens": "audio output",
    "image_output_tokens": "image output",
    "video_output_tokens": "video output",
    "web_search_requests": "web search",
    "file_search_requests": "file search",
    "code_interpreter_sessions": "code interpreter",
    "code_execution": "code execution",
    "not_split": "all kinds together",
}


def kind_name(kind: str | None) -> str:
    """How people call a kind of token or a tool."""
    return _KINDS.get(kind or "", (kind or "").replace("_", " "))


def provider_name(provider: Provider) -> str:
    """How the provider writes its own name."""
    return _PROVIDERS[provider]


def sentence(finding: Finding, label: str, names: Names) -> str:
    """One finding in words."""
    return _SENTENCES[finding.cause](finding, label, names)


def _count(quantity: Decimal | None) -> str:
    return f"{abs(quantity):,.0f}" if quantity is not None else ""


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _when(finding: Finding) -> str:
    if finding.first_day == finding.last_day:
        return f"on {_day(finding.first_day)}"
    return f"from {_day(finding.first_day)} to {_day(finding.last_day)}"


def _key(finding: Finding) -> str:
    if finding.provider_key is None:
        return ""
    name = finding.provider_key_name
    return f"“{name}” ({finding.provider_key})" if name and name != finding.provider_key else finding.provider_key


def _priced(finding: Finding) -> str:
    """gpt-5 output"""
    kind = f" {kind_name(finding.token_kind)}" if finding.token_kind else ""
    return f"{finding.model or f'{_provider(finding)} usage'}{kind}"


def _what(finding: Finding) -> str:
    """gpt-5 output on key …"""
    return _priced(finding) + (f" on key {_key(finding)}" if finding.provider_key else "")


def _provider(finding: Finding) -> str:
    return provider_name(finding.provider)


def _bypass(finding: Finding, label: str, names: Names) -> str:
    size = dollars(finding.size)
    if label == "no key":
        return f"{_provider(finding)} reports {size} of use without a key (its own console) that no tracked call made."
    if label:
        return f"Calls for {size} went past the gateway on keys that no key of the vault is matched with: {label}."
    likely = " It does not count requests, so some may be calls cut short." if finding.estimated else ""
    if finding.provider_key is None:
        reported = f"{_provider(finding)} reports them without a key (its own console)"
        return f"Calls for {size} went past the gateway; {reported}.{likely}"
    return f"Calls for {size} on {_provider(finding)} key {_key(finding)} went past the gateway.{likely}"


def _unknown_key(finding: Finding, label: str, names: Names) -> str:
    return (
        f"{_provider(finding)} key {_key(finding)} spent {dollars(finding.size)} and is not in the vault. "
        "Add it, or revoke it at the provider."
    )


def _stream(finding: Finding, label: str, names: Names) -> str:
    if label == "unpriced":
        return f"Tracked calls of {_what(finding)} have no price; the report has them for {dollars(finding.size)}."
    maybe = (
        " More calls were reported than tracked, so some of it may have gone past the gateway."
        if finding.estimated
        else ""
    )
    direction = "more" if finding.amount >= 0 else "less"
    return (
        f"Tracked calls of {_what(finding)} came without their final usage (a stream cut short, or an estimate): "
        f"the report has {dollars(finding.size)} {direction}.{maybe}"
    )


def _stale_price(finding: Finding, label: str, names: Names) -> str:
    size = dollars(finding.size)
    if finding.comparison is Comparison.TRACKED_REPORTED:
        return (
            f"The same tokens of {_priced(finding)} were priced otherwise when tracked than reported: {size}. Re-price."
        )
    per = "a million" if finding.token_kind in TOKENS else "a million units"
    other = "" if finding.other_price is None else f" at ${finding.other_price:f} {per}"
    if label == "unpriced" or finding.our_price is None:
        return f"{_priced(finding)} has no price of ours and is billed{other}: {size}. Enter it and re-price."
    direction = "more" if finding.amount > 0 else "less"
    return (
        f"{_priced(finding)} is billed{other}, ours is ${finding.our_price:f}: {size} {direction}. "
        "The price list or your override is out of date."
    )


def _tier(finding: Finding, label: str, names: Names) -> str:
    size, direction = dollars(finding.size), "more" if finding.amount > 0 else "less"
    if finding.comparison is Comparison.TRACKED_REPORTED:
        return f"Calls of {_priced(finding)} were tracked in another tier than reported ({label}): {size} {direction}."
    if label == "priority" and finding.our_price is None:
        return (
            f"{_provider(finding)}'s cost report leaves out the priority tier: {size} of {_priced(finding)} is on a "
            "contract of its own."
        )
    return f"{_priced(finding)} was billed at the {label} price instead of its reported tier's: {size} {direction}."


def _token_kinds(finding: Finding, label: str, names: Names) -> str:
    first, second = (" and ".join(kind_name(kind) for kind in part.split(",")) for part in label.split("/"))
    books = ("tracked", "reported") if finding.comparison is Comparison.TRACKED_REPORTED else ("reported", "billed")
    difference = f": {dollars(finding.size)} {'more' if finding.amount > 0 else 'less'}" if finding.size else ""
    return f"The same tokens of {_what(finding)} were {books[0]} as {first} and {books[1]} as {second}{difference}."


def _late(finding: Finding, label: str, names: Names) -> str:
    size = dollars(finding.size)
    if label == "not billed yet":
        return f"{_provider(finding)} has no bill yet for {dollars(finding.size)} of use {_when(finding)}."
    if label == "not reported yet":
        return f"{_provider(finding)} has not reported yet what was tracked {_when(finding)}: {size}."
    if label == "restated":
        return f"{_provider(finding)} changed lines of its cost report after they were first read: {size}."
    return f"{_provider(finding)} still restates the last days ({_when(finding)}): {size}. It should settle by itself."


def _shift(finding: Finding, label: str, names: Names) -> str:
    before, after = (date.fromisoformat(part) for part in label.split("/"))
    book = "bill" if finding.comparison is Comparison.REPORTED_BILLED else "report"
    return (
        f"{dollars(finding.size)} stands on the neighbouring day in the {book}: {_day(before)} against {_day(after)}."
    )


def _tool_fee(finding: Finding, label: str, names: Names) -> str:
    name = kind_name(finding.token_kind) or "tools"
    if finding.comparison is Comparison.TRACKED_REPORTED:
        return f"{_provider(finding)} reports {dollars(finding.size)} for tools, which are no calls of their own."
    return f"{dollars(finding.size)} was billed for {name}, which no usage report counts."


def _credit(finding: Finding, label: str, names: Names) -> str:
    return f"{_provider(finding)} credited {dollars(finding.size)}: {label}."


def _discount(finding: Finding, label: str, names: Names) -> str:
    return (
        f"{_provider(finding)} bills every line at {label} % of our price: {dollars(finding.size)} less. "
        "If that is agreed, enter it as a price override."
    )


def _double(finding: Finding, label: str, names: Names) -> str:
    if finding.comparison is Comparison.TRACKED_REPORTED:
        return f"Calls of {_what(finding)} were tracked more than once: {dollars(finding.size)} too much."
    return (
        f"{_what(finding)} is billed {label} what was reported {_when(finding)}, as if a line were there twice: "
        f"{dollars(finding.size)} too much."
    )


def _rounding(finding: Finding, label: str, names: Names) -> str:
    return f"{_provider(finding)} keeps other digits than we do: {dollars(finding.size)} in all."


def _no_book(finding: Finding, label: str, names: Names) -> str:
    size, provider = dollars(finding.size), _provider(finding)
    account = finding.account and (names.get(("account", finding.account)) or finding.account)
    where = f" (account {account})" if account else ""
    if label == "billed":
        return f"{provider}{where} has no cost report for {size} of use: it cannot be compared."
    if label == "account":
        maybe = "may be that of tracked calls which do not tell their account"
        return f"{size} of {provider} use {maybe}: it cannot be compared."
    if label == "tracked":
        return f"{size} of {provider} use is older than the first tracked call: it cannot be compared."
    verb = "billed" if finding.comparison is Comparison.REPORTED_BILLED else "tracked"
    return f"{provider}{where} has no usage report for {size} that was {verb}: it cannot be compared."


def _unexplained(finding: Finding, label: str, names: Names) -> str:
    books = ("tracked", "reported") if finding.comparison is Comparison.TRACKED_REPORTED else ("reported", "billed")
    if not finding.size and finding.quantity:
        compared = f"{'more' if finding.quantity > 0 else 'less'} were {books[1]} than {books[0]}"
        return (
            f"{_what(finding)} {_when(finding)}: {_count(finding.quantity)} tokens {compared}, and ours have no price "
            "or cost nothing. If there is a price, enter it."
        )
    direction = f"more was {books[1]} than {books[0]}" if finding.amount > 0 else f"less was {books[1]} than {books[0]}"
    tokens = f" ({_count(finding.quantity)} tokens)" if finding.quantity else ""
    return f"{_what(finding)} {_when(finding)}: {dollars(finding.size)}{tokens} {direction}, and nothing explains it."


_SENTENCES: Mapping[Cause, Callable[[Finding, str, Names], str]] = {
    Cause.BYPASS: _bypass,
    Cause.UNKNOWN_KEY: _unknown_key,
    Cause.STREAM: _stream,
    Cause.STALE_PRICE: _stale_price,
    Cause.TIER: _tier,
    Cause.KINDS: _token_kinds,
    Cause.LATE: _late,
    Cause.SHIFT: _shift,
    Cause.TOOL_FEE: _tool_fee,
    Cause.CREDIT: _credit,
    Cause.DISCOUNT: _discount,
    Cause.DOUBLE: _double,
    Cause.ROUNDING: _rounding,
    Cause.NO_BOOK: _no_book,
    Cause.UNEXPLAINED: _unexplained,
}
