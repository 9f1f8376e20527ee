"""What a bench measured: a figure, and what ran beside it in the same minute, since only ratios outlive a machine."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`p50`, `p95` and `best` in milliseconds. `target` is a wished p95; `beside` names the figure to compare with."""

    name: str
    count: int
    best: float
    p50: float
    p95: float
    target: float | None = None
    beside: str | None = None


def figure(
    name: str, milliseconds: Sequence[float], *, target: float | None = None, beside: str | None = None
) -> Figure:
    """The figure of these single measurements."""
    ordered = sorted(milliseconds)
    return Figure(
        name=name,
        count=len(ordered),
        best=ordered[0],
        p50=percentile(ordered, 50),
        p95=percentile(ordered, 95),
        target=target,
        beside=beside,
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
    """The figures as text; the last columns are p95 against the target, and p50 against what ran beside."""
    by_name = {found.name: found for found in figures}
    lines = [("what", "n", "best ms", "p50 ms", "p95 ms", "target", "p50 ratio")]
    for found in figures:
        beside = by_name.get(found.beside or "")
        lines.append(
            (
                found.name,
                f"{found.count}",
                f"{found.best:.2f}",
                f"{found.p50:.2f}",
                f"{found.p95:.2f}",
                "" if found.target is None else f"< {found.target:g} {'met' if found.p95 < found.target else 'MISSED'}",
                "" if beside is None else f"{found.p50 / beside.p50:.2f} x {beside.name}",
            )
        )
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place in (0, 6) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
