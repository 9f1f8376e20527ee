"""What the explorer offers as links (ranges, zones, tabs, groupings, buckets, columns, sorts), and figures as text."""

from collections.abc import Sequence

from guardian import amounts
from guardian.errors import ValidationError
from guardian.services.ledger.views import Bucket, Totals
from guardian.ui import format
from guardian.ui.pages.usage.address import GROUPS, SORTS, TAG, Address, Asked
from guardian.ui.pages.usage.groups import Option, change_against
from guardian.ui.pages.usage.read import Spending
from guardian.ui.pages.usage.words import TYPED, dimension
from guardian.ui.ranges import PRESETS
from guardian.ui.rows import Choice, Delta

# The columns of the rows that can be hidden, and those that are until somebody asks for them.
COLUMNS: tuple[tuple[str, str], ...] = (
    ("project", "Project"),
    ("key", "Provider key"),
    ("person", "Person"),
    ("tier", "Tier"),
    ("session", "Session"),
    ("tags", "Tags"),
    ("book", "Book"),
    ("calls", "Calls"),
    ("input", "Tokens in"),
    ("output", "Tokens out"),
)
_HIDDEN = frozenset({"person", "tier", "session", "tags", "book"})
_NONE = "none"  # no column is hidden: an empty parameter would mean the default
_BUCKETS: dict[str, str] = {"hour": "Hours", "day": "Days", "week": "Weeks", "month": "Months"}


def of_ranges(asked: Asked) -> list[Choice]:
    return [
        Choice(label, asked.address.but({"range": name}).href, asked.span.preset == name) for name, label in PRESETS
    ]


def of_zones(asked: Asked, organizations: str) -> list[Choice]:
    """The organization's zone, UTC, and the one in use."""
    found = [
        Choice(f"{organizations} (organization)", asked.address.but({"tz": None}).href, asked.zone == organizations)
    ]
    if organizations != "UTC":
        found.append(Choice("UTC", asked.address.but({"tz": "UTC"}).href, asked.zone == "UTC"))
    if asked.zone not in ("UTC", organizations):
        found.append(Choice(asked.zone, asked.address.href, True))
    return found


def of_tabs(asked: Asked) -> list[Choice]:
    return [
        Choice("Groups", asked.address.but({"tab": None}).href, asked.tab == "groups"),
        Choice("Rows", asked.address.but({"tab": "rows"}).href, asked.tab == "rows"),
    ]


def of_groupings(asked: Asked) -> list[Choice]:
    names = [*GROUPS, *([asked.group_by] if asked.group_by.startswith(TAG) else [])]
    return [
        Choice(dimension(name), asked.address.but({"groupBy": name, "sort": None}).href, name == asked.group_by)
        for name in names
    ]


def bucket(name: Bucket) -> str:
    return _BUCKETS[name].lower()


def of_buckets(asked: Asked, found: Spending) -> list[Choice]:
    return [
        Choice(_BUCKETS[each], asked.address.but({"bucket": each}).href, each == found.bucket) for each in found.buckets
    ]


def hidden(address: Address) -> list[str]:
    """The columns that are not shown."""
    asked = address.one("hide")
    if not asked:
        return [name for name, _ in COLUMNS if name in _HIDDEN]
    return [name for name, _ in COLUMNS if name in asked.split(",")]


def of_columns(address: Address) -> list[Choice]:
    """Each column as a link that shows or hides it; `current` where it is shown."""
    now = hidden(address)
    found: list[Choice] = []
    for name, label in COLUMNS:
        then = [each for each in now if each != name] if name in now else [*now, name]
        found.append(Choice(label, address.but({"hide": ",".join(then) or _NONE}).href, name not in now))
    return found


def sorts(asked: Asked) -> dict[str, str]:
    """The address that each column's head leads to: the same column again turns the order around."""
    found: dict[str, str] = {}
    for name in SORTS:
        down = not asked.descending if name == asked.sort else name != "name"
        found[name] = asked.address.but({"sort": f"-{name}" if down else name}).href
    return found


def change(found: Spending) -> Delta:
    """The whole against the days before, which are named."""
    named = found.compared.days
    if found.previous is None:
        return Delta("", f"no complete data for {named}")
    before = found.previous.totals.cost
    said = change_against(found.summary.totals.cost - before, before)
    return Delta(said.text, f"against {amounts.dollars(before)} on {named}", said.direction)


def volume(totals: Totals) -> tuple[str, str, str]:
    """Calls, tokens, and what has no price; the last is empty where all has one."""
    tokens = format.tokens(totals.tokens)
    unpriced = format.tokens(totals.unpriced_tokens) if totals.unpriced_rows else ""
    return format.tokens(totals.requests) if totals.requests else "–", tokens, unpriced


def typed(name: str, text: str, options: Sequence[Option]) -> str | None:
    """The value that typed words mean; None for nothing. Raises ValidationError for what cannot be one."""
    if not text:
        return None
    if name == "tag":
        key, equals, value = text.partition(":" if ":" in text else "=")
        if not equals or not key.strip():
            raise ValidationError("Write the tag as its key, a colon and its value, as in environment:production.")
        return f"{key.strip()}:{value.strip()}"
    if name in TYPED:
        return text
    if not options:
        raise ValidationError("No value of this name occurs in the range. Choose one of the list, or another range.")
    return options[0].key
