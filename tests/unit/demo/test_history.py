"""The made-up past: the same for the same seed, priced as the catalogue prices it, and kept apart from what is live."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from guardian.demo.books import HOUR, Books, floor_day
from guardian.demo.company import FLOWS, PRICES, Vendor
from guardian.demo.history import DAYS, Usage, all_told_calls, spend, told_spend, usage_of
from guardian.models.enums import CostSource, Provider
from guardian.periods import utcnow
from guardian.pricing.calculator import price
from guardian.records import UsageCounts, UsageRecord

BORN = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
TUESDAY = datetime(2026, 11, 17, 14, tzinfo=UTC)
LIVE = Usage(Vendor.OPENAI, "proj_assistant", "key_assistant", "gpt-5-mini", 1, 100, 20, 30)


def _day(seed: int) -> list[list[Usage]]:
    return [list(usage_of(seed, floor_day(BORN) + n * HOUR)) for n in range(24)]


def test_the_same_seed_has_the_same_past() -> None:
    assert _day(1) == _day(1)
    assert _day(1) != _day(2)
    assert {usage.model for hour in _day(1) for usage in hour} == set(PRICES) - {"claude-opus-5"}
    assert "claude-opus-5" in {usage.model for usage in usage_of(1, TUESDAY)}


def test_told_calls_are_within_what_the_provider_reports() -> None:
    told = all_told_calls(1, TUESDAY)
    assert told
    assert all(TUESDAY <= call.at < TUESDAY + HOUR for call in told)
    assert len({call.id for call in told}) == len(told)
    reported = next(usage for usage in usage_of(1, TUESDAY) if usage.key == "apikey_agents")
    assert reported.requests == len(told)
    assert reported.cost == sum(call.usage.cost for call in told)
    assert told_spend(1, TUESDAY, TUESDAY + HOUR) == reported.cost
    assert spend(1, TUESDAY, TUESDAY + HOUR) > spend(1, TUESDAY, TUESDAY + HOUR, Vendor.ANTHROPIC) > reported.cost


@pytest.mark.parametrize("model", PRICES)
def test_the_sandbox_asks_what_the_catalogue_says(model: str) -> None:
    vendor = Vendor.OPENAI if model.startswith("gpt") else Vendor.ANTHROPIC
    usage = Usage(vendor, "p", "k", model, 1, 10_000, 4_000, 700)
    counts = UsageCounts(input_tokens=14_000, cache_read_tokens=4_000, output_tokens=700)
    bill = price(
        UsageRecord(
            provider=Provider(vendor), operation="chat", model=model, start=BORN, end=BORN, counts=counts, requests=1
        )
    )
    assert (bill.source, bill.amount) == (CostSource.COMPUTED, usage.cost)


def test_the_books_have_the_past_and_what_was_answered(tmp_path: Path) -> None:
    books = Books(1, BORN, tmp_path)
    assert books.start == floor_day(BORN) - timedelta(days=DAYS)
    past = books.of_hour(TUESDAY)
    assert past == list(usage_of(1, TUESDAY))
    assert books.of_hour(books.start - HOUR) == []
    # The running hour has only what was answered in it: its reports come when it is over.
    assert books.of_hour(TUESDAY, now=TUESDAY + timedelta(minutes=59)) == []
    books.serve(LIVE, TUESDAY + timedelta(minutes=5))
    books.serve(LIVE, TUESDAY + timedelta(minutes=6))
    assert books.of_hour(TUESDAY)[len(past) :] == [Usage(*_key(), 2, 200, 40, 60)]
    books.close()
    # A process that was killed while it wrote leaves half a line.
    with (tmp_path / "sandbox-calls.jsonl").open("a") as file:
        file.write('{"hour": "2026-11-1')
    again = Books(1, BORN, tmp_path)
    assert again.answered == 2
    assert again.of_hour(TUESDAY)[len(past) :] == [Usage(*_key(), 2, 200, 40, 60)]
    again.close()


def _key() -> tuple[Vendor, str, str, str]:
    return LIVE.vendor, LIVE.project, LIVE.key, LIVE.model


def test_a_month_is_worth_looking_at() -> None:
    """Each flow calls in it, and it costs hundreds of dollars: neither cents nor a fortune."""
    today = floor_day(utcnow())
    start, found = today - timedelta(days=30), set[str]()
    for n in range(30 * 24):
        found |= {usage.key for usage in usage_of(1, start + n * HOUR)}
    assert found == {flow.key for flow in FLOWS}
    assert Decimal(300) < spend(1, start, today) < Decimal(3_000)
