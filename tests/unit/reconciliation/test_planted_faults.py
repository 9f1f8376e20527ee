"""Seven faults, planted one by one and all at once: each is named, and its amount is right to the cent.

Before, a gateway's calls, a provider's usage report and its bill say the same for five days and two models. OpenAI's
bill tells quantities and keys, Anthropic's neither.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from guardian.models.enums import CostSource, Provider
from guardian.periods import DAY
from guardian.records import CostBreakdown
from guardian.services.ledger.reconciliation.views import Cause, Comparison, Finding, Reconciliation
from tests.fakes.anthropic_api import AnthropicFake
from tests.fakes.openai_api import OpenAIFake
from tests.fakes.provider_server import FakeProvider
from tests.unit.reconciliation.conftest import FIRST, World, at, only, unix

GATEWAY_KEY, OTHER_KEY = "key_gateway", "key_laptop"
DAYS = 5
TRACKED, BILLED = Comparison.TRACKED_REPORTED, Comparison.REPORTED_BILLED
NO_USAGE = CostBreakdown(amount=None, source=CostSource.UNPRICED, reason="The stream ended without its usage.")


@dataclass
class Books:
    """One provider's books. Amounts below are worked out from these prices, in dollars a million (input, output)."""

    world: World
    provider: Provider = Provider.OPENAI
    big: str = "gpt-6-sol"  # $2 and $10; priority costs the double
    small: str = "gpt-5.4-mini"  # $0.75 and $4.50
    usage: dict[tuple[int, str, str], list[int]] = field(default_factory=dict[tuple[int, str, str], list[int]])
    bill: list[list[Any]] = field(default_factory=list[list[Any]])
    prices: dict[str, tuple[str, str]] = field(
        default_factory=lambda: {"gpt-6-sol": ("2", "10"), "gpt-5.4-mini": ("0.75", "4.5")}
    )
    gateway: str = ""

    def agree(self) -> None:
        """Each day and model: two calls through the gateway, of 100k in and 10k out each."""
        self.gateway = self.world.vault_key(self.provider, GATEWAY_KEY)
        self.world.vault_key(self.provider, OTHER_KEY)
        for day in range(DAYS):
            for model in (self.big, self.small):
                for hour in (9, 10):
                    self.call(day, hour, model, input_tokens=100_000, output_tokens=10_000)
                self.use(day, model, GATEWAY_KEY, 200_000, 20_000, 2)

    def call(self, day: int, hour: float, model: str, **more: Any) -> None:
        self.world.call(at(FIRST + day * DAY, hour), model, self.gateway, provider=self.provider, **more)

    def use(self, day: int, model: str, key: str, tokens_in: int, tokens_out: int, calls: int) -> None:
        """Use that the provider reports and bills."""
        counted = self.usage.setdefault((day, model, key), [0, 0, 0])
        for place, number in enumerate((tokens_in, tokens_out, calls)):
            counted[place] += number
        for kind, tokens, price in zip(("in", "out"), (tokens_in, tokens_out), self.prices[model], strict=True):
            line = next((each for each in self.bill if each[:4] == [day, model, kind, key]), None)
            if line is None:
                self.bill.append(line := [day, model, kind, key, 0, Decimal(0)])
            line[4] += tokens
            line[5] += tokens * Decimal(price) / 10**6

    def line(self, day: int, model: str, kind: str) -> list[Any]:
        return next(each for each in self.bill if each[:4] == [day, model, kind, GATEWAY_KEY])

    # The seven faults, each with its cause, between which books it lies, and its amount.

    def bypass_key(self) -> tuple[Cause, Comparison, str]:
        """Another key of the vault makes a call that the gateway never sees: 100k at $2 and 10k at $10 a million."""
        self.use(1, self.big, OTHER_KEY, 100_000, 10_000, 1)
        return Cause.BYPASS, TRACKED, "0.30"

    def dropped_stream(self) -> tuple[Cause, Comparison, str]:
        """The gateway saw a call, but not its usage: 40k at $0.75 and 7k at $4.50 a million."""
        self.call(2, 15, self.small, cost=NO_USAGE)
        self.use(2, self.small, GATEWAY_KEY, 40_000, 7_000, 1)
        return Cause.STREAM, TRACKED, "0.0615"

    def stale_price(self) -> tuple[Cause, Comparison, str]:
        """20k of output are billed at $5 instead of $4.50 a million."""
        self.line(3, self.small, "out")[5] = Decimal("0.1")
        return Cause.STALE_PRICE, BILLED, "0.01"

    def wrong_tier(self) -> tuple[Cause, Comparison, str]:
        """A day of the big model is billed as priority, at the double: $0.40 + $0.20 more."""
        for kind in ("in", "out"):
            self.line(4, self.big, kind)[5] *= 2
        return Cause.TIER, BILLED, "0.60"

    def double_row(self) -> tuple[Cause, Comparison, str]:
        """The line of 20k of output at $10 a million is there twice."""
        line = self.line(0, self.big, "out")
        line[4] *= 2
        line[5] *= 2
        return Cause.DOUBLE, BILLED, "0.20"

    def day_shift(self) -> tuple[Cause, Comparison, str]:
        """A day's 200k of input at $0.75 a million are billed on the next day."""
        one, two = self.line(0, self.small, "in"), self.line(1, self.small, "in")
        two[4] += one[4]
        two[5] += one[5]
        self.bill.remove(one)
        return Cause.SHIFT, BILLED, "0.15"

    def tool_fee(self) -> tuple[Cause, Comparison, str]:
        """A fee that no usage report counts."""
        self.bill.append([2, None, "code execution", None, None, Decimal("0.05")])
        return Cause.TOOL_FEE, BILLED, "0.05"

    # What the provider says.

    def publish(self, fake: FakeProvider) -> None:
        publish_openai(self, fake.openai)

    def reconcile(self, fake: FakeProvider) -> Reconciliation:
        self.publish(fake)
        last = FIRST + (DAYS - 1) * DAY
        self.world.pull(self.provider, FIRST, last)
        return self.world.reconcile(FIRST, last)


