"""From groups of the rollups to cells that can be compared: accounts, keys and kinds put to each."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from guardian.models.enums import Provider
from guardian.services.ledger.reconciliation.books import Account, Cell, Spot
from guardian.services.ledger.reconciliation.details import MOST_PROBED
from guardian.services.ledger.reconciliation.keys import ProviderKey, Usage, same_usage, told_keys
from guardian.services.ledger.reconciliation.kinds import NOT_SPLIT
from guardian.services.ledger.reconciliation.pricing import Prices
from guardian.services.ledger.reconciliation.reading import Surroundings, UsageGroup
from guardian.services.ledger.reconciliation.tracked import NO_KEY

Place = tuple[date, Provider, str | None]
_NOBODY: frozenset[str | None] = frozenset()


@dataclass(frozen=True, slots=True)
class Directory:
    """Which account and which provider's key a tracked call belongs to."""

    surroundings: Surroundings
    accounts: dict[Provider, set[str]]
    vault_of: dict[ProviderKey, str]
    key_of: dict[str, str]

    def place(self, spot: Spot, api_key_id: str | None) -> Spot:
        """A tracked spot by the provider's names: NO_KEY where the key is not known, None for an unknown account."""
        known = self.accounts.get(spot.provider, set())
        told = (spot.account, self.surroundings.vault_accounts.get(api_key_id or ""))
        account = next((each for each in told if each in known), None)
        if account is None and len(known) == 1:
            account = next(iter(known))
        return spot._replace(account=account, key=spot.key or self.key_of.get(api_key_id or "", NO_KEY))


def directory(groups: Sequence[UsageGroup], surroundings: Surroundings) -> Directory:
    """Match keys and accounts by all that the books of the span tell."""
    reported = [group.spot for group in groups if group.reported]
    calls = [(group.spot, group.api_key_id) for group in groups if not group.reported and group.api_key_id]
    named = {*surroundings.reported, *surroundings.billed, *((spot.provider, spot.account) for spot in reported)}
    accounts: dict[Provider, set[str]] = defaultdict(set)
    for provider, account in named:
        if account is not None:
            accounts[provider].add(account)
    seen = {((spot.provider, spot.key), id) for spot, id in calls if spot.key is not None}
    known = told_keys(surroundings.vault, surroundings.names, sorted(seen))
    if {id for _, id in calls} - {*known.values()}:
        known |= same_usage(surroundings.vault, *_usages(groups, known), known)
    # A vault key that was replaced had several; the one that the report knows counts.
    reporting = {(spot.provider, spot.key) for spot in reported}
    key_of: dict[str, str] = {}
    for (provider, key), id in sorted(known.items()):
        if id not in key_of or (provider, key) in reporting:
            key_of[id] = key
    return Directory(surroundings, dict(accounts), known, key_of)


def _usages(
    groups: Iterable[UsageGroup], known: Mapping[ProviderKey, str]
) -> tuple[dict[str, set[Usage]], dict[ProviderKey, set[Usage]]]:
    """What the keys used whose other name is not known yet, by vault key and by provider key."""
    matched = {*known.values()}
    sums: dict[str | ProviderKey, dict[tuple[date, str | None], Counter[str]]] = {}
    for spot, api_key_id, is_reported, cell in groups:
        owner = (spot.provider, spot.key or "") if is_reported else api_key_id
        if owner is None or owner in known or owner in matched:
            continue
        days = sums.setdefault(owner, defaultdict(Counter))
        days[spot.day, spot.model].update({kind: int(number) for kind, number in cell.quantities.items()})
    tracked: dict[str, set[Usage]] = {}
    reported: dict[ProviderKey, set[Usage]] = {}
    for owner, days in sums.items():
        used = {
            (day, model, frozenset((kind, Decimal(number)) for kind, number in counts.items()))
            for (day, model), counts in days.items()
        }
        if isinstance(owner, str):
            tracked[owner] = used
        elif owner[1]:
            reported[owner] = used
    return tracked, reported


def cells(
    groups: Iterable[UsageGroup], found: Directory, prices: Prices
) -> tuple[dict[Spot, Cell], dict[Spot, Cell], list[Spot]]:
    """The tracked and the reported cells, and the reported spots whose cost could not be told by kind from prices."""
    books: tuple[dict[Spot, Cell], dict[Spot, Cell]] = ({}, {})
    callers: dict[Spot, set[str | None]] = defaultdict(set)
    for group in groups:
        spot = group.spot if group.reported else found.place(group.spot, group.api_key_id)
        book = books[group.reported]
        if not group.reported:
            callers[spot].add(group.api_key_id)
        if spot in book:
            book[spot].add(group.cell)
        else:
            book[spot] = group.cell
    unsplit: list[Spot] = []
    for is_reported, book in enumerate(books):
        for spot, cell in book.items():
            of = callers.get(spot, _NOBODY) if not is_reported else _NOBODY
            if not cell.cost or prices.split(spot, cell, next(iter(of)) if len(of) == 1 else None):
                continue
            cell.amounts = {NOT_SPLIT: cell.cost}
            if is_reported:
                unsplit.append(spot)
    return *books, unsplit


def suspects(tracked: dict[Spot, Cell], reported: dict[Spot, Cell]) -> list[Place]:
    """Days and models of which more was tracked than reported, the greatest difference first, as many as are probed."""
    differences: dict[Place, Decimal] = defaultdict(Decimal)
    rows: Counter[Place] = Counter()
    both: set[Place] = {(spot.day, spot.provider, spot.model) for spot in reported}
    for book, sign in ((tracked, 1), (reported, -1)):
        for spot, cell in book.items():
            place = spot.day, spot.provider, spot.model
            if place in both:
                differences[place] += sign * sum(cell.quantities.values(), Decimal(0))
                rows[place] += cell.rows if sign > 0 else 0
    found: list[Place] = []
    left = MOST_PROBED
    for place, more in sorted(differences.items(), key=lambda item: -item[1]):
        if more <= 0 or rows[place] > left:
            break
        left -= rows[place]
        found.append(place)
    return found


def account_days(reported: Iterable[Spot]) -> frozenset[tuple[Account, date]]:
    """The days of which an account has reported rows."""
    return frozenset(((spot.provider, spot.account), spot.day) for spot in reported)
