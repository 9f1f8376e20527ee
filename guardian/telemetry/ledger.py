"""The ledger's figures for Prometheus: a job measures them, every web process exports what it has measured.

Counters here only ever grow. The ledger's sums do not: a provider restates its report, a model gets its price. So each
measurement adds only what has grown since the one before, month by month, and what falls is left out.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from guardian import queue
from guardian.errors import ConfigurationError

MOST_SERIES = 2_000
"""Of one counter; what comes after that is counted under `_OTHER`, so that made-up names of models fill no server."""
OTHER = "_OTHER"

_PREFIX = "telemetry:ledger:"
_GAUGES, _AT = _PREFIX + "gauges", _PREFIX + "at"
_SEEN_SECONDS = 100 * 86_400  # longer than any month is measured
_GROWN = """
for i = 2, #ARGV, 2 do
    local before = tonumber(redis.call('HGET', KEYS[2], ARGV[i]) or '0')
    local grown = tonumber(ARGV[i + 1]) - before
    if grown > 0 then redis.call('HINCRBYFLOAT', KEYS[1], ARGV[i], string.format('%.10f', grown)) end
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
end
redis.call('EXPIRE', KEYS[2], tonumber(ARGV[1]))
"""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name in Prometheus, what it tells, and its labels."""

    name: str
    text: str
    labels: tuple[str, ...]


COST = Family("aicg_cost_usd", "Spend in US dollars.", ("provider", "model", "team", "cost_source"))
UNPRICED = Family("aicg_unpriced_tokens", "Tokens that came without a price.", ("provider", "model"))
COUNTERS = (COST, UNPRICED)

BUDGET = Family(
    "aicg_budget_remaining_usd",
    "What a budget has left: its limit less what is spent and what calls under way hold.",
    ("organization", "budget", "kind"),
)
BUDGET_LIMIT = Family("aicg_budget_limit_usd", "What a budget allows now.", ("organization", "budget", "kind"))
GAP = Family(
    "aicg_reconciliation_gap_usd",
    "What leads from one book to the next, over the last 30 whole days.",
    ("provider", "comparison"),
)
# Stored as the moment up to which all is pulled: the age goes on growing where nobody measures any more.
SYNC = Family(
    "aicg_provider_sync_age_seconds",
    "Time since the least recently pulled active account of a provider was pulled.",
    ("provider",),
)
GAUGES = (BUDGET, BUDGET_LIMIT, GAP, SYNC)

Values = Mapping[tuple[str, ...], Decimal]


def count(family: Family, month: str, values: Values) -> None:
    """Add what has grown of the month's sums ("2026-11") since they were last measured. Raises RedisError."""
    redis = queue.connection()
    known = {field.decode() for field in cast("Iterable[bytes]", redis.hkeys(_total(family)))}
    fields: dict[str, Decimal] = {}
    for labels, value in values.items():
        field = _field(labels)
        if field not in known:
            if len(known) >= MOST_SERIES:
                field = _field((labels[0], *(OTHER for _ in labels[1:])))
            known.add(field)
        fields[field] = fields.get(field, Decimal(0)) + value
    if not fields:
        return
    pairs = [part for field, value in fields.items() for part in (field, format(value, "f"))]
    redis.eval(_GROWN, 2, _total(family), f"{_total(family)}:{month}", str(_SEEN_SECONDS), *pairs)


def keep(family: Family, values: Values) -> None:
    """Let these be the gauge's values from now on. Raises RedisError."""
    text = json.dumps([[list(labels), format(value, "f")] for labels, value in values.items()])
    redis = queue.connection()
    redis.hset(_GAUGES, family.name, text)
    redis.hset(_AT, family.name, f"{time.time():.0f}")


class LedgerCollector(Collector):
    """What the jobs have measured; without Redis, nothing."""

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        try:
            redis = queue.connection()
            counters = [cast("dict[bytes, bytes]", redis.hgetall(_total(family))) for family in COUNTERS]
            gauges = cast("dict[bytes, bytes]", redis.hgetall(_GAUGES))
            measured = cast("dict[bytes, bytes]", redis.hgetall(_AT))
        except (RedisError, ConfigurationError):
            return
        now = time.time()
        for family, stored in zip(COUNTERS, counters, strict=True):
            counter = CounterMetricFamily(family.name, family.text, labels=family.labels)
            for field, value in sorted(stored.items()):
                counter.add_metric(json.loads(field), float(value))
            yield counter
        for family in GAUGES:
            gauge = GaugeMetricFamily(family.name, family.text, labels=family.labels)
            for labels, value in _stored(gauges.get(family.name.encode())):
                gauge.add_metric(labels, now - value if family is SYNC else value)
            yield gauge
        age = GaugeMetricFamily("aicg_measured_age_seconds", "Time since a figure was measured.", labels=["figure"])
        for name, at in sorted(measured.items()):
            age.add_metric([name.decode()], now - float(at))
        yield age


def _stored(text: bytes | None) -> list[tuple[Sequence[str], float]]:
    found: list[Any] = json.loads(text) if text is not None else []
    return [(labels, float(value)) for labels, value in found]


def _total(family: Family) -> str:
    return _PREFIX + family.name


def _field(labels: Sequence[str]) -> str:
    return json.dumps(list(labels))
