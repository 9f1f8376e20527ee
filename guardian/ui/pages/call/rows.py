"""From one call of the ledger to the text of its page: its timing, its attempts, whose it was; pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from guardian.services.ledger.queries.names import Names
from guardian.services.ledger.views import UsageView
from guardian.ui import format
from guardian.ui.pages.requests.rows import attempts, milliseconds, number, tone
from guardian.ui.pages.usage.bill import Fact
from guardian.ui.pages.usage.lines import is_untold

# What the gateway writes beside the columns, and where the page tells it; the rest stands among the raw fields.
_TOLD = frozenset(
    {"requestId", "responseId", "kept", "timeToFirstToken", "streamed", "endUser", "attempts", "fallbackFrom"}
)


@dataclass(frozen=True)
class Timing:
    """How long it took: until the first token, and from there to the end; widths in percent of the whole."""

    whole: str = ""
    first: str = ""
    first_width: float = 0.0
    rest: str = ""
    rest_width: float = 0.0


@dataclass(frozen=True)
class AttemptRow:
    """One try of the call: with which key and model, what came of it, and how long that took to come."""

    place: str
    key: str
    key_title: str
    model: str
    status: str
    tone: str
    error: str
    took: str


@dataclass(frozen=True)
class CallFacts:
    """All that the page tells besides the bill. No `status` before a call is read."""

    status: str = ""
    tone: str = ""
    error: str = ""
    happened: str = ""
    timing: Timing = Timing()
    attempts: tuple[AttemptRow, ...] = ()
    tokens: tuple[Fact, ...] = ()
    who: tuple[Fact, ...] = ()
    ids: tuple[Fact, ...] = ()


NO_FACTS = CallFacts()
_NOT_TRIED = "budget_exceeded"  # the gateway's word for a try that it did not make
_ERRORS: Mapping[str, str] = {
    "caller_left": "The caller closed the connection before the answer ended.",
    "connect_failed": "The provider could not be reached; nothing was sent.",
    "address_refused": "The address is private and not on OUTBOUND_ALLOWLIST; nothing was sent.",
    "tls_failed": "The provider's certificate was not accepted; nothing was sent.",
    "first_byte_timeout": "The provider did not begin to answer in time.",
    "idle_timeout": "The answer stopped flowing, and was given up.",
    "cut_short": "The provider closed the connection before its answer was whole.",
    "malformed": "The provider's answer was no HTTP.",
    "provider_resting": "Every key of the provider had failed again and again, and rested.",
}
_TOKENS: tuple[tuple[str, str], ...] = (
    ("input_tokens", "In"),
    ("cache_read_tokens", "of it read from the cache"),
    ("cache_write_5m_tokens", "of it written to the cache, 5 min"),
    ("cache_write_30m_tokens", "of it written to the cache, 30 min"),
    ("cache_write_1h_tokens", "of it written to the cache, 1 h"),
    ("cache_write_12h_tokens", "of it written to the cache, 12 h"),
    ("audio_input_tokens", "of it audio"),
    ("image_input_tokens", "of it images"),
    ("video_input_tokens", "of it video"),
    ("output_tokens", "Out"),
    ("reasoning_tokens", "of it reasoning"),
    ("audio_output_tokens", "of it audio"),
    ("image_output_tokens", "of it images"),
    ("video_output_tokens", "of it video"),
)


def call_facts(view: UsageView, keys: Names) -> CallFacts:
    """`keys` are the names of the vault's keys of the attempts."""
    return CallFacts(
        status=str(view.status_code) if view.status_code is not None else "failed" if view.error else "no status",
        tone=tone(view),
        error=view.error or "",
        happened=_ERRORS.get(view.error or "", ""),
        timing=timing(view),
        attempts=tuple(_attempt(n, each, view, keys) for n, each in enumerate(attempts(view), 1)),
        tokens=tuple(_tokens(view)),
        who=tuple(_who(view)),
        ids=tuple(_ids(view)),
    )


