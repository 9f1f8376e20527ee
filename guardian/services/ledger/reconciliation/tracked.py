"""From the tracked book to the reported one: which calls did not pass by, or did and were counted otherwise. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from guardian.services.ledger.reconciliation.books import ROUNDING, ZERO, Cell, Cells, Known, Repeat, Slice, Spot
from guardian.services.ledger.reconciliation.kinds import moved_kinds
from guardian.services.ledger.reconciliation.shifts import shifted_pairs
from guardian.services.ledger.reconciliation.views import Cause, Comparison

# The key of tracked calls that cannot be put to a provider's key.
NO_KEY = ""
_STANDARD = frozenset({None, "", "auto", "default", "standard"})

Counts = dict[str, Decimal]


@dataclass(slots=True)
class _Bucket:
    """Both books at one day, account, key and model. `lack` is reported − tracked of each kind that differs."""

    spot: Spot
    tracked: Cell = field(default_factory=Cell)
    reported: Cell = field(default_factory=Cell)
    by_tier: dict[str | None, Counts] = field(default_factory=dict[str | None, Counts])
    keys: set[str | None] = field(default_factory=set[str | None])
    lack: Counts = field(default_factory=Counts)
    repeats: list[Repeat] = field(default_factory=list[Repeat])
    amount: Decimal = ZERO

    def take(self, tier: str | None, cell: Cell, sign: int) -> None:
        (self.reported if sign > 0 else self.tracked).add(cell)
        counts = self.by_tier.setdefault(None if tier in _STANDARD else tier, {})
        for kind, number in cell.quantities.items():
            counts[kind] = counts.get(kind, ZERO) + sign * number
            self.lack[kind] = self.lack.get(kind, ZERO) + sign * number
        self.amount += sign * cell.cost

    @property
    def lacks(self) -> Counts:
        return {kind: number for kind, number in self.lack.items() if number}

    def slice(self, cause: Cause, *, label: str = "", outside: bool = False, estimated: bool = False) -> Slice:
        """What is left of the difference, with its cause."""
        return Slice(
            Comparison.TRACKED_REPORTED,
            cause,
            self.spot,
            None,
            self.amount,
            sum(self.lack.values(), ZERO),
            label,
            estimated=estimated,
            outside=("first" if self.tracked.rows else "second") if outside else "",
        )


def compare_tracked(tracked: Cells, reported: Cells, repeats: Iterable[Repeat], known: Known) -> list[Slice]:
    """The differences with their causes: the tracked costs and these amounts add up to the reported costs.

    `repeats` are calls that the tracked book is known to hold twice. Without a tracked book at all only the keys that
    the vault does not know are told.
    """
    buckets = _buckets(tracked, reported, repeats)
    if known.tracked_from is None:
        return [s for b in buckets.values() if (s := _alone(b, known)) and s.cause is Cause.UNKNOWN_KEY]
    found: list[Slice] = []
    left: list[_Bucket] = []
    for bucket in buckets.values():
        if (whole := _not_comparable(bucket, known) or _alone(bucket, known)) is not None:
            found.append(whole)
            continue
        if bucket.repeats:
            found.append(_take_out(bucket))
        if bucket.lacks or bucket.amount:
            left.append(bucket)
    moved = _shifts(left)
    found += [moved.get(id(bucket)) or _cause(bucket, known) for bucket in left]
    found = [_perhaps_tracked(each) if each.spot.provider in known.accountless else each for each in found]
    return [s for s in found if s.amount or s.quantity or s.cause is not Cause.ROUNDING]


def _buckets(tracked: Cells, reported: Cells, repeats: Iterable[Repeat]) -> dict[Spot, _Bucket]:
    """Both books by what both can tell: keys only where both name them, accounts only where all calls do."""
    blind = {spot.provider for spot in tracked if spot.account is None}
    named = {(spot.provider, spot.account) for spot in reported if spot.key is not None}
    own = {(s.provider, s.account, s.model, s.key) for s in tracked if s.key != NO_KEY}
    pools = {(s.provider, s.account, s.model) for s in tracked if s.key == NO_KEY}
    found: dict[Spot, _Bucket] = {}

    def place(spot: Spot, *, is_reported: bool) -> Spot:
        key = spot.key if (spot.provider, spot.account) in named else None
        pooled = (spot.provider, spot.account, spot.model) in pools
        if key == NO_KEY or (pooled and is_reported and (*_series(spot), key) not in own):
            key = NO_KEY if (spot.provider, spot.account) in named else None
        account = None if spot.provider in blind else spot.account
        return Spot(spot.day, spot.provider, account, key, spot.model, None)

    for book, sign in ((tracked, -1), (reported, 1)):
        for spot, cell in book.items():
            where = place(spot, is_reported=sign > 0)
            bucket = found.get(where) or found.setdefault(where, _Bucket(where))
            bucket.take(spot.tier, cell, sign)
            if sign > 0:
                bucket.keys.add(spot.key)
    for repeat in repeats:
        if bucket := found.get(place(repeat.spot, is_reported=False)):
            bucket.repeats.append(repeat)
    return found


def _series(spot: Spot) -> tuple[object, object, object]:
    return spot.provider, spot.account, spot.model


def _not_comparable(bucket: _Bucket, known: Known) -> Slice | None:
    spot = bucket.spot
    if known.tracked_from is not None and spot.day < known.tracked_from and not bucket.tracked.rows:
        return bucket.slice(Cause.NO_BOOK, label="tracked", outside=True)
    account = spot.provider, spot.account
    if bucket.reported.rows or known.reports(account, spot.day):
        return None
    if spot.day > known.reported_until(account) and any(p is spot.provider for p, _ in known.reported):
        return bucket.slice(Cause.LATE, label="not reported yet", outside=True)
    return bucket.slice(Cause.NO_BOOK, label="reported", outside=True)


def _alone(bucket: _Bucket, known: Known) -> Slice | None:
    """The cause where nothing at all was tracked on that day, key and model; None where something was."""
    if bucket.tracked.rows:
        return None
    key, provider = bucket.spot.key, bucket.spot.provider
    if bucket.reported.tool and not bucket.reported.requests:
        return bucket.slice(Cause.TOOL_FEE)
    if key == NO_KEY:
        return _more_reported(bucket)
    if key and (provider, key) not in known.vault:
        return bucket.slice(Cause.UNKNOWN_KEY)
    return bucket.slice(Cause.BYPASS, label="no key" if key is None else "")


def _perhaps_tracked(part: Slice) -> Slice:
    """Nothing bypassed the gateway for sure where calls were left out because they do not tell their account."""
    if part.cause is not Cause.BYPASS:
        return part
    return part._replace(cause=Cause.NO_BOOK, label="account", estimated=False, outside="second")


def _take_out(bucket: _Bucket) -> Slice:
    """Take the repeated calls out of the difference."""
    before, lack = bucket.amount, sum(bucket.lack.values(), ZERO)
    rows = sum(repeat.rows for repeat in bucket.repeats)
    for repeat in bucket.repeats:
        for kind, number in repeat.quantities.items():
            bucket.lack[kind] = bucket.lack.get(kind, ZERO) + number
        bucket.amount += repeat.cost
    bucket.tracked.requests -= rows
    return Slice(
        Comparison.TRACKED_REPORTED,
        Cause.DOUBLE,
        bucket.spot,
        None,
        before - bucket.amount,
        lack - sum(bucket.lack.values(), ZERO),
    )


def _shifts(buckets: list[_Bucket]) -> Mapping[int, Slice]:
    """The buckets whose difference is the opposite of a neighbouring day's."""
    found: dict[int, Slice] = {}
    pairs = shifted_pairs(
        [bucket for bucket in buckets if bucket.lacks],
        series=lambda b: b.spot[1:],
        day=lambda b: b.spot.day,
        opposite=lambda one, two: one.lacks == {kind: -number for kind, number in two.lacks.items()},
    )
    for one, two in pairs:
        label = f"{one.spot.day}/{two.spot.day}"
        found |= {id(each): each.slice(Cause.SHIFT, label=label) for each in (one, two)}
    return found


