"""Books that lack something: no report, no price, accounts that calls do not name, bills that only rows can split."""

from decimal import Decimal
from typing import Any

from sqlalchemy import text

from guardian.models.enums import CostSource, Provider
from guardian.models.keys import ProviderAccount
from guardian.periods import DAY
from guardian.pricing.calculator import price
from guardian.records import CostBreakdown, UsageBucket, UsageCounts, UsageRecord
from guardian.services.ledger.reconciliation.views import Cause
from guardian.services.ledger.writing.buckets import replace_buckets
from guardian.services.ledger.writing.rows import LedgerAccount
from tests.fakes.provider_server import FakeProvider
from tests.unit.reconciliation.conftest import FIRST, LAST, OPENAI_KEY, World, at, causes, only, unix

MODEL = "gpt-6-sol"  # $2 and $10 a million


def use(fake: FakeProvider, model: str = MODEL) -> None:
    """100k in and 10k out of one call, on the first day."""
    fake.openai.plant_completion(
        unix(FIRST, 9),
        uncached=100_000,
        output=10_000,
        model=model,
        api_key_id=OPENAI_KEY,
        project_id="proj_web",
        num_model_requests=1,
    )


def bill(fake: FakeProvider, amount: str, item: str, quantity: int | None = None) -> None:
    told: dict[str, Any] = {"quantity": quantity, "quantity_unit": "tokens"} if quantity else {}
    fake.openai.plant_cost(
        unix(FIRST), Decimal(amount), item, api_key_id=OPENAI_KEY, project_id="proj_web", user_id=None, **told
    )


def second_account(world: World) -> None:
    """Another account of OpenAI, whose key `key_two` used 200k tokens of input in two calls: $0.40."""
    world.session.add(
        ProviderAccount(
            organization_id=world.actor.organization_id,
            provider=Provider.OPENAI,
            account_id="org-second",
            covered_from=at(FIRST),
            covered_to=at(LAST) + DAY,
        )
    )
    world.session.flush()
    account = LedgerAccount(
        organization_id=world.actor.organization_id,
        provider=Provider.OPENAI,
        account_id="org-second",
        user_id=world.actor.user_id,
    )
    row = UsageRecord(
        provider=Provider.OPENAI,
        operation="completion",
        model=MODEL,
        start=at(FIRST),
        end=at(FIRST) + DAY,
        counts=UsageCounts(input_tokens=200_000),
        requests=2,
        external_key_id="key_two",
    )
    replace_buckets(
        world.session, account, [UsageBucket(series="completions", start=row.start, end=row.end, records=(row,))]
    )
    world.session.commit()


def test_a_day_with_a_bill_only_cannot_be_compared_but_its_credit_is_named(world: World) -> None:
    told = {"model": MODEL, "cost_type": "tokens", "token_type": "input_tokens"}
    world.bill(Provider.OPENAI, FIRST, "3.21", f"{MODEL}, input_tokens", **told)
    world.bill(Provider.OPENAI, FIRST, "-1", "promotional credit")
    found = world.reconcile()
    assert [(each.cause, each.amount) for each in found.findings] == [
        (Cause.NO_BOOK, Decimal("3.21")),
        (Cause.CREDIT, Decimal(-1)),
    ]
    assert (found.figures.billed, found.figures.reported, found.figures.drift) == (Decimal("2.21"), None, None)


def test_what_has_no_price_takes_no_part_in_drift(world: World, fake: FakeProvider) -> None:
    use(fake)
    bill(fake, "0.2", f"{MODEL}, input_tokens", 100_000)
    bill(fake, "0.1", f"{MODEL}, output_tokens", 10_000)
    use(fake, "gpt-unknown-9")
    bill(fake, "0.7", "gpt-unknown-9, input_tokens", 100_000)
    bill(fake, "0.3", "gpt-unknown-9, output_tokens", 10_000)
    world.pull(Provider.OPENAI)
    found = world.reconcile()
    assert found.unpriced_tokens == 110_000
    # Of what both books know, ours is exactly the bill; the dollar of the other model is a finding.
    assert found.figures.drift == 0
    unpriced = [each for each in found.findings if each.cause is Cause.STALE_PRICE]
    assert [(each.amount, each.token_kind) for each in unpriced] == [
        (Decimal("0.7"), "uncached_input_tokens"),
        (Decimal("0.3"), "output_tokens"),
    ]


def test_more_tokens_billed_of_what_has_no_price_are_valued_as_billed(world: World, fake: FakeProvider) -> None:
    use(fake, "gpt-unknown-9")
    bill(fake, "0.77", "gpt-unknown-9, input_tokens", 110_000)  # $7 a million, 10k tokens too many
    bill(fake, "0.3", "gpt-unknown-9, output_tokens", 10_000)
    world.pull(Provider.OPENAI)
    found = world.reconcile()
    assert only(found, Cause.UNEXPLAINED).amount == Decimal("0.07")
    assert [each.amount for each in found.findings if each.cause is Cause.STALE_PRICE] == [
        Decimal("0.7"),
        Decimal("0.3"),
    ]


