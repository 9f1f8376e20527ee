"""The contracts' paired reports, through the real adapters and writer: our prices make the bill, to the last digit."""

from datetime import date
from decimal import Decimal

from guardian.models.enums import Provider
from guardian.periods import DAY
from guardian.services.ledger.reconciliation.views import Cause, Comparison
from tests.conftest import People
from tests.fakes.provider_server import FakeProvider
from tests.unit.reconciliation.conftest import FIRST, LAST, OPENAI_KEY, World, only, unix


def test_openai_drift_is_exactly_zero(openai_pair: World) -> None:
    found = openai_pair.reconcile(FIRST, FIRST + DAY)
    # 350k × $2 + 800k × $0.20 + 50k × $2.50 + 90k × $10 a million, and a batch of 5.4M × $0.375 + 610k × $2.25.
    assert found.figures.reported == Decimal("5.2825")
    assert found.figures.billed == Decimal("5.3175")
    assert found.figures.drift == 0
    fee = only(found, Cause.TOOL_FEE)
    assert (fee.amount, fee.token_kind) == (Decimal("0.035"), "web_search_requests")
    gap = found.reported_billed
    assert gap is not None
    assert (gap.named, gap.not_comparable, gap.unexplained, gap.unexplained_size) == (Decimal("0.035"), 0, 0, 0)
    for line in found.lines:
        if line.reported is not None:
            assert line.billed == line.reported, line


def test_a_day_without_a_bill_is_not_a_bill_of_zero(openai_pair: World) -> None:
    found = openai_pair.reconcile(FIRST, LAST)
    assert found.figures.drift == 0
    late = only(found, Cause.LATE)
    # Priority: twice the list price, for 190k, 120k cached and 21k out.
    assert late.amount == -Decimal("1.228")
    assert "no bill yet" in late.sentence
    third = found.days[2]
    assert (third.day, third.reported, third.billed, third.drift) == (LAST, Decimal("1.228"), None, None)


def test_anthropic_drift_is_exactly_zero(anthropic_pair: World) -> None:
    found = anthropic_pair.reconcile(FIRST, FIRST)
    # $4 + $20 + $0.20 + $5 of tokens and three searches for a cent each; five cents of code nobody reports.
    assert found.figures.reported == Decimal("29.23")
    assert found.figures.billed == Decimal("29.28")
    assert found.figures.drift == 0
    assert found.days[0].drift == 0
    fee = only(found, Cause.TOOL_FEE)
    assert (fee.amount, fee.token_kind, fee.comparison) == (
        Decimal("0.05"),
        "code_execution",
        Comparison.REPORTED_BILLED,
    )
    assert found.reported_billed is not None
    assert found.reported_billed.unexplained_size == 0


def test_what_was_never_tracked_is_unknown_and_not_zero(openai_pair: World) -> None:
    found = openai_pair.reconcile()
    assert (found.figures.tracked, found.figures.coverage, found.tracked_reported) == (None, None, None)
    assert all(line.tracked is None for line in found.lines)


def test_three_keys_that_the_vault_does_not_know_are_named_with_their_cost(world: World, fake: FakeProvider) -> None:
    world.vault_key()
    for key, million in ((OPENAI_KEY, 1), ("key_shadow1", 2), ("key_shadow2", 3), ("key_shadow3", 4)):
        fake.openai.plant_completion(
            unix(FIRST, 9),
            uncached=million * 10**6,
            output=0,
            model="gpt-6-sol",
            api_key_id=key,
            project_id="proj_web",
            num_model_requests=1_000,
        )
    fake.openai.project_keys["proj_web"] = [{"id": "key_shadow2", "name": "laptop of Mia"}]
    fake.openai.projects = [{"id": "proj_web", "name": "Web", "created_at": 1}]
    world.pull(Provider.OPENAI)
    found = [each for each in world.reconcile().findings if each.cause is Cause.UNKNOWN_KEY]
    # gpt-6-sol: $2 a million.
    assert [(each.provider_key, each.amount) for each in found] == [
        ("key_shadow3", Decimal(8)),
        ("key_shadow2", Decimal(6)),
        ("key_shadow1", Decimal(4)),
    ]
    assert all("$" in each.sentence and (each.provider_key or "?") in each.sentence for each in found)


def test_another_organization_sees_nothing_of_it(openai_pair: World, people: People) -> None:
    openai_pair.actor = people.charlie
    found = openai_pair.reconcile(date(2026, 10, 1), LAST)
    assert (found.figures.reported, found.figures.billed, found.findings, found.lines) == (None, None, (), ())