FAULTS: tuple[Callable[[Any], tuple[Cause, Comparison, str]], ...] = (
    Books.bypass_key,
    Books.dropped_stream,
    Books.stale_price,
    Books.wrong_tier,
    Books.double_row,
    Books.day_shift,
    Books.tool_fee,
)


def publish_openai(books: Books, fake: OpenAIFake) -> None:
    for (day, model, key), (tokens_in, tokens_out, calls) in books.usage.items():
        fake.plant_completion(
            unix(FIRST + day * DAY, 9),
            uncached=tokens_in,
            output=tokens_out,
            model=model,
            api_key_id=key,
            project_id="proj_web",
            num_model_requests=calls,
        )
    for day, model, kind, key, tokens, amount in books.bill:
        counted = {"quantity": tokens, "quantity_unit": "tokens"} if tokens else {}
        item = f"{model}, {kind}put_tokens" if model else f"{kind} sessions"
        fake.plant_cost(
            unix(FIRST + day * DAY), amount, item, api_key_id=key, project_id="proj_web", user_id=None, **counted
        )


@dataclass
class AnthropicBooks(Books):
    """The same with prices of Anthropic; batch, at the half, is the tier that one is billed by mistake."""

    provider: Provider = Provider.ANTHROPIC
    big: str = "claude-opus-5-5"  # $4 and $20
    small: str = "claude-haiku-4-5-20251001"  # $1 and $5
    prices: dict[str, tuple[str, str]] = field(
        default_factory=lambda: {"claude-opus-5-5": ("4", "20"), "claude-haiku-4-5-20251001": ("1", "5")}
    )

    def bypass_key(self) -> tuple[Cause, Comparison, str]:
        """100k at $4 and 10k at $20 a million."""
        super().bypass_key()
        return Cause.BYPASS, TRACKED, "0.60"

    def dropped_stream(self) -> tuple[Cause, Comparison, str]:
        """40k at $1 and 7k at $5 a million."""
        super().dropped_stream()
        return Cause.STREAM, TRACKED, "0.075"

    def stale_price(self) -> tuple[Cause, Comparison, str]:
        """20k of output are billed at $5.40 instead of $5 a million."""
        self.line(3, self.small, "out")[5] = Decimal("0.108")
        return Cause.STALE_PRICE, BILLED, "0.008"

    def wrong_tier(self) -> tuple[Cause, Comparison, str]:
        """200k and 20k are billed at half of $0.80 and of $0.40."""
        for kind in ("in", "out"):
            self.line(4, self.big, kind)[5] /= 2
        return Cause.TIER, BILLED, "-0.60"

    def double_row(self) -> tuple[Cause, Comparison, str]:
        """20k of output at $20 a million, twice."""
        super().double_row()
        return Cause.DOUBLE, BILLED, "0.40"

    def day_shift(self) -> tuple[Cause, Comparison, str]:
        """200k at $1 a million."""
        super().day_shift()
        return Cause.SHIFT, BILLED, "0.20"

    def publish(self, fake: FakeProvider) -> None:
        publish_anthropic(self, fake.anthropic)