def attempted_keys(view: UsageView) -> list[str]:
    """Ids of the keys that were tried."""
    return [key for each in attempts(view) if isinstance(key := each.get("key"), str)]


def timing(view: UsageView) -> Timing:
    """Of a call without a time there is nothing to tell; one that was not streamed has no first token."""
    whole, first = view.response_time, number(view.metadata.get("timeToFirstToken"))
    if whole is None:
        return Timing()
    if first is None or first > whole:
        return Timing(whole=milliseconds(whole))
    share = float(round(Decimal(first) * 100 / whole, 1)) if whole else 0.0
    return Timing(
        whole=milliseconds(whole),
        first=milliseconds(first),
        first_width=share,
        rest=milliseconds(whole - first),
        rest_width=round(100 - share, 1),
    )


def _attempt(place: int, told: Mapping[str, Any], view: UsageView, keys: Names) -> AttemptRow:
    key, status = str(told.get("key") or ""), told.get("status")
    error = str(told.get("error") or "")
    asked = view.metadata.get("fallbackFrom") or view.model
    wrong = bool(error) or not isinstance(status, int | Decimal) or status >= 400
    return AttemptRow(
        place=str(place),
        key=keys.get(("apiKey", key)) or format.short_id(key) or "–",
        key_title=key,
        model=str(told.get("model") or asked),
        status=str(status) if status is not None else "not tried" if error == _NOT_TRIED else "no answer",
        tone="bad" if wrong else "good",
        error=error,
        took=milliseconds(number(told.get("milliseconds"))),
    )


def _tokens(view: UsageView) -> list[Fact]:
    if is_untold(view):
        return []
    always = ("input_tokens", "output_tokens")
    found: list[Fact] = []
    for field, name in _TOKENS:
        count: int = getattr(view, field)
        if count or field in always:
            found.append(Fact(name, format.number(count)))
    found += [Fact(unit.replace("_", " "), str(quantity)) for unit, quantity in sorted(view.units.items())]
    return found


def _who(view: UsageView) -> list[Fact]:
    names, told = view.names, view.metadata
    tags = {str(key): str(tag) for key, tag in view.tags.items()}
    found = [
        ("Person", names.get("user", "")),
        ("Access token", names.get("accessToken") or format.short_id(view.access_token_id or "")),
        ("End user", str(told.get("endUser") or "")),
        ("Session", view.session or ""),
        *((name.capitalize(), tags.pop(name, "")) for name in ("team", "feature")),
        ("Tags", ", ".join(f"{key}={tag}" for key, tag in sorted(tags.items()))),
        ("Provider key", names.get("apiKey") or format.short_id(view.api_key_id or "")),
        ("Account", names.get("account") or view.account_id or ""),
    ]
    return [Fact(name, text) for name, text in found if text]


def _ids(view: UsageView) -> list[Fact]:
    told = view.metadata
    found = [
        ("Request id", str(told.get("requestId") or ""), True),
        ("Id of the answer", str(told.get("responseId") or ""), True),
        ("Row of the ledger", view.id, True),
        ("Asked for", str(told.get("fallbackFrom") or ""), False),
        *((str(name), _text(value), False) for name, value in sorted(told.items()) if not _is_told(name)),
    ]
    return [Fact(name, text, copyable) for name, text, copyable in found if text]


def _is_told(name: str) -> bool:
    """What the ledger keeps for itself begins with an underscore."""
    return name in _TOLD or name.startswith("_")


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {each}" for key, each in value.items())  # pyright: ignore[reportUnknownVariableType]  # free JSON
    return str(value)


def when(view: UsageView, tz: ZoneInfo) -> str:
    """To the millisecond, in the page's zone: 23 Nov 2026, 14:03:22.481."""
    local = view.timestamp.astimezone(tz)
    return f"{local.day} {local:%b %Y, %H:%M:%S}.{local.microsecond // 1000:03d}"
