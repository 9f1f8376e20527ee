"""What States hold and components show: text made on the server. These classes are pickled: do not move them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Money:
    """An amount as people read it, the exact one in dollars, and why it is marked: empty when nothing is missing."""

    text: str = ""
    exact: str = ""
    note: str = ""


@dataclass(frozen=True)
class Delta:
    """A change against a named period: "+18 %, +$212" "than on 1–5 October". `direction` is up, down or same."""

    text: str = ""
    against: str = ""
    direction: str = "same"


@dataclass(frozen=True)
class Ranked:
    """One line of a breakdown. `share` is text, `width` the same in percent of the longest bar (0 to 100)."""

    key: str
    name: str
    detail: str
    color: str
    money: Money
    share: str
    width: float


@dataclass(frozen=True)
class Choice:
    """One of several links of which one is current."""

    label: str
    href: str
    current: bool


@dataclass(frozen=True)
class Pull:
    """A pull that runs (`percent` of 100, `note` with the remaining time) or that failed (`note` says why)."""

    key: str
    label: str
    percent: int
    note: str


@dataclass(frozen=True)
class Line:
    """One of the most expensive lines; counts are whole so that the table can be sorted by them."""

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
