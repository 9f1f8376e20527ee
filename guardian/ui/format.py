"""How counts, changes and times are written on the pages: pure functions, text out; amounts as guardian/amounts.py."""

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from guardian.amounts import MINUS, NBSP, digits, dollars, significant
from guardian.services.people.currency_codes import CURRENCIES

# Only signs that mean one currency: "kr" and "$" mean several.
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "ILS": "₪", "UAH": "₴", "VND": "₫"}
_UNITS = ((Decimal(10) ** 3, "k"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 9, "B"), (Decimal(10) ** 12, "T"))


def exact(amount: Decimal) -> str:
    """The whole amount, unrounded and without an exponent, for titles and machines: 0.0000002."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def tokens(count: int) -> str:
    """Counts: 1,234 / 12.3 k / 4.56 M, three digits from ten thousand up."""
    if abs(count) < 10_000:
        return number(count)
    value, unit = Decimal(abs(count)), ""
    for size, name in _UNITS:
        scaled = significant(abs(count) / size, 3)
        # 999,950 rounds to 1,000 k, which is 1.00 M.
        value, unit = scaled, name
        if scaled < 1000:
            break
    sign = MINUS if count < 0 else ""
    return f"{sign}{value:.{max(0, 2 - value.adjusted())}f}{NBSP}{unit}"


def number(count: int) -> str:
    """The exact count with thousands separators."""
    return (MINUS if count < 0 else "") + f"{abs(count):,}"


def exact_count(count: Decimal) -> str:
    """A count that may have a fraction, whole: 350,000 or 1.25."""
    return f"{count:,f}".rstrip("0").rstrip(".") if count % 1 else f"{count:,.0f}"


def change(difference: Decimal | None, percent: Decimal | None) -> str:
    """A difference as sign, percent and amount: "+18 %, +$212". Without a previous figure there is nothing to say."""
    if difference is None:
        return ""
    if not difference:
        return "no change"
    sign = "+" if difference > 0 else MINUS
    size = abs(difference)
    amount = f"{sign}${size:,.0f}" if size >= 100 else f"{sign}{dollars(size)}"
    return amount if percent is None else f"{sign}{_percent(abs(percent))}{NBSP}%, {amount}"


def percent(part: Decimal, whole: Decimal) -> str:
    """`part` of `whole` in percent; empty when there is no whole."""
    return f"{_percent(part / whole * 100)}{NBSP}%" if whole > 0 else ""


def _percent(value: Decimal) -> str:
    if 0 < value < 1:
        return f"{value:.1f}" if value >= Decimal("0.05") else "<0.1"
    return f"{value:,.0f}"


def absolute(moment: datetime, zone: ZoneInfo) -> str:
    """A moment in the organization's zone, whole: 5 Nov 2025, 12:04."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def clock(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A moment near now: 12:04 today, else with its day: 4 Nov 12:04, 4 Nov 2024."""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    if local.year == today.year:
        return f"{local.day} {local:%b %H:%M}"
    return f"{local.day} {local:%b %Y}"


def relative(moment: datetime, now: datetime) -> str:
    """How long ago or until: "just now", "3 min ago", "in 2 h", "5 days ago"."""
    distance = now - moment
    size = abs(distance)
    if size < timedelta(minutes=1):
        return "just now" if distance >= timedelta(0) else "in a moment"
    text = duration(size)
    return f"{text} ago" if distance > timedelta(0) else f"in {text}"


def duration(span: timedelta) -> str:
    """A span in its largest unit: 40 s, 3 min, 2 h, 1 day, 5 days."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds}{NBSP}s"
    if seconds < 3600:
        return f"{seconds // 60}{NBSP}min"
    if seconds < 86_400:
        return f"{seconds // 3600}{NBSP}h"
    days = seconds // 86_400
    return f"{days}{NBSP}day" + ("s" if days > 1 else "")


def remaining(progress: float, elapsed: timedelta) -> str:
    """What is left of work that got this far (0 to 1) in this time; empty while nobody can know."""
    if not 0.02 <= progress < 1 or elapsed < timedelta(seconds=2):
        return ""
    return f"about {duration(elapsed * ((1 - progress) / progress))} left"


def cut(name: str, most: int = 40) -> str:
    """A long name cut in the middle: its beginning says what it is, its end which one."""
    if len(name) <= most:
        return name
    end = most // 3
    return f"{name[: most - end - 1].rstrip()}…{name[-end:].lstrip()}"


def plain_percent(part: Decimal, whole: Decimal) -> str:
    """`part` of `whole` in percent for machines: 12.34; empty when there is no whole."""
    return f"{part / whole * 100:.2f}" if whole > 0 else ""


def short_id(identifier: str) -> str:
    """An id cut in the middle, so that both ends can be compared: proj_8fk…2c9q."""
    return identifier if len(identifier) <= 16 else f"{identifier[:8]}…{identifier[-4:]}"


def in_currency(amount: Decimal, currency: str, per_dollar: Decimal) -> str:
    """Dollars in another currency (ISO 4217), with the places of its coins, small ones with four digits: €12.34, ¥185.

    One dollar is `per_dollar` of it. Codes without a sign of their own stand before the amount: CHF 9.75.
    """
    size = abs(amount) * per_dollar
    places = CURRENCIES.get(currency, 2)
    whole = size.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{whole:,.{places}f}" if size >= 1 or not size else digits(size)
    sign = MINUS if amount < 0 else ""
    return f"{sign}{_SIGNS.get(currency) or currency + NBSP}{text}"


def approximately(amount: Decimal, day: date, currency: str, per_dollar: Decimal, rate_day: date, source: str) -> str:
    """An amount of `day` in another currency, with the rate's own day and source: ≈ €10.68, rate of 2026-11-20, ECB.

    A rate of an earlier day says that it is the last one before.
    """
    stale = f" (the last one before {day})" if rate_day < day else ""
    return f"≈ {in_currency(amount, currency, per_dollar)}, rate of {rate_day}{stale}, {source}"
