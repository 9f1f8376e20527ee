"""One usage row with all that is known of it: its bill line by line, where its price comes from, its raw fields."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast
from zoneinfo import ZoneInfo

from guardian import amounts
from guardian.models.enums import CostSource, UsageOrigin
from guardian.records import BillLine
from guardian.services.ledger.views import UsageView
from guardian.ui import format
from guardian.ui.colors import provider_color, provider_name
from guardian.ui.pages.usage.lines import cost, is_untold, span
from guardian.ui.pages.usage.words import value
from guardian.ui.rows import NO_MONEY, Money

_MILLION = 1_000_000
_CALLS = "/requests"
_SHOWN_ELSEWHERE = frozenset({"names", "bill"})
_PRICE_SOURCES: Mapping[str, str] = {
    "provider": "The provider stated the amount itself.",
    "override": "A price that your organization agreed",
    "genai-prices": "The price list genai-prices",
}


@dataclass(frozen=True)
class BillRow:
    """quantity × price × multiplier = amount. `price` is for a million where `per` says so; `price_title` for one."""

    key: str
    unit: str
    quantity: str
    price: str
    price_title: str
    multiplier: str
    amount: Money


@dataclass(frozen=True)
class Fact:
    """A named field as it is stored; `copyable` where people carry it elsewhere."""

    name: str
    text: str
    copyable: bool = False


@dataclass(frozen=True)
class Panel:
    """The open row; no `id` where none is open, no `title` where there is none of that id.

    `href` is the page of a call's own; what a provider reports is no call.
    """

    id: str = ""
    title: str = ""
    color: str = ""
    about: str = ""
    money: Money = NO_MONEY
    bill: tuple[BillRow, ...] = ()
    sum: Money = NO_MONEY
    rounding: str = ""
    price: str = ""
    doubt: str = ""
    times: tuple[Fact, ...] = ()
    facts: tuple[Fact, ...] = ()
    href: str = ""


def panel(view: UsageView, tz: ZoneInfo) -> Panel:
    """Everything about a row that was read with its bill."""
    whole = sum((line.amount for line in view.bill), Decimal(0))
    tier = f", {view.service_tier}" if view.service_tier else ""
    return Panel(
        id=view.id,
        title=view.model,
        color=provider_color(view.provider),
        about=f"{provider_name(view.provider)}, {view.operation}{tier}",
        money=cost(view),
        bill=tuple(_bill_row(str(place), line) for place, line in enumerate(view.bill)),
        sum=Money.of(whole) if view.bill else NO_MONEY,
        rounding=_rounding(whole, view),
        price=_price(view, tz),
        doubt="" if _is_told(view) else view.cost_reason or "",
        times=_times(view, tz),
        facts=tuple(_facts(view)),
        href="" if view.origin is UsageOrigin.SYNC else f"{_CALLS}/{view.id}",
    )


def missing(id: str) -> Panel:
    """An address that names a row which is not there."""
    return Panel(id=id)


def _bill_row(key: str, line: BillLine) -> BillRow:
    tokens = line.unit.endswith("tokens")
    price = line.unit_price * _MILLION if tokens else line.unit_price
    return BillRow(
        key=key,
        unit=line.unit.replace("_", " "),
        quantity=format.exact_count(line.quantity),
        price=amounts.dollars(price) + (" per million" if tokens else ""),
        price_title=f"${format.exact(line.unit_price)} for each",
        multiplier="" if line.multiplier == 1 else f"× {format.exact(line.multiplier)}",
        amount=Money.of(line.amount),
    )


def _rounding(whole: Decimal, view: UsageView) -> str:
    if view.cost is None or not view.bill or whole == view.cost:
        return ""
    return f"The lines add up to ${format.exact(whole)}; the ledger keeps ten decimal places."


def _price(view: UsageView, tz: ZoneInfo) -> str:
    """Where the price comes from, of which version, and of which day."""
    if is_untold(view):
        return "What it used was never told, so that what it cost is not known. It is in no total."
    if view.cost_source is CostSource.UNPRICED:
        return "No price is known for it yet. It is in no total, and is priced as soon as there is one."
    if _is_told(view):
        return view.cost_reason or "The amount came with the call."
    source = _PRICE_SOURCES.get(view.price_source or "", view.price_source or "Unknown price source")
    if view.price_source == "provider":
        return source
    version = f", version {view.price_version}" if view.price_version else ""
    ref = f", {view.price_ref}" if view.price_ref else ""
    day = view.timestamp.astimezone(tz)
    return f"{source}{version}{ref}: the price in force on {day.day} {day:%b %Y}."


def _is_told(view: UsageView) -> bool:
    """Of an answer that is an error, or of a sender that knows what it paid: there was nothing to price."""
    return view.price_source is None and view.cost is not None and not view.bill


def _times(view: UsageView, tz: ZoneInfo) -> tuple[Fact, ...]:
    found = [Fact("When", span(view, tz))]
    if view.response_time is not None:
        found.append(Fact("Answered in", f"{format.number(view.response_time)}{amounts.NBSP}ms"))
    if view.status_code is not None:
        found.append(Fact("Status", str(view.status_code)))
    if view.error:
        found.append(Fact("Error", view.error))
    return tuple(found)


def _facts(view: UsageView) -> list[Fact]:
    """The fields as the API names them, without those that are empty; ids with the names that people know."""
    found: list[Fact] = []
    for field in fields(view):
        stored = getattr(view, field.name)
        if field.name in _SHOWN_ELSEWHERE or stored in (None, "", 0, {}, ()):
            continue
        found.append(Fact(_camel(field.name), _text(stored), field.name == "id" or field.name.endswith("_id")))
    for name, known in sorted(view.names.items()):
        found.append(Fact(f"{name}Name", known))
    found.append(Fact("book", value("origin", view.origin)))
    return found


def _text(stored: Any) -> str:
    if isinstance(stored, Decimal):
        return format.exact(stored)
    if isinstance(stored, datetime):
        return stored.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(stored, StrEnum):
        return stored.value
    if isinstance(stored, Mapping):
        pairs = cast("Mapping[str, Any]", stored)
        return ", ".join(f"{key}: {each}" for key, each in pairs.items())
    return str(stored)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
