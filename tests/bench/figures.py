"""What a bench measured: a figure, and what ran beside it in the same minute, since only ratios outlive a machine."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`p50`, `p95` and `best` in `unit`. `target` is a wished p95; `beside` names the figure to compare with.

    Of `rounds`, each value is a median already: their p50 is held against the target. Of what is `more`, the better the
    more there is of it, p95 is what 95 of 100 reach.
    """

    name: str
    count: int
    best: float
    p50: float
    p95: float
    target: float | None = None
    beside: str | None = None
    unit: str = "ms"
    rounds: bool = False
    more: bool = False

    @property
    def verdict(self) -> str:
        """Of the target; empty without one."""
        if self.target is None:
            return ""
        reached = self.p50 if self.rounds else self.p95
        met = reached >= self.target if self.more else reached < self.target
        return f"{'>=' if self.more else '<'} {self.target:g} {'met' if met else 'MISSED'}"


def figure(
    name: str,
    values: Sequence[float],
    *,
    target: float | None = None,
    beside: str | None = None,
    unit: str = "ms",
    rounds: bool = False,
    more: bool = False,
) -> Figure:
    """The figure of these single measurements, or of these rounds of many."""
    ordered = sorted(values, reverse=more)
    return Figure(
        name=name,
        count=len(ordered),
        best=ordered[0],
        p50=percentile(ordered, 50),
        p95=percentile(ordered, 95),
        target=target,
        beside=beside,
        unit=unit,
        rounds=rounds,
        more=more,
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest rank: a value that was measured, never one between two."""
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def measure(calls: Sequence[Callable[[], object]]) -> list[float]:
    """How long each call takes, in milliseconds, one after the other."""
    taken: list[float] = []
    for call in calls:
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def interleave(rounds: int, **callers: Callable[[int], object]) -> dict[str, list[float]]:
    """Every caller once per round, given the number of the round, so that a slow minute hits all of them alike."""
    taken: dict[str, list[float]] = {name: [] for name in callers}
    for number in range(rounds):
        for name, caller in callers.items():
            taken[name] += measure([lambda caller=caller, number=number: caller(number)])
    return taken


def table(figures: Sequence[Figure]) -> str:
    """The figures as text; the last columns are what is held against the target, and p50 against what ran beside."""
    by_name = {found.name: found for found in figures}
    lines = [("what", "n", "best", "p50", "p95", "", "target", "p50 ratio")]
    for found in figures:
        beside = by_name.get(found.beside or "")
        lines.append(
            (
                found.name,
                f"{found.count}",
                f"{found.best:,.2f}",
                f"{found.p50:,.2f}",
                f"{found.p95:,.2f}",
                found.unit,
                found.verdict,
                "" if beside is None else f"{found.p50 / beside.p50:.2f} x {beside.name}",
            )
        )
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place in (0, 5, 7) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
