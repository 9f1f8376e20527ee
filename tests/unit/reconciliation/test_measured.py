"""The gap between the books that Prometheus reads: the same that the page shows."""

from datetime import timedelta
from decimal import Decimal

from prometheus_client import CollectorRegistry, generate_latest

from guardian.models.enums import Provider
from guardian.periods import DAY
from guardian.services.guard.monitoring.gaps import Gaps, measure_gaps
from guardian.services.ledger.reconciliation.views import Comparison
from guardian.telemetry import ledger
from tests.conftest import Servers
from tests.unit.reconciliation.conftest import FIRST, LAST, World, at

TRACKED = ("OPENAI", Comparison.TRACKED_REPORTED.value)
BILLED = ("OPENAI", Comparison.REPORTED_BILLED.value)


def gaps(world: World, days_later: int = 1) -> Gaps:
    found: Gaps = {}
    measure_gaps(world.session, world.actor.organization_id, at(LAST) + days_later * DAY + timedelta(hours=5), found)
    return found


def test_what_was_not_tracked_is_a_gap_over_the_last_thirty_days_that_are_over(openai_pair: World) -> None:
    assert gaps(openai_pair) == {}, "nothing is tracked at all"
    openai_pair.vault_key()
    for day in (FIRST, LAST):
        openai_pair.call(at(day, 9), "gpt-6-sol", None, input_tokens=1_000, output_tokens=100)
    whole, last_day = (openai_pair.reconcile(first, LAST).tracked_reported for first in (FIRST, LAST))
    assert whole is not None
    assert last_day is not None
    assert whole.second - whole.first > last_day.second - last_day.first > 0
    assert gaps(openai_pair, days_later=1) == {TRACKED: whole.second - whole.first}
    assert gaps(openai_pair, days_later=30) == {TRACKED: last_day.second - last_day.first}
    assert gaps(openai_pair, days_later=0)[TRACKED] == sum(gaps(openai_pair, 1).values()) - sum(
        gaps(openai_pair, 30).values()
    )
    assert gaps(openai_pair, days_later=31) == {}


def test_what_is_billed_otherwise_than_reported_is_a_gap_and_a_fee_that_no_report_can_hold_is_none(
    openai_pair: World,
) -> None:
    assert BILLED not in gaps(openai_pair)
    openai_pair.bill(Provider.OPENAI, LAST, "12.34", "web search")
    page = openai_pair.reconcile().reported_billed
    assert page is not None
    assert gaps(openai_pair)[BILLED] == page.unexplained < 0


def test_it_is_exported_by_provider_and_pair_of_books(environment: Servers) -> None:
    ledger.keep(ledger.GAP, {BILLED: Decimal("-1.5")})
    registry = CollectorRegistry()
    registry.register(ledger.LedgerCollector())
    name = f'aicg_reconciliation_gap_usd{{comparison="{BILLED[1]}",provider="OPENAI"}} -1.5'
    assert name in generate_latest(registry).decode().splitlines()
