"""The currency that amounts are shown in: dated rates with their source. What is stored stays in dollars."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from guardian.errors import ValidationError
from guardian.models import ExchangeRate, User
from guardian.periods import utcnow
from guardian.services.actor import Actor
from guardian.services.people import audit
from guardian.services.people.currency_codes import DOLLAR
from guardian.services.people.organizations import (
    OrganizationChange,
    get_organization,
    known_currency,
    update_organization,
)

MOST_LISTED = 400
MOST_LINES = 10_000
MAX_SOURCE = 200
_MOST_PROBLEMS = 20
_ROWS_PER_STATEMENT = 1_000
_RATE = re.compile(r"\d{1,9}(\.\d{1,10})?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_EARLIEST = date(2000, 1, 1)

Entry = tuple[date, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateView:
    """One US dollar is `per_dollar` of `currency` from `day` on, until the next day that has a rate."""

    currency: str
    day: date
    per_dollar: Decimal
    source: str
    created_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """The currency that the organization wants to see, and the rate to show a day's amounts by.

    `rate` is that of `day`, or of the last earlier day that has one; None for dollars, and where no rate is known.
    """

    currency: str
    day: date
    rate: RateView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesAdded:
    """What became of the rates that were given: new days, days whose rate was corrected, days that had it already."""

    added: int
    changed: int
    unchanged: int


def display(session: Session, actor: Actor, day: date) -> Display:
    """How to show an amount of that day."""
    currency = get_organization(session, actor).currency
    if currency == DOLLAR:
        return Display(currency=currency, day=day, rate=None)
    rows = _read(session, actor, currency, most=1, until=day)
    return Display(currency=currency, day=day, rate=rows[0] if rows else None)


def list_rates(session: Session, actor: Actor, currency: str | None = None) -> list[RateView]:
    """The latest 400 rates, newest first, of one currency or of all. Raises AuthorizationError, ValidationError."""
    actor.require("prices:read")
    return _read(session, actor, known_currency(currency) if currency else None, most=MOST_LISTED)


def choose_currency(session: Session, actor: Actor, currency: str) -> str:
    """Show amounts in this currency too; USD shows dollars only. Gives the code.

    Raises AuthorizationError, and ValidationError for a code that is not of ISO 4217.
    """
    actor.require("prices:update")
    return update_organization(session, actor, OrganizationChange(currency=currency)).currency


def add_rates(session: Session, actor: Actor, currency: str, entries: Sequence[Entry], source: str) -> RatesAdded:
    """Keep these days' rates. A day has one rate: another one corrects it, and is counted.

    Raises AuthorizationError, and ValidationError for an unknown currency, for dollars, a day to come, a rate that is
    not above zero, no source, or two rates of one day.
    """
    actor.require("prices:update")
    code = known_currency(currency)
    if code == DOLLAR:
        raise _wrong("currency", "Amounts are kept in US dollars, which need no rate.")
    source = " ".join(source.split())
    if not 1 <= len(source) <= MAX_SOURCE or not source.isprintable():
        raise _wrong("source", "Say in a few words where the rate is from, such as “ECB reference rate”.")
    wanted = _checked(entries)
    stored = {row.day: row.model_dump() for row in _stored(session, actor, code, list(wanted))}
    before = {day: row["per_dollar"] for day, row in stored.items()}
    news = {day: rate for day, rate in wanted.items() if before.get(day) != rate}
    rows = [
        ExchangeRate(
            organization_id=actor.organization_id,
            currency=code,
            day=day,
            per_dollar=rate,
            source=source,
            created_by_id=actor.user_id,
        ).model_dump()
        for day, rate in sorted(news.items())
    ]
    for first in range(0, len(rows), _ROWS_PER_STATEMENT):
        statement = insert(ExchangeRate).values(rows[first : first + _ROWS_PER_STATEMENT])
        replaced = {name: statement.excluded[name] for name in ("per_dollar", "source", "created_by_id", "created_at")}
        session.exec(
            statement.on_conflict_do_update(index_elements=["organization_id", "currency", "day"], set_=replaced)
        )
    for row in rows:
        audit.note_change(session, ExchangeRate, stored.get(row["day"]), row)
    changed = len(news.keys() & before.keys())
    return RatesAdded(added=len(news) - changed, changed=changed, unchanged=len(wanted) - len(news))


def read_rates(text: str) -> list[Entry]:
    """Lines of `day,rate` as rates: 2026-11-20,0.8653. Raises ValidationError with the number of each wrong line.

    Repaired: a byte order mark, line ends of any kind, a first line that is a header, spaces, empty lines, and with
    semicolons or tabs between day and rate also a comma in the rate. Refused: everything else.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    if len(lines) > MOST_LINES:
        raise _wrong("csv", f"Paste at most {MOST_LINES:,} lines at once.")
    found: list[Entry] = []
    problems: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or (number == 1 and not line.lstrip(' "')[:1].isdigit()):
            continue
        entry = _entry(line)
        if isinstance(entry, str):
            problems.append((number, entry))
        else:
            found.append(entry)
    if problems:
        first, why = problems[0]
        more = f" {len(problems) - 1} more lines are wrong." if len(problems) > 1 else ""
        raise ValidationError(
            f"Line {first}: {why}{more} Nothing was stored.",
            details=[{"field": f"csv.{line}", "message": said} for line, said in problems[:_MOST_PROBLEMS]],
        )
    if not found:
        raise _wrong("csv", "Paste lines of a day and a rate, such as 2026-11-20,0.8653.")
    return found


