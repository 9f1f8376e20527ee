"""What the company's applications called in an hour: the same for the same seed and hour, today and in a month."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from guardian.demo.company import FLOWS, PEOPLE, PRICES, Flow, Vendor

# Two whole months before this one, so that a month can be held against the one before it.
DAYS = 70
_WORKING_HOURS = range(7, 19)
_HOUR = timedelta(hours=1)
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one provider key used of one model: `uncached` and `cached` are all of the input."""

    vendor: Vendor
    project: str
    key: str
    model: str
    requests: int
    uncached: int
    cached: int
    output: int

    def amounts(self) -> tuple[tuple[str, int, Decimal], ...]:
        """Kind of token, count and dollars, by the price list."""
        price = PRICES[self.model]
        kinds = (
            ("input_tokens", self.uncached, price.input),
            ("cached_input_tokens", self.cached, price.cached),
            ("output_tokens", self.output, price.output),
        )
        return tuple((name, count, count * rate / _MILLION) for name, count, rate in kinds if count)

    @property
    def cost(self) -> Decimal:
        return sum((amount for _, _, amount in self.amounts()), Decimal(0))


@dataclass(frozen=True, slots=True)
class ToldCall:
    """One call that its application told of by itself."""

    id: str
    at: datetime
    usage: Usage
    person: str
    feature: str


def usage_of(seed: int, hour: datetime) -> Iterator[Usage]:
    """What was used in the hour that begins then, one per flow that called."""
    for flow in FLOWS:
        if flow.told:
            parts = [call.usage for call in told_calls(seed, flow, hour)]
            if parts:
                yield _usage(flow, len(parts), *(sum(column) for column in _columns(parts)))
        elif calls := _calls(seed, flow, hour):
            rng = _random(seed, flow, hour, "sum")
            given, answered = calls * rng.randint(*flow.input), calls * rng.randint(*flow.output)
            cached = int(given * flow.cached_share * rng.uniform(0.8, 1.2))
            yield _usage(flow, calls, given - cached, cached, answered)


def told_calls(seed: int, flow: Flow, hour: datetime) -> list[ToldCall]:
    """The single calls of a flow that tells of them, in the order of their time."""
    rng = _random(seed, flow, hour, "calls")
    moments = sorted(rng.randrange(3_600_000) for _ in range(_calls(seed, flow, hour)))
    return [_told(flow, rng, hour, number, moment) for number, moment in enumerate(moments)]


def all_told_calls(seed: int, hour: datetime) -> list[ToldCall]:
    return [call for flow in FLOWS if flow.told for call in told_calls(seed, flow, hour)]


def spend(seed: int, start: datetime, end: datetime, vendor: Vendor | None = None) -> Decimal:
    """Dollars of the whole hours from `start` to `end`."""
    total, hour = Decimal(0), start
    while hour < end:
        total += sum((u.cost for u in usage_of(seed, hour) if vendor in (None, u.vendor)), Decimal(0))
        hour += _HOUR
    return total


def told_spend(seed: int, start: datetime, end: datetime) -> Decimal:
    """Dollars of the single calls that are told of in the whole hours from `start` to `end`."""
    total, hour = Decimal(0), start
    while hour < end:
        total += sum((call.usage.cost for call in all_told_calls(seed, hour)), Decimal(0))
        hour += _HOUR
    return total


def _told(flow: Flow, rng: random.Random, hour: datetime, number: int, moment: int) -> ToldCall:
    given = rng.randint(*flow.input)
    cached = int(given * flow.cached_share * rng.uniform(0.9, 1.1))
    return ToldCall(
        id=f"{flow.key}-{hour:%Y%m%d%H}-{number}",
        at=hour + timedelta(milliseconds=moment),
        usage=_usage(flow, 1, given - cached, cached, rng.randint(*flow.output)),
        person=rng.choice(PEOPLE),
        feature=rng.choice(("review", "refactoring", "tests")),
    )


def _calls(seed: int, flow: Flow, hour: datetime) -> int:
    if (flow.only_hours and hour.hour not in flow.only_hours) or (
        flow.only_weekdays and hour.weekday() not in flow.only_weekdays
    ):
        return 0
    working = hour.weekday() < 5 and (bool(flow.only_hours) or hour.hour in _WORKING_HOURS)
    usual = flow.busy if working else flow.quiet
    return int(usual * _random(seed, flow, hour, "count").uniform(0.6, 1.4))


def _random(seed: int, flow: Flow, hour: datetime, what: str) -> random.Random:
    return random.Random(f"{seed} {flow.name} {hour:%Y-%m-%dT%H} {what}")  # noqa: S311  # made up, and the same each time


def _usage(flow: Flow, requests: int, uncached: int, cached: int, output: int) -> Usage:
    return Usage(flow.vendor, flow.project, flow.key, flow.model, requests, uncached, cached, output)


def _columns(parts: list[Usage]) -> tuple[list[int], list[int], list[int]]:
    return [p.uncached for p in parts], [p.cached for p in parts], [p.output for p in parts]
