"""Every cause by a small pair of books: what tells it apart from the others, and what stays unexplained."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guardian.models.enums import Provider
from guardian.services.ledger.reconciliation.billed import compare_billed
from guardian.services.ledger.reconciliation.books import BilledLine, Cell, Known, Repeat, Slice, Spot
from guardian.services.ledger.reconciliation.findings import findings
from guardian.services.ledger.reconciliation.kinds import billed_kind
from guardian.services.ledger.reconciliation.tracked import compare_tracked
from guardian.services.ledger.reconciliation.views import Cause, Finding

DAY = date(2026, 11, 10)
OPENAI, ANTHROPIC = Provider.OPENAI, Provider.ANTHROPIC
IN, OUT = "uncached_input_tokens", "output_tokens"
PRICE = {IN: Decimal("0.000002"), OUT: Decimal("0.00001")}


def spot(days: int = 0, **fields: Any) -> Spot:
    facts: dict[str, Any] = {"provider": OPENAI, "account": "acct", "key": "k1", "model": "gpt-6-sol", "tier": None}
    return Spot(DAY + timedelta(days=days), **(facts | fields))


def cell(tokens_in: int = 0, tokens_out: int = 0, price: Decimal = Decimal(1), **fields: Any) -> Cell:
    """`price` is a multiple of the list price."""
    quantities = {kind: Decimal(n) for kind, n in ((IN, tokens_in), (OUT, tokens_out)) if n}
    amounts = {kind: number * PRICE[kind] * price for kind, number in quantities.items()}
    facts: dict[str, Any] = {"rows": 1, "requests": 1, "quantities": quantities, "amounts": amounts}
    return Cell(cost=sum(amounts.values(), Decimal(0)), **(facts | fields))


def line(amount: str, kind: str = IN, quantity: int | None = None, days: int = 0, **fields: Any) -> BilledLine:
    place = {name: fields.pop(name) for name in ("provider", "key", "model", "tier") if name in fields}
    return BilledLine(
        spot=spot(days, **place),
        kind=kind,
        amount=Decimal(amount),
        quantity=None if quantity is None else Decimal(quantity),
        **fields,
    )


def known(**fields: Any) -> Known:
    span = DAY - timedelta(days=20), DAY + timedelta(days=20)
    accounts = dict.fromkeys([(OPENAI, "acct"), (ANTHROPIC, "acct")], span)
    facts: dict[str, Any] = {
        "tracked_from": span[0],
        "reported": accounts,
        "billed": accounts,
        "vault": frozenset({(OPENAI, "k1"), (ANTHROPIC, "k1")}),
    }
    return Known(**(facts | fields))


def told(slices: Sequence[Slice]) -> list[tuple[Cause, Decimal]]:
    return [(each.cause, each.amount) for each in findings(slices, {})]


def one(slices: Sequence[Slice]) -> Finding:
    [found] = findings(slices, {})
    return found


# tracked → reported


def test_use_without_a_key_is_the_providers_console() -> None:
    reported = {spot(): cell(1_000_000), spot(key=None): cell(500_000)}
    found = one(compare_tracked({spot(): cell(1_000_000)}, reported, [], known()))
    assert (found.cause, found.amount) == (Cause.BYPASS, 1)
    assert "without a key" in found.sentence


def test_the_same_tokens_in_another_tier() -> None:
    found = one(
        compare_tracked(
            {spot(): cell(1_000_000)}, {spot(tier="flex"): cell(1_000_000, price=Decimal("0.5"))}, [], known()
        )
    )
    assert (found.cause, found.amount) == (Cause.TIER, -1)
    assert "flex and standard" in found.sentence


def test_the_same_tokens_at_another_price_ask_for_a_re_pricing() -> None:
    found = one(compare_tracked({spot(): cell(1_000_000)}, {spot(): cell(1_000_000, price=Decimal(2))}, [], known()))
    assert (found.cause, found.amount) == (Cause.STALE_PRICE, 2)


def test_calls_without_a_price_are_told_as_such() -> None:
    unpriced = cell(1_000_000, price=Decimal(0), unpriced_tokens=1_000_000, doubtful=1)
    found = one(compare_tracked({spot(): unpriced}, {spot(): cell(1_000_000)}, [], known()))
    assert (found.cause, found.amount) == (Cause.STREAM, 2)
    assert "have no price" in found.sentence


def test_calls_that_are_there_twice_are_taken_out_before_the_rest_is_looked_at() -> None:
    repeat = Repeat(spot=spot(), rows=1, cost=Decimal(2), quantities={IN: Decimal(1_000_000)})
    tracked = {spot(): cell(2_000_000, requests=2)}
    assert told(compare_tracked(tracked, {spot(): cell(1_000_000)}, [repeat], known())) == [(Cause.DOUBLE, Decimal(-2))]
    both = compare_tracked(tracked, {spot(): cell(1_250_000, requests=2)}, [repeat], known())
    assert told(both) == [(Cause.DOUBLE, Decimal(-2)), (Cause.BYPASS, Decimal("0.5"))]


def test_a_call_around_midnight_is_a_day_shift() -> None:
    tracked = {spot(): cell(300_000, 1_000), spot(1): cell(100_000)}
    reported = {spot(): cell(200_000, 1_000), spot(1): cell(200_000)}
    found = one(compare_tracked(tracked, reported, [], known()))
    assert (found.cause, found.amount, found.size) == (Cause.SHIFT, 0, Decimal("0.2"))


def test_what_is_not_reported_yet_is_late_and_after_that_unexplained() -> None:
    tracked, reported = {spot(): cell(300_000)}, {spot(): cell(200_000)}
    assert told(compare_tracked(tracked, reported, [], known(young_from=DAY))) == [(Cause.LATE, Decimal("-0.2"))]
    assert told(compare_tracked(tracked, reported, [], known())) == [(Cause.UNEXPLAINED, Decimal("-0.2"))]
    ended = known(reported={(OPENAI, "acct"): (DAY - timedelta(days=5), DAY - timedelta(days=1))})
    assert told(compare_tracked(tracked, {}, [], ended)) == [(Cause.LATE, Decimal("-0.6"))]


def test_days_before_the_first_call_and_providers_without_reports_are_not_compared() -> None:
    before = compare_tracked({}, {spot(): cell(1_000_000)}, [], known(tracked_from=DAY + timedelta(days=1)))
    assert told(before) == [(Cause.NO_BOOK, Decimal(2))]
    unreported = compare_tracked({spot(provider=Provider.XAI): cell(1_000_000)}, {}, [], known())
    assert told(unreported) == [(Cause.NO_BOOK, Decimal(-2))]


def test_as_many_calls_with_more_tokens_are_no_bypass() -> None:
    found = one(compare_tracked({spot(): cell(100_000)}, {spot(): cell(150_000)}, [], known()))
    assert (found.cause, found.amount) == (Cause.UNEXPLAINED, Decimal("0.1"))


def test_the_same_tokens_as_another_kind() -> None:
    """The gateway took for plain input what the provider read from its cache."""
    cached = {IN: Decimal(40_000), "cache_read_tokens": Decimal(60_000), OUT: Decimal(500)}
    reported = Cell(cost=Decimal("0.097"), rows=1, requests=1, quantities=cached)
    found = one(compare_tracked({spot(): cell(100_000, 500)}, {spot(): reported}, [], known()))
    assert (found.cause, found.amount, found.quantity) == (Cause.KINDS, Decimal("-0.108"), 0)
    assert found.sentence == (
        "The same tokens of gpt-6-sol on key k1 were tracked as input and reported as cached input: $0.108 less."
    )
    # Input that became output is another use, and so are more tokens.
    for quantities in ({IN: Decimal(99_000), OUT: Decimal(1_500)}, {**cached, IN: Decimal(41_000)}):
        other = Cell(cost=Decimal("0.2"), rows=1, requests=1, quantities=quantities)
        slices = compare_tracked({spot(): cell(100_000, 500)}, {spot(): other}, [], known())
        assert [each.cause for each in slices] == [Cause.UNEXPLAINED]


def test_reports_of_tools_are_no_calls() -> None:
    storage = {spot(key=None, model="vector-store-storage"): cell(500_000, requests=0, tool=True)}
    found = compare_tracked({}, {**storage, spot(): cell(0)}, [], known())
    assert (Cause.TOOL_FEE, Decimal(1)) in told(found)


# reported → billed


def test_a_credit_is_a_finding_of_its_own() -> None:
    lines = [line("2", quantity=1_000_000), line("-5", kind="credit grant", key=None, model=None, line_item="Grant")]
    found = one(compare_billed({spot(): cell(1_000_000)}, lines, known()))
    assert (found.cause, found.amount) == (Cause.CREDIT, -5)
    assert "Grant" in found.sentence


def test_the_same_share_of_every_price_is_a_discount() -> None:
    own = {spot(): cell(1_000_000, 100_000), spot(model="gpt-5"): cell(2_000_000)}
    lines = [
        line("1.8", quantity=1_000_000),
        line("0.9", OUT, 100_000),
        line("3.6", quantity=2_000_000, model="gpt-5"),
    ]
    found = one(compare_billed(own, lines, known()))
    # 10 % of $2 + $1 + $4.
    assert (found.cause, found.amount) == (Cause.DISCOUNT, Decimal("-0.7"))
    assert "90 % of our price" in found.sentence


def test_the_same_tokens_billed_as_another_kind() -> None:
    """60,000 tokens from the cache, at $0.20 a million, are billed as plain input, at $2."""
    quantities = {IN: Decimal(40_000), "cache_read_tokens": Decimal(60_000)}
    amounts = {IN: Decimal("0.08"), "cache_read_tokens": Decimal("0.012")}
    own = {spot(): Cell(cost=Decimal("0.092"), rows=1, requests=1, quantities=quantities, amounts=amounts)}
    found = one(compare_billed(own, [line("0.2", quantity=100_000)], known()))
    assert (found.cause, found.amount, found.quantity) == (Cause.KINDS, Decimal("0.108"), 0)
    assert found.sentence == (
        "The same tokens of gpt-6-sol on key k1 were reported as cached input and billed as input: $0.108 more."
    )
    more = compare_billed(own, [line("0.21", quantity=105_000)], known())
    assert {each.cause for each in more} == {Cause.UNEXPLAINED}


def test_one_model_that_became_cheaper_is_no_discount() -> None:
    own = {spot(): cell(1_000_000), spot(model="gpt-5"): cell(2_000_000)}
    lines = [line("1.8", quantity=1_000_000), line("4", quantity=2_000_000, model="gpt-5")]
    found = one(compare_billed(own, lines, known()))
    assert (found.cause, found.our_price, found.other_price) == (Cause.STALE_PRICE, 2, Decimal("1.8"))


def test_a_tier_explains_the_factor_exactly_or_not_at_all() -> None:
    tiers = known(alternatives=lambda *_: {"standard": PRICE[IN], "batch": PRICE[IN] / 2})
    exact = one(compare_billed({spot(): cell(1_000_000)}, [line("1", quantity=1_000_000)], tiers))
    assert (exact.cause, exact.amount) == (Cause.TIER, -1)
    nearly = one(compare_billed({spot(): cell(1_000_000)}, [line("1.01", quantity=1_000_000)], tiers))
    assert nearly.cause is Cause.STALE_PRICE


def test_a_move_between_tiers_is_one_finding() -> None:
    lines = [line("0.5", quantity=500_000, tier="batch"), line("1", quantity=500_000)]
    found = one(compare_billed({spot(): cell(1_000_000)}, lines, known()))
    assert (found.cause, found.amount) == (Cause.TIER, Decimal("-0.5"))
    assert "batch" in found.sentence


def test_anthropics_bill_leaves_out_the_priority_tier() -> None:
    own = {spot(provider=ANTHROPIC, tier="priority"): cell(1_000_000)}
    found = one(compare_billed(own, [], known()))
    assert (found.cause, found.amount) == (Cause.TIER, -2)
    assert "leaves out the priority tier" in found.sentence


def test_a_line_that_was_changed_later_is_a_restatement() -> None:
    changed = line("2.5", quantity=1_250_000, restated=True)
    found = one(compare_billed({spot(): cell(1_000_000)}, [changed], known()))
    assert (found.cause, found.amount) == (Cause.LATE, Decimal("0.5"))
    assert "changed lines" in found.sentence


def test_what_is_billed_but_not_reported_is_unexplained() -> None:
    found = one(compare_billed({}, [line("3.1", quantity=500_000, model="gpt-5")], known()))
    assert (found.cause, found.amount, found.quantity) == (Cause.UNEXPLAINED, Decimal("3.1"), 500_000)
    assert "nothing explains it" in found.sentence


def test_a_model_without_a_price_of_ours_says_which_price_to_enter() -> None:
    unpriced = cell(1_000_000, price=Decimal(0), unpriced_tokens=1_000_000)
    found = one(compare_billed({spot(): unpriced}, [line("3", quantity=1_000_000)], known()))
    assert (found.cause, found.our_price, found.other_price) == (Cause.STALE_PRICE, None, 3)
    assert "no price of ours" in found.sentence


def test_digits_are_rounding_and_an_account_without_a_bill_is_not_compared() -> None:
    assert told(compare_billed({spot(): cell(1_000_000)}, [line("2.00003", quantity=1_000_000)], known())) == [
        (Cause.ROUNDING, Decimal("0.00003"))
    ]
    other = known(billed={(OPENAI, "other"): (DAY, DAY)})
    assert told(compare_billed({spot(): cell(1_000_000)}, [], other)) == [(Cause.NO_BOOK, Decimal(-2))]
    assert compare_billed({spot(): cell(1_000_000)}, [], known(billed={})) == []


@pytest.mark.parametrize(
    ("provider", "line_item", "cost_type", "token_type", "kind"),
    [
        (OPENAI, "gpt-6-sol, input_tokens", "tokens", "input_tokens", IN),
        (OPENAI, "gpt-6-sol, batch_cached_input_tokens", "tokens", "batch_cached_input_tokens", "cache_read_tokens"),
        (OPENAI, "gpt-6-sol, cache_write_input_tokens", "tokens", "cache_write_input_tokens", "cache_write_tokens"),
        (OPENAI, "gpt-audio, audio output tokens", "tokens", "audio output tokens", "audio_output_tokens"),
        (OPENAI, "web search tool calls", None, None, "web_search_requests"),
        (OPENAI, "(not itemised)", None, None, "not_split"),
        (OPENAI, "Something new", None, None, "something new"),
        (ANTHROPIC, "x", "tokens", "cache_creation.ephemeral_1h_input_tokens", "cache_write_1h_tokens"),
        (ANTHROPIC, "Code Execution Usage", "code_execution", None, "code_execution"),
        (Provider.XAI, "grok-4.3 cached prompt text tokens", "tokens", "cached_prompt_text", "cache_read_tokens"),
        (Provider.XAI, "grok-4.3 reasoning tokens", "tokens", "reasoning_tokens", OUT),
    ],
)
def test_what_a_line_of_a_bill_is_about(
    provider: Provider, line_item: str, cost_type: str | None, token_type: str | None, kind: str
) -> None:
    assert billed_kind(provider, line_item, cost_type, token_type, None) == kind