def publish_anthropic(books: Books, fake: AnthropicFake) -> None:
    for (day, model, key), (tokens_in, tokens_out, _) in books.usage.items():
        fake.plant_message(
            unix(FIRST + day * DAY, 9),
            uncached=tokens_in,
            output=tokens_out,
            model=model,
            api_key_id=key,
            service_tier="standard",
        )
    for day, model, kind, _key, _tokens, amount in books.bill:
        told: dict[str, Any] = {"cost_type": "code_execution"}
        if model:
            token_type = {"in": "uncached_input_tokens", "out": "output_tokens"}[kind]
            told = {"cost_type": "tokens", "token_type": token_type, "model": model, "service_tier": "standard"}
        fake.plant_cost(unix(FIRST + day * DAY), f"{amount * 100:f}", f"{model} {kind}", **told)


@pytest.fixture(params=[Books, AnthropicBooks], ids=["openai", "anthropic"])
def books(request: pytest.FixtureRequest, world: World) -> Books:
    made: Books = request.param(world)
    made.agree()
    return made


def _named(found: Reconciliation) -> list[Finding]:
    return [each for each in found.findings if each.cause is not Cause.ROUNDING]


def test_where_nothing_is_planted_nothing_differs(books: Books, fake: FakeProvider) -> None:
    found = books.reconcile(fake)
    assert found.findings == ()
    assert (found.figures.coverage, found.figures.drift) == (1, 0)
    assert found.figures.tracked == found.figures.reported == found.figures.billed
    assert found.spend == found.figures.reported


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_one_fault_is_the_only_finding(
    books: Books, fake: FakeProvider, fault: Callable[[Books], tuple[Cause, Comparison, str]]
) -> None:
    cause, comparison, amount = getattr(books, fault.__name__)()
    [found] = books.reconcile(fake).findings
    assert (found.cause, found.comparison, found.size) == (cause, comparison, abs(Decimal(amount)))
    assert found.amount == (0 if cause is Cause.SHIFT else Decimal(amount))
    assert found.sentence.endswith((".", ")"))


def test_all_seven_at_once(books: Books, fake: FakeProvider) -> None:
    planted = [getattr(books, fault.__name__)() for fault in FAULTS]
    found = books.reconcile(fake)
    assert sorted((f.cause, f.comparison, f.size) for f in found.findings) == sorted(
        (cause, comparison, abs(Decimal(amount))) for cause, comparison, amount in planted
    )
    for gap in (found.tracked_reported, found.reported_billed):
        assert gap is not None
        assert (gap.unexplained_size, gap.not_comparable) == (0, 0)


def test_a_stale_price_shows_both_unit_prices(books: Books, fake: FakeProvider) -> None:
    books.stale_price()
    found = only(books.reconcile(fake), Cause.STALE_PRICE)
    expected = ("4.5", "5") if books.provider is Provider.OPENAI else ("5", "5.4")
    assert (found.our_price, found.other_price) == tuple(Decimal(price) for price in expected)
    assert all(f"${price}" in found.sentence for price in expected)


def test_the_wrong_tier_is_named(books: Books, fake: FakeProvider) -> None:
    books.wrong_tier()
    found = only(books.reconcile(fake), Cause.TIER)
    assert ("priority" if books.provider is Provider.OPENAI else "batch") in found.sentence


def test_an_unknown_amount_stays_unexplained_and_is_shown(books: Books, fake: FakeProvider) -> None:
    line = books.line(2, books.big, "in")
    line[4] += 12_345
    line[5] += Decimal("0.1234567")
    found = books.reconcile(fake)
    assert sum(each.size for each in _named(found) if each.cause is Cause.UNEXPLAINED) > Decimal("0.02")
    assert found.reported_billed is not None
    assert found.reported_billed.unexplained > 0
