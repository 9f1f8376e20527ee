"""Whatever the books hold: what is named, not comparable and unexplained leads from one to the next, exactly."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from guardian.models.enums import Provider
from guardian.services.ledger.reconciliation.billed import compare_billed
from guardian.services.ledger.reconciliation.books import BilledLine, Cell, Known, Repeat, Slice, Spot
from guardian.services.ledger.reconciliation.figures import figures, gap
from guardian.services.ledger.reconciliation.findings import findings
from guardian.services.ledger.reconciliation.kinds import NOT_SPLIT
from guardian.services.ledger.reconciliation.tracked import NO_KEY, compare_tracked
from guardian.services.ledger.reconciliation.views import Comparison

FIRST = date(2026, 11, 1)
DAYS = st.integers(0, 3).map(lambda n: FIRST + timedelta(days=n))
PROVIDERS = st.sampled_from([Provider.OPENAI, Provider.ANTHROPIC])
KINDS = ("uncached_input_tokens", "output_tokens", "cache_write_30m_tokens", "web_search_requests")
MONEY = st.decimals(0, 50, places=10)
# Few different numbers, so that shifts, doubles and equal sums come up often.
COUNTS = st.sampled_from([0, 1, 100, 200, 400, 1_000_000]).map(Decimal)
PRICES = st.sampled_from(["0.000001", "0.000002", "0.0000005", "0.0000045", "0.00000123"]).map(Decimal)


def _spots(keys: list[str | None], accounts: list[str | None]) -> st.SearchStrategy[Spot]:
    return st.builds(
        Spot,
        DAYS,
        PROVIDERS,
        st.sampled_from(accounts),
        st.sampled_from(keys),
        st.sampled_from(["big", "small", None]),
        st.sampled_from([None, "default", "batch", "flex", "priority"]),
    )


@st.composite
def _cells(draw: st.DrawFn) -> Cell:
    quantities = {kind: n for kind in KINDS if (n := draw(COUNTS))}
    amounts = {kind: (number * draw(PRICES)).quantize(Decimal("1e-10")) for kind, number in quantities.items()}
    amounts = {kind: amount for kind, amount in amounts.items() if amount}
    cost = sum(amounts.values(), Decimal(0))
    unpriced = draw(st.sampled_from([0, 0, 0, 5]))
    if unpriced and draw(st.booleans()):
        cost, amounts = Decimal(0), {}
    if cost and draw(st.integers(0, 5)) == 0:
        amounts = {NOT_SPLIT: cost}
    return Cell(
        cost=cost,
        requests=draw(st.integers(0, 4)),
        rows=draw(st.integers(1, 4)),
        doubtful=draw(st.sampled_from([0, 0, 0, 1])),
        unpriced_tokens=unpriced,
        tool=draw(st.integers(0, 9)) == 0,
        quantities=quantities,
        amounts=amounts,
    )


TRACKED = st.dictionaries(_spots(["k1", "k2", NO_KEY], ["acct", "other", None]), _cells(), max_size=12)
REPORTED = st.dictionaries(_spots(["k1", "k2", "k3", None], ["acct", "other"]), _cells(), max_size=12)
BILLED = st.lists(
    st.builds(
        BilledLine,
        spot=_spots(["k1", "k2", None], ["acct", "other"]),
        kind=st.sampled_from([*KINDS, "cache_write_tokens", "code_execution", NOT_SPLIT]),
        amount=st.one_of(MONEY, MONEY.map(lambda amount: -amount)),
        quantity=st.one_of(st.none(), COUNTS),
        line_item=st.just("a line"),
        restated=st.booleans(),
    ),
    max_size=12,
)
SPANS = st.dictionaries(
    st.tuples(PROVIDERS, st.sampled_from(["acct", "other"])), st.tuples(DAYS, DAYS).map(sorted).map(tuple), max_size=4
)


@st.composite
def _known(draw: st.DrawFn, reported: dict[Spot, Cell], billed: list[BilledLine], tracked: dict[Spot, Cell]) -> Known:
    spans: dict[tuple[Provider, str | None], tuple[date, date]] = {}
    for line in billed:
        account, day = (line.spot.provider, line.spot.account), line.spot.day
        first, last = spans.get(account, (day, day))
        spans[account] = min(first, day), max(last, day)
    tracked_from = min((spot.day for spot in tracked), default=None)
    return Known(
        tracked_from=tracked_from,
        reported=draw(SPANS),  # type: ignore[arg-type]
        reported_days=frozenset(((spot.provider, spot.account), spot.day) for spot in reported),
        billed=spans,
        young_from=draw(DAYS),
        vault=frozenset({(Provider.OPENAI, "k1")}),
        alternatives=lambda *_: {"batch": Decimal("0.0000005"), "standard": Decimal("0.000001")},
    )


@st.composite
def _repeats(draw: st.DrawFn, tracked: dict[Spot, Cell]) -> list[Repeat]:
    if not tracked or draw(st.booleans()):
        return []
    spot = draw(st.sampled_from(sorted(tracked, key=str)))
    return [Repeat(spot=spot, rows=1, cost=draw(MONEY), quantities={"output_tokens": Decimal(100)})]


@settings(max_examples=400)
@given(st.data(), TRACKED, REPORTED, BILLED)
def test_the_parts_add_up(
    data: st.DataObject, tracked: dict[Spot, Cell], reported: dict[Spot, Cell], billed: list[BilledLine]
) -> None:
    known = data.draw(_known(reported, billed, tracked))
    repeats = data.draw(_repeats(tracked))
    slices: list[Slice] = [
        *compare_tracked(tracked, reported, repeats, known),
        *compare_billed(reported, billed, known),
    ]
    sums = [sum((cell.cost for cell in book.values()), Decimal(0)) for book in (tracked, reported)]
    sums.append(sum((line.amount for line in billed), Decimal(0)))
    compared = [tracked, billed]
    for comparison, first, second, has in zip(Comparison, sums[:2], sums[1:], compared, strict=True):
        if not has:
            continue
        found = gap(comparison, first, second, slices)
        assert found is not None
        assert found.first + found.named + found.not_comparable + found.unexplained == found.second

    told = findings(slices, {})
    for comparison in Comparison:
        mine = [each.amount for each in told if each.comparison is comparison]
        assert sum(mine) == sum(part.amount for part in slices if part.comparison is comparison)
    assert [each.size for each in told] == sorted((each.size for each in told), reverse=True)
    assert all(each.sentence for each in told)

    whole, days = figures(tracked, reported, billed, slices, known, FIRST, FIRST + timedelta(days=3))
    for name, total in zip(("tracked", "reported", "billed"), sums, strict=True):
        amount = getattr(whole, name)
        assert amount in (None, total)
        assert sum(getattr(day, name) or 0 for day in days) == (amount or 0)
    if whole.tracked is None:
        assert not tracked


@settings(max_examples=100)
@given(REPORTED)
def test_equal_books_differ_in_nothing(reported: dict[Spot, Cell]) -> None:
    """The same calls tracked and reported, and a bill of exactly our amounts: no finding at all."""
    reported = {
        spot._replace(key="k1", model="big", tier=None): cell for spot, cell in reported.items() if not cell.tool
    }
    for cell in reported.values():
        cell.unpriced_tokens = cell.doubtful = 0
        cell.cost = sum(cell.amounts.values(), Decimal(0))
    billed = [
        BilledLine(spot=spot, kind=kind, amount=cell.amounts.get(kind, Decimal(0)), quantity=cell.quantities.get(kind))
        for spot, cell in reported.items()
        for kind in {**cell.amounts, **cell.quantities}
        if NOT_SPLIT not in cell.amounts
    ]
    whole = {spot for spot, cell in reported.items() if NOT_SPLIT in cell.amounts}
    billed += [BilledLine(spot=spot, kind=NOT_SPLIT, amount=reported[spot].cost) for spot in whole]
    accounts = {(spot.provider, spot.account) for spot in reported}
    span = FIRST, FIRST + timedelta(days=3)
    known = Known(
        tracked_from=FIRST,
        reported=dict.fromkeys(accounts, span),
        billed=dict.fromkeys(accounts, span),
        vault=frozenset((provider, "k1") for provider, _ in accounts),
    )
    assert [*compare_tracked(reported, reported, [], known), *compare_billed(reported, billed, known)] == []