def _entry(line: str) -> Entry | str:
    """The line's day and rate, or what is wrong with it."""
    by = next((sign for sign in (";", "\t") if sign in line), ",")
    parts = [part.strip().strip('"').strip() for part in line.split(by)]
    if len(parts) != 2:
        return "A line has a day and a rate, with one comma between them."
    day, rate = parts[0], parts[1].replace(",", ".") if by != "," else parts[1]
    try:
        moment = date.fromisoformat(day) if _DAY.fullmatch(day) else None
    except ValueError:
        moment = None
    if moment is None:
        return f"{day[:20]!r} is not a day like 2026-11-20."
    if not _RATE.fullmatch(rate):
        return f"{rate[:20]!r} is not a rate like 0.8653, with at most 10 places."
    return moment, Decimal(rate)


def _checked(entries: Sequence[Entry]) -> dict[date, Decimal]:
    # Somewhere on earth it is tomorrow already.
    latest = utcnow().date() + timedelta(days=1)
    wanted: dict[date, Decimal] = {}
    for day, rate in entries:
        if not _EARLIEST <= day <= latest:
            raise _wrong("day", f"{day} is not a day whose rate can be known.")
        if not rate.is_finite() or rate <= 0 or not _RATE.fullmatch(format(rate, "f")):
            raise _wrong("rate", f"The rate of {day} must be above zero, with at most 10 places.")
        if wanted.setdefault(day, rate) != rate:
            raise _wrong("day", f"{day} is there twice, with two rates.")
    if not wanted:
        raise _wrong("rates", "Give at least one day and its rate.")
    return wanted


def _stored(session: Session, actor: Actor, currency: str, days: Sequence[date]) -> Sequence[ExchangeRate]:
    return session.exec(
        select(ExchangeRate).where(
            ExchangeRate.organization_id == actor.organization_id,
            ExchangeRate.currency == currency,
            col(ExchangeRate.day).in_(days),
        )
    ).all()


def _read(
    session: Session, actor: Actor, currency: str | None, *, most: int, until: date | None = None
) -> list[RateView]:
    query = (
        select(ExchangeRate, User.name, User.email)
        .join(User, col(User.id) == col(ExchangeRate.created_by_id), isouter=True)
        .where(ExchangeRate.organization_id == actor.organization_id)
        .order_by(col(ExchangeRate.day).desc(), col(ExchangeRate.currency))
        .limit(most)
    )
    if currency is not None:
        query = query.where(ExchangeRate.currency == currency)
    if until is not None:
        query = query.where(ExchangeRate.day <= until)
    return [
        RateView(
            currency=row.currency, day=row.day, per_dollar=row.per_dollar, source=row.source, created_by=name or email
        )
        for row, name, email in session.exec(query)
    ]


def _wrong(field: str, message: str) -> ValidationError:
    return ValidationError(message, details=[{"field": field, "message": message}])