def test_a_whole_day_in_one_line_of_what_has_no_price(world: World, fake: FakeProvider) -> None:
    use(fake, "gpt-unknown-9")
    world.pull(Provider.OPENAI)
    world.bill(Provider.OPENAI, FIRST, "1", "(not itemised)")
    found = only(world.reconcile(), Cause.STALE_PRICE)
    assert (found.amount, found.estimated) == (1, True)
    assert found.sentence == "OpenAI usage has no price of ours and is billed: $1.00. Enter it and re-price."


def test_calls_that_have_no_price_take_no_part_in_coverage(world: World, fake: FakeProvider) -> None:
    use(fake)
    world.pull(Provider.OPENAI)
    unknown = CostBreakdown(amount=None, source=CostSource.UNPRICED, reason="No price is known.")
    world.call(at(FIRST, 9), MODEL, world.vault_key(), cost=unknown, input_tokens=100_000, output_tokens=10_000)
    found = world.reconcile()
    assert only(found, Cause.STREAM).amount == Decimal("0.3")
    assert found.figures.coverage is None


def test_one_account_of_two_keeps_the_calls_of_its_keys(world: World, fake: FakeProvider) -> None:
    use(fake)
    world.pull(Provider.OPENAI)
    second_account(world)
    keys = [
        world.vault_key(external_id=key, account_id=account)
        for key, account in ((OPENAI_KEY, "org-openai"), ("key_two", "org-second"))
    ]
    world.call(at(FIRST, 9), MODEL, keys[0], input_tokens=100_000, output_tokens=10_000)
    for hour in (9, 10):
        world.call(at(FIRST, hour), MODEL, keys[1], input_tokens=100_000)
    for account, amount in (("org-openai", "0.3"), ("org-second", "0.4")):
        found = world.reconcile(books={"account": (account,)})
        assert (found.figures.tracked, found.figures.reported) == (Decimal(amount), Decimal(amount))
        assert (found.findings, found.figures.coverage) == ((), 1)
        assert {line.values["account"] for line in found.lines} == {account}


def test_calls_without_their_account_bypass_none(world: World, fake: FakeProvider) -> None:
    use(fake)
    world.pull(Provider.OPENAI)
    second_account(world)
    world.vault_key(external_id="key_two", account_id="org-second")
    for hour in (9, 10):
        world.call(at(FIRST, hour), MODEL, None, input_tokens=100_000)
    found = world.reconcile(books={"account": ("org-second",)})
    assert causes(found) == [Cause.NO_BOOK]
    assert found.findings[0].sentence == (
        "$0.40 of OpenAI use may be that of tracked calls which do not tell their account: it cannot be compared."
    )
    assert found.figures.coverage is None


def test_reported_amounts_that_only_rows_can_split(world: World) -> None:
    """Half of a day's rows cost a tenth more, and there is a fee: a kind's amount is the sum of its lines, exactly."""
    expected: dict[tuple[str, str, str], Decimal] = {}
    spans: list[UsageBucket] = []
    for day in (FIRST, LAST):
        rows = tuple(
            UsageRecord(
                provider=Provider.ANTHROPIC,
                operation="messages",
                model="claude-opus-5-5",
                start=at(day),
                end=at(day) + DAY,
                counts=UsageCounts(
                    input_tokens=n * 1_003, output_tokens=n * 17, units={"web_search_requests": Decimal(n)}
                ),
                external_key_id=f"key_{n % 3}",
                project_id=f"proj_{n}",
                dimensions={"inference_geo": "us"} if n > 3 else {},
            )
            for n in range(1, 8)
        )
        spans.append(UsageBucket(series="messages", start=at(day), end=at(day) + DAY, records=rows))
        for row in rows:
            for line in price(row).lines:
                place = day.isoformat(), row.external_key_id or "", line.unit
                expected[place] = expected.get(place, Decimal(0)) + line.amount
    replace_buckets(world.session, world.account(Provider.ANTHROPIC), spans)
    world.session.commit()
    show = text("SELECT current_setting('enable_sort'), current_setting('jit'), current_setting('work_mem')")
    before = world.session.connection().execute(show).one()
    found = world.reconcile(group_by=("day", "providerKey", "tokenKind"))
    assert world.session.connection().execute(show).one() == before
    told = {tuple(line.values.values()): line.reported and line.reported.cost for line in found.lines}
    assert told == expected
    assert {kind for _, _, kind in expected} == {"uncached_input_tokens", "output_tokens", "web_search_requests"}
    assert found.figures.reported == sum(expected.values())
