"""From the ledger's sums to the explorer's text: filters as chips, values to choose from, groups; pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from guardian.services.ledger.queries.names import Names
from guardian.services.ledger.views import Group, Totals
from guardian.ui import format
from guardian.ui.colors import OTHER
from guardian.ui.headline import total
from guardian.ui.pages.usage.address import TAG, Address, Asked
from guardian.ui.pages.usage.read import Spending
from guardian.ui.pages.usage.words import deeper, dimension, value
from guardian.ui.rows import Delta, Money

_NAMED = 2  # values that a chip spells out


@dataclass(frozen=True)
class Chip:
    """One dimension that is filtered: its values in short, all of them on hover, and the address without it."""

    dimension: str
    label: str
    text: str
    title: str
    href: str


@dataclass(frozen=True)
class Option:
    """A value to filter by; `href` adds it, or takes it away where it is `checked`."""

    key: str
    name: str
    title: str
    detail: str
    amount: str
    href: str
    checked: bool


# Anthropic's usage report has no number of calls, and OpenAI's has none of tools.
_UNCOUNTED = "The provider's reports do not count these calls."


@dataclass(frozen=True)
class GroupRow:
    """A line of the table of groups. `href` looks into it; the last one, of all others, leads nowhere."""

    key: str
    name: str
    title: str
    detail: str
    color: str
    money: Money
    share: str
    share_csv: str
    width: float
    change: Delta
    change_csv: str
    requests: int
    requests_text: str
    requests_title: str
    requests_csv: str
    tokens: int
    tokens_text: str
    tokens_title: str
    href: str


def chips(asked: Asked, names: Names) -> list[Chip]:
    """The filters of the page, in the order of the address."""
    found: list[Chip] = []
    for name, values in asked.filters.items():
        words = [value(name, each, names.get((name, each))) for each in values]
        rest = len(words) - _NAMED
        short = ", ".join(format.cut(each, 28) for each in words[:_NAMED]) + (f" +{rest}" if rest > 0 else "")
        found.append(Chip(name, dimension(name), short, ", ".join(words), asked.address.but({name: None}).href))
    return found


def options(groups: Sequence[Group], name: str, address: Address, text: str, most: int) -> list[Option]:
    """The values whose name or id holds the words of `text`; those that are chosen come first, then by spend."""
    chosen = address.all(name)
    words = text.lower().split()
    found = [_option(group, name, address) for group in groups]
    occurring = {each.key for each in found}
    # What was chosen stays to be seen, also where the range has none of it.
    found += [_missing(name, each, address) for each in chosen if each not in occurring]
    matching = [each for each in found if all(word in f"{each.title} {each.key}".lower() for word in words)]
    return sorted(matching, key=lambda each: not each.checked)[:most]


def _option(group: Group, name: str, address: Address) -> Option:
    key = group.values[name] or ""
    known = value(name, key, group.names.get(name))
    return Option(
        key=key,
        name=format.cut(known),
        title=known,
        detail=format.short_id(key) if known != key and name in group.names else "",
        amount=total(group.totals).text,
        href=address.toggled(name, key).href,
        checked=key in address.all(name),
    )


def _missing(name: str, key: str, address: Address) -> Option:
    known = value(name, key)
    return Option(key, format.cut(known), known, "", "–", address.toggled(name, key).href, True)


def groups(asked: Asked, spending: Spending, painted: Mapping[str, str]) -> list[GroupRow]:
    """The table of groups, sorted as asked; what is left beside the groups shown comes last."""
    whole = spending.summary.totals
    before = {
        group.values[asked.group_by] or "": group.totals
        for group in (spending.previous.groups if spending.previous else ())
        if not group.others
    }
    longest = max((group.totals.cost for group in spending.summary.groups if not group.others), default=Decimal(0))
    named: list[tuple[GroupRow, Decimal | None]] = []
    others: list[GroupRow] = []
    for group in spending.summary.groups:
        key = group.values[asked.group_by] or ""
        known = spending.previous is not None and not group.others
        change = group.totals.cost - before.get(key, Totals()).cost if known else None
        row = _group(group, asked, whole, longest, change, before.get(key, Totals()), painted)
        if group.others:
            others.append(row)
        else:
            named.append((row, change))
    return [*_sorted(named, asked), *others]


def _group(
    group: Group,
    asked: Asked,
    whole: Totals,
    longest: Decimal,
    change: Decimal | None,
    before: Totals,
    painted: Mapping[str, str],
) -> GroupRow:
    name, totals = asked.group_by, group.totals
    key = group.values[name] or ""
    known = f"Other ({format.number(group.others)})" if group.others else value(name, key, group.names.get(name))
    return GroupRow(
        key="others" if group.others else f"={key}",
        name=format.cut(known, 48),
        title=known if known == key or not key else f"{known}, {key}",
        detail=format.short_id(key) if name in group.names else "",
        color=OTHER if group.others else painted.get(key, OTHER),
        money=total(totals),
        share=format.percent(totals.cost, whole.cost) if totals.cost else "",
        share_csv=format.plain_percent(totals.cost, whole.cost),
        width=round(float(min(totals.cost / longest, Decimal(1)) * 100), 1) if longest > 0 else 0.0,
        change=_change(change, before.cost),
        change_csv="" if change is None else format.exact(change),
        requests=totals.requests,
        requests_text=format.tokens(totals.requests) if totals.requests else "–",
        requests_title=_UNCOUNTED if totals.calls is None else "",
        requests_csv="" if totals.calls is None else f"{totals.calls}",
        tokens=totals.tokens,
        tokens_text=format.tokens(totals.tokens),
        tokens_title=f"{format.number(totals.input_tokens)} in, {format.number(totals.output_tokens)} out, "
        f"{format.number(totals.cache_read_tokens)} read from cache",
        href="" if group.others else _into(asked, key),
    )


def _into(asked: Asked, key: str) -> str:
    """The address that looks into one group: it as a filter, grouped by what is not decided yet, else its rows."""
    name, chosen = asked.group_by, key
    if name.startswith(TAG):
        name, chosen = "tag", f"{name.removeprefix(TAG)}:{key}"
    deeper_by = deeper(asked.group_by, {*asked.filters, name})
    values = [chosen]
    if name == "tag":
        own = chosen.partition(":")[0] + ":"
        values = [*(each for each in asked.filters.get("tag", ()) if not each.startswith(own)), chosen]
    further = {"groupBy": deeper_by} if deeper_by else {"tab": "rows"}
    return asked.address.but({name: values, "sort": None, **further}).href


def change_against(change: Decimal, before: Decimal) -> Delta:
    """A change as an arrow and words, without what it is against."""
    percent = change / before * 100 if before else None
    direction = "same" if not change else ("up" if change > 0 else "down")
    return Delta(format.change(change, percent), "", direction)


def _change(change: Decimal | None, before: Decimal) -> Delta:
    if change is None or not (change or before):
        return Delta()
    return Delta("new", "", "same") if not before and change else change_against(change, before)


def _sorted(rows: list[tuple[GroupRow, Decimal | None]], asked: Asked) -> list[GroupRow]:
    def key(item: tuple[GroupRow, Decimal | None]) -> tuple[bool, Decimal | int | str]:
        row, change = item
        if asked.sort == "change":
            return (change is None) != asked.descending, change or Decimal(0)
        if asked.sort == "cost":
            return False, Decimal(row.money.exact or 0)
        return False, row.title.lower() if asked.sort == "name" else getattr(row, asked.sort)

    if asked.sort == "cost" and asked.descending:
        return [row for row, _ in rows]  # as the ledger orders them, what is unpriced deciding between equals
    return [row for row, _ in sorted(rows, key=key, reverse=asked.descending)]
