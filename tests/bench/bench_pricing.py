"""Pricing of stored rows, one by one with the price's resolution kept, beside the catalog's own call for each row.

Rows are mixed as an organization's are: many models and days, caches, tiers, tools, and three agreed prices. What is
measured is the time of one core, so that what else runs on the machine counts less.
"""

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from genai_prices import Usage, calc_price

from guardian.models.enums import Provider
from guardian.pricing.calculator import price
from guardian.pricing.catalog import CATALOG_IDS
from guardian.pricing.overrides import Override
from guardian.pricing.processing import Processing
from guardian.records import UsageCounts, UsageRecord
from tests.bench.figures import Figure, figure
from tests.bench.place import FULL

ROWS = 10_000
ROUNDS = 20 if FULL else 3
# 50,000 rows a second
TARGET = ROWS / 50_000 * 1_000
_MODELS = (
    (Provider.OPENAI, "gpt-6-sol"),
    (Provider.OPENAI, "gpt-5.4-mini"),
    (Provider.OPENAI, "gpt-6-luna-2026-09-01"),
    (Provider.ANTHROPIC, "claude-opus-5-5"),
    (Provider.ANTHROPIC, "claude-haiku-4-5-20251001"),
    (Provider.GOOGLE, "gemini-3.8-flash"),
    (Provider.GOOGLE, "gemini-2.5-pro"),
    (Provider.XAI, "grok-4.3"),
)
_START = datetime(2026, 10, 15, tzinfo=UTC)


def run() -> list[Figure]:
    rows = _rows(ROWS)
    overrides = _agreed()
    assert all(price(row).amount == _catalogs_word(row) for row in rows[:500])
    ours: list[float] = []
    agreed: list[float] = []
    catalog: list[float] = []
    for number in range(ROUNDS):
        ours.append(_core_time(lambda: _price_all(rows, ())))
        agreed.append(_core_time(lambda: _price_all(rows, overrides)))
        # A tenth of the rows is enough of it.
        tenth = rows[number % 10 :: 10]
        catalog.append(10 * _core_time(lambda tenth=tenth: [_catalogs_word(row) for row in tenth]))
    beside = f"genai-prices, call by call, {ROWS:,} rows"
    return [
        figure(f"price {ROWS:,} rows", ours, target=TARGET, beside=beside),
        figure(f"price {ROWS:,} rows, 3 agreed prices", agreed, target=TARGET, beside=beside),
        figure(beside, catalog),
    ]


def _core_time(call: Callable[[], object]) -> float:
    """Milliseconds that this process ran."""
    started = time.process_time()
    call()
    return (time.process_time() - started) * 1_000


def _price_all(rows: Sequence[UsageRecord], overrides: Sequence[Override]) -> Decimal:
    return sum((price(row, overrides).amount or Decimal(0) for row in rows), Decimal(0))


def _rows(count: int) -> list[UsageRecord]:
    """The same rows in every run."""
    chance = random.Random(6)
    return [_row(chance, number) for number in range(count)]


def _row(chance: random.Random, number: int) -> UsageRecord:
    provider, model = chance.choice(_MODELS)
    read, fresh, output = chance.randrange(0, 20_000), chance.randrange(1, 20_000), chance.randrange(1, 4_000)
    searches = chance.randrange(0, 3) if provider in (Provider.ANTHROPIC, Provider.GOOGLE) else 0
    at = _START + timedelta(minutes=5 * (number % 8_000))
    return UsageRecord(
        provider=provider,
        operation="chat",
        model=model,
        start=at,
        end=at,
        counts=UsageCounts(
            input_tokens=read + fresh,
            output_tokens=output,
            cache_read_tokens=read,
            reasoning_tokens=output // 2,
            units={"web_search_requests": Decimal(searches)} if searches else {},
        ),
        requests=1,
        service_tier="batch" if provider is Provider.OPENAI and number % 7 == 0 else "default",
        dimensions={"inference_geo": "global", "speed": "standard"} if provider is Provider.ANTHROPIC else {},
    )


def _agreed() -> tuple[Override, ...]:
    facts = [
        (Provider.OPENAI, "gpt-6-*", Decimal(85)),
        (Provider.ANTHROPIC, "claude-*", Decimal(90)),
        (Provider.ANTHROPIC, "claude-opus-5-5", Decimal(80)),
    ]
    return tuple(
        Override(id=str(place), provider=provider, model_pattern=pattern, valid_from=_START, percent_of_list=percent)
        for place, (provider, pattern, percent) in enumerate(facts)
    )


def _catalogs_word(row: UsageRecord) -> Decimal:
    counts = row.counts
    usage = Usage(
        input_tokens=counts.input_tokens,
        output_tokens=counts.output_tokens,
        cache_read_tokens=counts.cache_read_tokens,
        output_reasoning_tokens=counts.reasoning_tokens,
        web_searches=counts.units.get("web_search_requests", 0),
    )
    return calc_price(
        usage,
        row.model,
        provider_id=CATALOG_IDS[row.provider],
        genai_request_timestamp=row.start,
        price_context=Processing(row.service_tier).context(),
    ).total_price
