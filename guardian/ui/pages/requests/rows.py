"""From calls of the ledger to the text of the page: rows, chips and choices; pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo

from guardian import amounts
from guardian.services.ledger.queries.names import Names
from guardian.services.ledger.views import CallChoices, UsageView
from guardian.ui import format
from guardian.ui.colors import provider_color, provider_name
from guardian.ui.pages.requests.address import ROUTE, Address
from guardian.ui.pages.usage.lines import cost, is_untold
from guardian.ui.rows import Choice, Money, Option

_FAILED = 400  # and above: the status of an answer that is an error
_LEFT = "caller_left"  # the caller did not wait for the end of the answer
_LABELS: Mapping[str, str] = {
    "provider": "Provider",
    "model": "Model",
    "user": "Person",
    "token": "Token",
    "status": "Status",
    "minCost": "At least",
    "tag": "Tag",
    "q": "Text",
}
_STATUSES: Mapping[str, str] = {"ok": "answered", "error": "failed"}


@dataclass(frozen=True)
class CallRow:
    """One call. `fresh` came in while the page was open; times in the page's zone, `moment` in UTC for machines.

    `failure` is `error` as words.
    """

    key: str
    href: str
    when: str
    when_title: str
    moment: str
    model: str
    model_title: str
    color: str
    about: str
    caller: str
    caller_detail: str
    provider_key: str
    input: str
    input_csv: str
    output: str
    output_csv: str
    cached: str
    cached_csv: str
    money: Money
    latency: str
    latency_csv: str
    first_token: str
    status: str
    tone: str
    error: str
    failure: str
    notes: str
    fresh: bool


@dataclass(frozen=True)
class Chip:
    """One filter: its words, all of them on hover, and the address without it."""

    name: str
    label: str
    text: str
    title: str
    href: str


def call_row(view: UsageView, now: datetime, tz: ZoneInfo, *, fresh: bool = False) -> CallRow:
    """A line of the table."""
    names, cached = view.names, view.cache_read_tokens
    person, token = names.get("user", ""), names.get("accessToken", "")
    return CallRow(
        key=view.id,
        href=f"{ROUTE}/{view.id}",
        when=time_of(view.timestamp, now, tz),
        when_title=f"{view.timestamp.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC",
        moment=view.timestamp.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        model=format.cut(view.model),
        model_title=view.model,
        color=provider_color(view.provider),
        about=f"{provider_name(view.provider)}, {format.cut(view.operation, 28)}",
        caller=format.cut(token or person or "–", 28),
        caller_detail=format.cut(person, 28) if token else "",
        provider_key=format.cut(names.get("apiKey") or format.short_id(view.api_key_id or "") or "–", 24),
        input="–" if is_untold(view) else format.tokens(view.input_tokens),
        input_csv=str(view.input_tokens),
        output="–" if is_untold(view) else format.tokens(view.output_tokens),
        output_csv=str(view.output_tokens),
        cached=format.tokens(cached) if cached else "–",
        cached_csv=str(cached),
        money=cost(view),
        latency=milliseconds(view.response_time),
        latency_csv="" if view.response_time is None else str(view.response_time),
        first_token=milliseconds(number(view.metadata.get("timeToFirstToken")), unknown=""),
        status=str(view.status_code) if view.status_code is not None else "failed" if view.error else "–",
        tone=tone(view),
        error=format.cut(view.error or "", 32),
        failure=failure(view.error or ""),
        notes=", ".join(notes(view)),
        fresh=fresh,
    )


def failure(error: str) -> str:
    """The name of a failure as words: policy_budget_exceeded is budget exceeded."""
    return format.cut(error.removeprefix("policy_").replace("_", " "), 32)


def failed(view: UsageView) -> bool:
    return bool(view.error) or (view.status_code or 0) >= _FAILED


def tone(view: UsageView) -> str:
    """Red is for what failed at the provider; what we refused or what the caller did is amber."""
    if not failed(view):
        return "good" if view.status_code is not None else ""
    status = view.status_code or 0
    if view.error == _LEFT:
        return "warn"
    return "bad" if status >= 500 or status < _FAILED else "warn"


def notes(view: UsageView) -> list[str]:
    """What happened on the way, in few words: streamed, 3 attempts, instead of gpt-5."""
    found = ["streamed"] if view.metadata.get("streamed") else []
    tried = attempts(view)
    if len(tried) > 1:
        found.append(f"{len(tried)} attempts")
    if asked := view.metadata.get("fallbackFrom"):
        found.append(f"instead of {format.cut(str(asked), 28)}")
    return found


def attempts(view: UsageView) -> list[Mapping[str, Any]]:
    """The tries of a call that needed more than one, in their order."""
    stored: object = view.metadata.get("attempts")
    if not isinstance(stored, list):
        return []
    return [cast("Mapping[str, Any]", each) for each in cast("list[object]", stored) if isinstance(each, Mapping)]


def number(value: object) -> int | None:
    """Milliseconds out of free JSON; None for anything else."""
    return int(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) and value >= 0 else None


def milliseconds(span: int | None, *, unknown: str = "–") -> str:
    """812 ms, 1.24 s, 2 min 5 s."""
    if span is None:
        return unknown
    if span < 1000:
        return f"{span}{amounts.NBSP}ms"
    if span < 60_000:
        return f"{Decimal(span) / 1000:.{2 if span < 10_000 else 1}f}{amounts.NBSP}s"
    minutes, seconds = divmod(round(span / 1000), 60)
    return f"{format.number(minutes)}{amounts.NBSP}min {seconds}{amounts.NBSP}s"


def time_of(moment: datetime, now: datetime, tz: ZoneInfo) -> str:
    """To the second, with the day where it is not today: 14:03:22, 22 Nov 14:03:22."""
    local = moment.astimezone(tz)
    return f"{local:%H:%M:%S}" if local.date() == now.astimezone(tz).date() else f"{local.day} {local:%b %H:%M:%S}"


def chips(address: Address, names: Names) -> list[Chip]:
    """The filters of the page, in the order of the address."""
    found: list[Chip] = []
    for name, label in _LABELS.items():
        values = [_value(name, value, names) for value in address.all(name)]
        if values:
            text = ", ".join(format.cut(value, 28) for value in values)
            found.append(Chip(name, label, text, ", ".join(values), address.but({name: None}).href))
    return found


def tabs(address: Address) -> list[Choice]:
    """All calls, the answered ones, the failed ones."""
    status = address.one("status")
    return [
        Choice("All calls", address.but({"status": None}).href, not status),
        Choice("Answered", address.but({"status": "ok"}).href, status == "ok"),
        Choice("Failed", address.but({"status": "error"}).href, status == "error"),
    ]


def callers(choices: CallChoices, chosen: str) -> list[Option]:
    """Tokens and people by name, told apart by what the form sends; the chosen one also where it has not called."""
    found = [Option(f"token:{id}", f"{name} (token)") for id, name in choices.tokens.items()]
    found += [Option(f"user:{id}", name) for id, name in choices.people.items()]
    if chosen and chosen not in {each.value for each in found}:
        found.append(Option(chosen, format.short_id(chosen.partition(":")[2])))
    return found


def _value(name: str, value: str, names: Names) -> str:
    if name == "provider":
        return provider_name(value)
    if name == "status":
        return _STATUSES.get(value, value)
    if name == "minCost":
        return f"${value}"
    dimension = {"user": "user", "token": "accessToken"}.get(name, "")
    return names.get((dimension, value), format.short_id(value) if dimension else value)
