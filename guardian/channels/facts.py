"""What a notice says, as plain text that every channel then escapes and cuts in its own way."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

from guardian.amounts import Unit, figure, percent
from guardian.channels.notice import Cause, Notice
from guardian.models.enums import AlertState
from guardian.periods import zone

Tone = Literal["good", "info", "warning", "critical"]
Escape = Callable[[str], str]

_STATES = {
    AlertState.OK: "OK",
    AlertState.PENDING: "Pending",
    AlertState.FIRING: "Firing",
    AlertState.ACKNOWLEDGED: "Acknowledged",
    AlertState.SNOOZED: "Snoozed",
    AlertState.RECOVERED: "Recovered",
    AlertState.NO_DATA: "No data",
}
MOST_CAUSES = 5
_LINE = 500  # characters of one line of several
OPEN = "Open in AI Cost Guardian"


def title(notice: Notice) -> str:
    """What it is about in a few words: "Firing: Team web"."""
    if notice.kind == "test":
        return f"Test: {notice.name}"
    if notice.kind == "alert":
        return f"{_STATES[notice.state]}: {notice.name}"
    return notice.name


def facts(notice: Notice) -> list[tuple[str, str]]:
    """Names and values in the order of their weight; empty for a digest or a report, which say it in their items."""
    found: list[tuple[str, str]] = []
    if notice.kind in ("digest", "report"):
        return found
    if notice.value is not None:
        found.append(("Now", _named(notice.value, notice.unit)))
    if notice.threshold is not None:
        found.append(("Threshold", _named(notice.threshold, notice.unit)))
    if notice.group:
        found.append(("Of", notice.group))
    if notice.window_start is not None and notice.window_end is not None:
        found.append(("Time", f"{_clock(notice, notice.window_start)} – {_clock(notice, notice.window_end)}"))
    return found


def causes(notice: Notice) -> list[str]:
    """The weightiest causes, one line each: "more calls: +$50.00 (80 %)"."""
    lines: list[str] = []
    for cause in notice.causes[:MOST_CAUSES]:
        share = "" if cause.share is None else f" ({percent(cause.share)})"
        lines.append(f"{cause.label}: {moved(cause)}{share}")
    return lines


def moved(cause: Cause) -> str:
    """What a cause added, or took away: +$50.00."""
    return ("+" if cause.amount > 0 else "") + _named(cause.amount, cause.unit)


def footer(notice: Notice) -> str:
    """Whose it is and when it was."""
    return f"{notice.organization}, {_clock(notice, notice.occurred_at)} {notice.time_zone}"


def tone(notice: Notice) -> Tone:
    if notice.kind in ("test", "report"):
        return "info"
    return "good" if notice.kind == "alert" and notice.recovered else notice.severity


def _named(value: Decimal, unit: Unit) -> str:
    """A figure that says what is counted: $312.40, 1,200 tokens, 3."""
    text = figure(value, unit)
    return f"{text} {unit}" if unit in ("requests", "tokens") else text


def clip(text: str, most: int) -> str:
    """At most so many characters (1 or more); what is cut is marked."""
    return text if len(text) <= most else text[: max(most, 1) - 1].rstrip() + "…"


def fit(text: str, most: int, escape: Escape) -> str:
    """The text escaped, and cut before that so that 1 to `most` characters come out: no half escape at the end."""
    escaped = escape(text)
    while len(escaped) > most:
        # An escape makes at most five more characters of one.
        text = clip(text, len(text) - 1 - (len(escaped) - most) // 6)
        escaped = escape(text)
    return escaped


def fit_lines(lines: Sequence[str], most: int, escape: Escape) -> str:
    """As many whole lines, escaped, as fit into so many characters (600 or more), and how many more there are."""
    taken: list[str] = []
    room = most - len("… and 100,000 more")
    for line in lines:
        escaped = fit(line, _LINE, escape)
        if len(escaped) >= room:
            break
        taken.append(escaped)
        room -= len(escaped) + 1
    left = len(lines) - len(taken)
    return "\n".join([*taken, *([f"… and {left:,} more"] if left else [])])


def _clock(notice: Notice, moment: datetime) -> str:
    local = moment.astimezone(zone(notice.time_zone))
    return f"{local.day} {local:%B %Y, %H:%M}"
