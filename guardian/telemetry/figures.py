"""What a process counts of its work: so many done, so many failed, and how long they took."""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from itertools import accumulate

# Seconds; each is a seventh more than the one before, so that a percentile read from them is at most that far off.
_STEP = 8 / 7
_BOUNDS = tuple(0.0005 * _STEP**n for n in range(95))
_KEPT = 6  # marks: with one every 10 s, the percentiles are of the last minute
# What Prometheus gets: fewer series than we keep buckets.
SHOWN = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Timings:
    """How long things took, as counts by length. One `observe` is 0.4 µs: it is on the gateway's path of every call."""

    __slots__ = ("_counts", "_marks", "sum")

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        self._marks: deque[list[int]] = deque([[0] * len(self._counts)], maxlen=_KEPT + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        self._counts[bisect_left(_BOUNDS, seconds)] += 1
        self.sum += seconds

    @property
    def count(self) -> int:
        return sum(self._counts)

    def mark(self) -> None:
        """Begin another span; percentiles are of the latest six, and of what came since."""
        self._marks.append(list(self._counts))

    @property
    def recent(self) -> int:
        """How many in the latest spans."""
        return sum(self._counts) - sum(self._marks[0])

    def percentiles(self, shares: Sequence[float]) -> list[float | None]:
        """In seconds, of the latest spans, each at most a seventh too high; None where nothing was observed."""
        since = [now - then for now, then in zip(self._counts, self._marks[0], strict=True)]
        sums = list(accumulate(since))
        total = sums[-1]
        if not total:
            return [None] * len(shares)
        places = (bisect_left(sums, share * total) for share in shares)
        return [_BOUNDS[min(place, len(_BOUNDS) - 1)] for place in places]

    def buckets(self) -> list[tuple[str, float]]:
        """As Prometheus wants them: how many took at most so long."""
        sums = list(accumulate(self._counts))
        # The last of our bounds that is not above theirs: what lies between the two is told a bucket later.
        shown = [(f"{bound:g}", float(sums[max(0, bisect_left(_BOUNDS, bound * 1.0000001) - 1)])) for bound in SHOWN]
        return [*shown, ("+Inf", float(sums[-1]))]


class Figures:
    """The counters of one process. `errors` are of what is ours to mend: not a caller's mistake, nor a provider's."""

    __slots__ = ("doing", "errors", "jobs", "outcomes", "resting", "timings")

    def __init__(self) -> None:
        self.timings = Timings()
        self.errors = 0
        self.doing: str | None = None
        # Seconds by id of a provider key: so long a gateway leaves it alone.
        self.resting: Callable[[], dict[str, float]] = dict
        # How many calls of the gateway (by provider), and jobs (by function), ended in which way.
        self.outcomes: dict[tuple[str, str], int] = {}
        self.jobs: dict[tuple[str, str], int] = {}

    @property
    def done(self) -> int:
        return self.timings.count

    def note(self, seconds: float, *, failed: bool = False) -> None:
        """One request was answered, or one job ended, after so many seconds."""
        self.timings.observe(seconds)
        if failed:
            self.errors += 1

    def note_call(self, provider: str, outcome: str, seconds: float, *, failed: bool) -> None:
        """A call through the gateway ended; `outcome` is "ok", or one of the few names of how else calls end."""
        self.timings.observe(seconds)
        if failed:
            self.errors += 1
        told = (provider, outcome)
        try:
            self.outcomes[told] += 1
        except KeyError:  # once for each
            self.outcomes[told] = 1

    def note_job(self, job: str, outcome: str, seconds: float) -> None:
        """A job ended: finished, failed, or returned to its queue."""
        self.note(seconds, failed=outcome == "failed")
        told = (job, outcome)
        self.jobs[told] = self.jobs.get(told, 0) + 1
