"""Forecasts and spikes on 24 planted series each, by seeds that nothing was set by: how often they are right.

The share of months that end within their 80 % interval is wanted between 75 and 85 %. What is timed is one core's time
of one forecast with all its trials, on 400 days.
"""

import time
from datetime import UTC, datetime, timedelta

from guardian.services.guard.analysis.forecast import forecast
from tests.bench.figures import Figure, figure
from tests.bench.place import FULL
from tests.unit.guard.judging import judge_forecasts, judge_spikes
from tests.unit.guard.series import FIRST, daily

SEEDS = (31, 32, 33) if FULL else (31,)
ON_DAYS = (3, 8, 13, 18, 23, 28) if FULL else (13,)


def run() -> list[Figure]:
    forecasts = [judge_forecasts(seed, ON_DAYS) for seed in SEEDS]
    spikes = [judge_spikes(seed) for seed in SEEDS]
    coverage = [each.coverage for each in forecasts]
    months = sum(each.asked for each in forecasts)
    naive = "the same, by the mean of four weeks"
    return [
        figure(f"80 % interval covers, {months:,} months", coverage, target=75, unit="%", rounds=True, more=True),
        figure("80 % interval covers, at most", coverage, target=85, unit="%", rounds=True),
        figure("forecast is off", [off for each in forecasts for off in each.off], beside=naive, unit="%"),
        figure(naive, [off for each in forecasts for off in each.naive], unit="%"),
        figure("spikes: precision", [each.precision for each in spikes], unit="%", rounds=True, more=True),
        figure("spikes: recall", [each.recall for each in spikes], unit="%", rounds=True, more=True),
        figure("one forecast", _times()),
    ]


def _times() -> list[float]:
    taken: list[float] = []
    for series in daily(SEEDS[0]):
        days = [(FIRST + timedelta(days=n), amount) for n, amount in enumerate(series.days)]
        today = days[-1][0]
        started = time.process_time()
        forecast(days, today.replace(day=1), today + timedelta(days=20), datetime(*today.timetuple()[:3], tzinfo=UTC))
        taken.append((time.process_time() - started) * 1_000)
    return taken
