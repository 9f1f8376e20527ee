"""What States hold and components show: text made on the server. These classes are pickled: do not move them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from guardian import amounts
from guardian.ui import format


@dataclass(frozen=True)
class Money:
    """An amount as people read it, the exact one in dollars, and why it is marked: empty when nothing is missing.

    `title` is what hovering shows. `exact` is empty where nothing is known.
    """

    text: str = ""
    exact: str = ""
    note: str = ""
    title: str = ""

    @classmethod
    def of(cls, amount: Decimal, note: str = "") -> "Money":
        """A known amount; `note` says in a sentence what about it is estimated or missing."""
        exact = format.exact(amount)
        return cls(amounts.dollars(amount), exact, note, f"${exact}. {note}".removesuffix(". "))

    @classmethod
    def unknown(cls, text: str, note: str = "") -> "Money":
        """No amount, which is not zero: "unpriced", "–"."""
        return cls(text, "", note, note)


NO_MONEY = Money()


@dataclass(frozen=True)
class Delta:
    """A change against a named period: "+18 %, +$212" "than on 1–5 October". `direction` is up, down or same."""

    text: str = ""
    against: str = ""
    direction: str = "same"


@dataclass(frozen=True)
class Moment:
    """A time as people read it ("3 min ago"), whole on hover, and for machines; no `iso` where it never was."""

    text: str = ""
    title: str = ""
    iso: str = ""

    @classmethod
    def of(cls, moment: datetime | None, now: datetime, zone: ZoneInfo, *, never: str = "Never") -> "Moment":
        """`never` is said where there is no time."""
        if moment is None:
            return cls(never)
        iso = moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return cls(format.relative(moment, now), format.absolute(moment, zone), iso)


NO_MOMENT = Moment()


@dataclass(frozen=True)
class Ranked:
    """One line of a breakdown. `share` is text, `width` the same in percent of the longest bar (0 to 100).

    `href` looks into it; the rest of a breakdown leads nowhere.
    """

    key: str
    name: str
    detail: str
    color: str
    money: Money
    share: str
    width: float
    href: str = ""


@dataclass(frozen=True)
class Choice:
    """One of several links of which one is current."""

    label: str
    href: str
    current: bool


@dataclass(frozen=True)
class Option:
    """One of a list to choose from; `value` is what the form sends."""

    value: str
    text: str


@dataclass(frozen=True)
class Pull:
    """A pull that runs (`percent` of 100, `note` with the remaining time) or that failed (`note` says why)."""

    key: str
    label: str
    percent: int
    note: str


NO_PULL = Pull("", "", 0, "")


@dataclass(frozen=True)
class Line:
    """One of the most expensive lines; counts are whole so that the table can be sorted by them.

    `href` looks at its single rows.
    """

    key: str
    model: str
    operation: str
    provider: str
    color: str
    project: str
    project_id: str
    provider_key: str
    provider_key_id: str
    tier: str
    money: Money
    requests: int
    requests_text: str
    tokens: int
    tokens_text: str
    tokens_title: str
    href: str
