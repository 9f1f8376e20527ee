"""A report's figures as people read them: what the PDF prints, made of its content alone."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from guardian import amounts
from guardian.amounts import NBSP
from guardian.services.guard.reports.movers import TRACKED

Content = Mapping[str, Any]
Rows = list[list[str]]

DIMENSIONS: Mapping[str, str] = {
    "model": "Model",
    "team": "Team*",
    "user": "Person*",
    "apiKey": "Key",
    "project": "Project",
}
_STATES: Mapping[str, str] = {"ok": "within", "near": "near its limit", "over": "over", "paused": "paused"}
_NONE = "–"
_TRACKED = "* Of tracked calls: the providers' reports do not say whose usage is whose."
_PLUS = "+\u2060"


def dollars(text: str | None) -> str:
    """$1,234.56, and four significant digits under a dollar: $0.0042; – for what is not known."""
    return _NONE if text is None else amounts.dollars(Decimal(text))


def signed(text: str | None) -> str:
    """A difference: +$12.30, −$4.00."""
    return _NONE if text is None else amounts.signed(Decimal(text))


def percent(text: str | None) -> str:
    return _NONE if text is None else amounts.percent(Decimal(text))


def signed_percent(text: str | None) -> str:
    return _NONE if text is None else amounts.signed_percent(Decimal(text))


def facts(content: Content) -> dict[str, Any]:
    """Everything that the template sets, as texts; `bars` have heights from 0 to 1."""
    tz = ZoneInfo(content["timeZone"])
    made, as_of = (_moment(content[name], tz) for name in ("madeAt", "asOf"))
    pulled = f", with the providers' reports until {as_of}" if as_of else ""
    books: Content = content["reconciliation"] or {"findings": []}
    return {
        "title": content["title"],
        "organization": content["organization"],
        "scope": content["scope"]["name"],
        "period": content["period"]["label"],
        "headline": content["headline"],
        "made": f"Made {made} ({content['timeZone']}){pulled}",
        "tiles": _tiles(content),
        "notes": _notes(content),
        "bars": _bars(content["days"]),
        "previous": content["previous"]["label"],
        "causes": [[each["label"], signed(each["amount"]), percent(each["share"])] for each in content["causes"]],
        "change": signed(content["spend"]["change"]),
        "movers": [_mover(each) for each in content["movers"]],
        "models": _groups(content["models"]),
        "teams": _groups(content["teams"]),
        "tracked": _TRACKED if content["teams"] or _names_people(content) else "",
        "forecast": _forecast(content["forecast"]),
        "budgets": [_budget(each) for each in content["budgets"]],
        "anomalies": [each["sentence"] for each in content["anomalies"]],
        "reconciliation": _reconciliation(content["reconciliation"]),
        "findings": [[signed(each["amount"]), each["sentence"]] for each in books["findings"]],
        "savings": [[each["sentence"], dollars(each["amount"])] for each in content["savings"]],
    }


def _tiles(content: Content) -> Rows:
    """Name, figure, and what is to be said of it."""
    spend, told = content["spend"], content["forecast"]
    found = [
        [
            "Spend, tracked calls" if content["book"] == "tracked" else "AI provider spend",
            dollars(spend["total"]),
            content["period"]["label"],
        ],
        ["Change", signed(spend["change"]), _against(spend)],
        ["Calls", _count(spend["requests"]), f"{spend['inputTokens'] + spend['outputTokens']:,} tokens"],
    ]
    if told is not None:
        found.append(
            [f"Forecast, {told['label']}", dollars(told["total"]), f"{dollars(told['low'])} to {dollars(told['high'])}"]
        )
    return found


def _count(number: int | None) -> str:
    return _NONE if number is None else f"{number:,}"


def _against(spend: Content) -> str:
    if spend["previous"] is None:
        return "nothing is known of before"
    moved = "" if spend["percent"] is None else f"{signed_percent(spend['percent'])} "
    return f"{moved}against {dollars(spend['previous'])}"


def _notes(content: Content) -> list[str]:
    """What the total leaves out, or guesses."""
    spend = content["spend"]
    found: list[str] = []
    if spend["unpricedRows"]:
        rows, tokens = spend["unpricedRows"], f"{spend['unpricedTokens']:,} tokens"
        entries = "1 entry" if rows == 1 else f"{rows:,} entries"
        found.append(f"Not in any amount: {entries} with {tokens} that have no price yet.")
    if Decimal(spend["estimated"]):
        found.append(f"Estimated: {dollars(spend['estimated'])} of the spend.")
    return found


def _bars(days: Sequence[Content]) -> list[dict[str, Any]]:
    highest = max((Decimal(day[name] or 0) for day in days for name in ("cost", "previous")), default=Decimal(0))

    if not highest:
        return []

    def height(text: str | None) -> str:
        return f"{Decimal(text or 0) / highest:.4f}" if Decimal(text or 0) > 0 else "0"

    step = max(len(days) // 8, 1)
    return [
        {
            "label": _short(date.fromisoformat(day["day"])) if place % step == 0 else "",
            "height": height(day["cost"]),
            "previous": None if day["previous"] is None else height(day["previous"]),
            "highest": dollars(f"{highest}") if place == 0 else "",
        }
        for place, day in enumerate(days)
    ]


def _short(day: date) -> str:
    return f"{day.day}{NBSP}{day:%b}"


def _mover(each: Content) -> dict[str, str]:
    # No line ends between a sign and its amount.
    why = "; ".join(f"{cause['label']} ({signed(cause['amount']).replace('+', _PLUS)})" for cause in each["causes"])
    return {
        "of": DIMENSIONS[each["dimension"]],
        "name": each["name"],
        "before": dollars(each["before"]),
        "after": dollars(each["after"]),
        "change": signed(each["change"]),
        "why": why,
    }


def _names_people(content: Content) -> bool:
    return any(each["dimension"] in TRACKED for each in content["movers"])


def _groups(groups: Sequence[Content]) -> Rows:
    return [[each["name"], dollars(each["cost"]), percent(each["share"])] for each in groups]


def _forecast(told: Content | None) -> str | None:
    if told is None:
        return None
    said = (
        f"{told['label']} is expected to cost {dollars(told['total'])}; eight in ten such months end between "
        f"{dollars(told['low'])} and {dollars(told['high'])}. {dollars(told['spent'])} of it is spent. "
        f"Method: {told['method']}"
    )
    if told["error"] is None:
        return f"{said}; there are too few days yet to try it on the past."
    return f"{said}; it was off by {percent(told['error'])} on average in {told['trials']} trials on the past."


def _budget(each: Content) -> dict[str, str]:
    share = Decimal(each["percent"])
    return {
        "name": each["name"],
        "limit": dollars(each["limit"]),
        "spent": dollars(each["spent"]),
        "percent": percent(each["percent"]),
        "forecast": dollars(each["forecast"]),
        "state": _STATES[each["state"]],
        "filled": f"{min(max(share, Decimal(0)), Decimal(100)) / 100:.4f}",
    }


def _reconciliation(books: Content | None) -> Rows:
    if books is None:
        return []
    return [
        ["Tracked, call by call", dollars(books["tracked"])],
        ["Reported by the providers", dollars(books["reported"])],
        ["Billed by the providers", dollars(books["billed"])],
        ["Tracked of what is reported", percent(books["coverage"])],
        ["Ours against the bill", signed_percent(books["drift"])],
    ]


def _moment(text: str | None, tz: ZoneInfo) -> str:
    if text is None:
        return ""
    local = datetime.fromisoformat(text).astimezone(tz)
    return f"{local.day} {local:%B %Y, %H:%M}"