def _cause(bucket: _Bucket, known: Known) -> Slice:
    lacks = bucket.lacks
    if not lacks:
        return _same_usage(bucket)
    if bucket.tracked.doubtful:
        extra = bucket.reported.requests - bucket.tracked.requests
        # More calls were reported than tracked: some of the difference may be theirs.
        return bucket.slice(Cause.STREAM, estimated=bucket.reported.requests > 0 and extra > 0)
    more = sum(lacks.values(), ZERO)
    if more > 0 and min(lacks.values()) >= 0:
        return _more_reported(bucket)
    if max(lacks.values()) <= 0:
        return _more_tracked(bucket, known)
    if (kinds := moved_kinds(lacks)) is not None:
        return bucket.slice(Cause.KINDS, label=kinds)
    return bucket.slice(Cause.UNEXPLAINED, label="kinds")


def _same_usage(bucket: _Bucket) -> Slice:
    """The same tokens and another amount: another tier, no price, or another price."""
    if any(any(counts.values()) for counts in bucket.by_tier.values()):
        tiers = sorted(tier or "standard" for tier, counts in bucket.by_tier.items() if any(counts.values()))
        return bucket.slice(Cause.TIER, label=" and ".join(tiers))
    if bucket.tracked.unpriced_tokens:
        # Ours is not known, which is not zero: it takes no part in coverage.
        return bucket.slice(Cause.STREAM, label="unpriced")._replace(outside="second")
    if abs(bucket.amount) <= ROUNDING:
        return bucket.slice(Cause.ROUNDING)
    return bucket.slice(Cause.STALE_PRICE)


def _more_reported(bucket: _Bucket) -> Slice:
    requests = bucket.reported.requests
    if requests and requests <= bucket.tracked.requests:
        return bucket.slice(Cause.UNEXPLAINED, label="same calls")
    # Anthropic counts no requests, and calls of several keys cannot be told apart in a pool: then it is likely only.
    estimated = not requests or bucket.spot.key == NO_KEY
    label = ", ".join(sorted(key for key in bucket.keys if key)) if bucket.spot.key == NO_KEY else ""
    return bucket.slice(Cause.BYPASS, label=label, estimated=estimated)


def _more_tracked(bucket: _Bucket, known: Known) -> Slice:
    account = bucket.spot.provider, bucket.spot.account
    if bucket.reported.rows and _is_multiple(bucket.tracked.quantities, bucket.reported.quantities):
        return bucket.slice(Cause.DOUBLE)
    if bucket.spot.day >= min(known.young_from, known.reported_until(account)):
        return bucket.slice(Cause.LATE)
    return bucket.slice(Cause.UNEXPLAINED)


def _is_multiple(many: Mapping[str, Decimal], few: Mapping[str, Decimal]) -> bool:
    """Whether every kind of `many` is the same whole number, at least two, times that of `few`."""
    factors = {many.get(kind, ZERO) / number for kind, number in few.items() if number}
    return len(factors) == 1 and (factor := factors.pop()) >= 2 and factor == int(factor) and many.keys() == few.keys()
