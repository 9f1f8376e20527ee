"""Time series of Cloud Monitoring: hourly sums of one metric of one project, page by page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from guardian.errors import ProviderContractBroken, ProviderRequestRejected
from guardian.periods import HOUR, Window, floor_hour, rfc3339
from guardian.providers.failures import Answer
from guardian.providers.http.client import Params
from guardian.providers.reports.paging import ask_within_support, walk
from guardian.providers.reports.reading import Row

_PAGE = 100_000  # points, the most that is allowed
_MOST_PAGES = 200
# Without the running hour there is no future in the question, which some servers refuse.
_RUNNING_HOUR = "endTime"


class Get(Protocol):
    """Asks Cloud Monitoring as the key's service account."""

    def __call__(self, path: str, params: Params, /) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Point:
    """What one metric says of one bucket [start, end) under these labels, those of metric and resource together."""

    labels: Mapping[str, str]
    start: datetime
    end: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Question:
    """One metric of one project. `groups` tell series apart; those of `droppable` are asked for where they exist."""

    project: str
    metric: str
    groups: tuple[str, ...]
    droppable: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        return f"Google's metric {self.metric}"


def points(get: Get, question: Question, window: Window, now: datetime) -> Iterator[Point]:
    """The hourly points of the window up to the running hour; none for a metric that the project does not have.

    A series that comes twice, on a repeated page, counts once.
    """
    found: dict[tuple[frozenset[tuple[str, str]], datetime], Point] = {}
    try:
        for page in _pages(get, question, window, now):
            for series in page.rows("timeSeries") if page.raw.get("timeSeries") is not None else []:
                for point in read_series(series, HOUR):
                    if point.end != floor_hour(point.end):
                        raise ProviderContractBroken(f"{question.where} has a point that is not of a whole hour.")
                    if window.start < point.end and point.start < window.end:
                        found[frozenset(point.labels.items()), point.end] = point
    except ProviderRequestRejected as rejected:
        # A metric that nothing was ever written to: "Cannot find metric(s) that match type".
        if rejected.upstream_status != 404 or "metric" not in rejected.message:
            raise
        return
    yield from found.values()


def _pages(get: Get, question: Question, window: Window, now: datetime) -> Iterator[Row]:
    path = f"/v3/projects/{question.project}/timeSeries"
    running = floor_hour(now)
    last = min(window.end, running + HOUR)

    def ask(features: Sequence[str], page: str | None = None) -> Answer:
        # Periods are counted back from the end of the interval, so it has to be a whole hour.
        end = last if _RUNNING_HOUR in features else min(window.end, running)
        params = [
            # Other projects of the same metrics scope are not this one's.
            ("filter", f'metric.type="{question.metric}" AND project="{question.project}"'),
            ("interval.startTime", rfc3339(window.start)),
            ("interval.endTime", rfc3339(end)),
            ("aggregation.alignmentPeriod", f"{int(HOUR.total_seconds())}s"),
            ("aggregation.perSeriesAligner", "ALIGN_SUM"),
            ("aggregation.crossSeriesReducer", "REDUCE_SUM"),
            *(("aggregation.groupByFields", name) for name in features if name != _RUNNING_HOUR),
            ("view", "FULL"),
            ("pageSize", str(_PAGE)),
        ]
        return get(path, params + ([("pageToken", page)] if page else []))

    wanted, droppable = [*question.groups, *question.droppable], list(question.droppable)
    if last > running and window.start < running:
        wanted, droppable = [*wanted, _RUNNING_HOUR], [*droppable, _RUNNING_HOUR]
    elif last > running:
        wanted = [*wanted, _RUNNING_HOUR]
    first, features = ask_within_support(ask, wanted, droppable)
    yield from walk(
        lambda page: ask(features, page) if page else first,
        question.where,
        most=_MOST_PAGES,
        follow=next_token("nextPageToken"),
        more=names_more("nextPageToken"),
        items="timeSeries",
    )


def next_token(name: str) -> Callable[[Row], str | None]:
    """The successor of a page of Google's, which names none, or "", on the last one."""
    return lambda page: page.maybe_text(name)


def names_more(name: str) -> Callable[[Row], bool]:
    """Whether a page names a successor."""
    return lambda page: page.maybe_text(name) is not None


def read_series(series: Row, width: timedelta) -> Iterator[Point]:
    """The points of one series; `width` is the longest span that a point may sum up.

    Raises ProviderContractBroken for a point that is no sum of one bucket.
    """
    labels = {**_labels(series.child("resource")), **_labels(series.child("metric"))}
    for point in series.rows("points"):
        interval = point.child("interval")
        end = interval.moment("endTime")
        start = end - width
        if interval.raw.get("startTime") is not None and interval.moment("startTime") < start:
            raise ProviderContractBroken(f"{series.where} has a point that sums up more than was asked for.")
        yield Point(labels, start, end, _count(point.child("value")))


def _labels(row: Row) -> dict[str, str]:
    found: object = row.raw.get("labels")
    if not isinstance(found, dict):
        return {}
    return {name: str(value) for name, value in cast("Mapping[str, Any]", found).items() if value not in (None, "")}


def _count(value: Row) -> int:
    """JSON has 64-bit integers as text."""
    number = value.quantity("int64Value")
    if number != int(number):
        raise value.wrong("int64Value", "a whole number of zero or more")
    return int(number)
