"""What an alert would have done in the last 30 days, as text and as a bar for each day."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from guardian.services.guard.previews import AlertPreview
from guardian.ui import format


@dataclass(frozen=True)
class FiringRow:
    key: str
    when: str
    sentence: str


@dataclass(frozen=True)
class DayBar:
    """One of the last 30 days: how often the rule would have begun to fire, `height` in percent of the most."""

    key: str
    title: str
    height: int


@dataclass(frozen=True)
class PreviewRow:
    """What the rule would have done; `sentence` is empty while nothing was asked."""

    sentence: str = ""
    possible: bool = True
    count: int = 0
    days: tuple[DayBar, ...] = ()
    firings: tuple[FiringRow, ...] = ()
    more: str = ""


NO_PREVIEW = PreviewRow()
_SHOWN_FIRINGS = 5


def preview_row(found: AlertPreview, tz: ZoneInfo) -> PreviewRow:
    counts: dict[str, int] = {}
    for each in found.firings:
        day = each.start.astimezone(tz).date().isoformat()
        counts[day] = counts.get(day, 0) + 1
    most = max(counts.values(), default=1)
    first = found.start.astimezone(tz).date().toordinal()
    last = found.end.astimezone(tz).date().toordinal()
    days: list[DayBar] = []
    for ordinal in range(first, last + 1):
        day = date.fromordinal(ordinal)
        count = counts.get(day.isoformat(), 0)
        times = "did not fire" if not count else "once" if count == 1 else f"{count} times"
        days.append(DayBar(day.isoformat(), f"{day.day} {day:%b}: {times}", round(count * 100 / most)))
    hidden = found.count - min(len(found.firings), _SHOWN_FIRINGS)
    return PreviewRow(
        sentence=found.sentence,
        possible=found.possible,
        count=found.count,
        days=tuple(days) if found.count else (),
        firings=tuple(
            FiringRow(f"{each.group}-{n}", format.absolute(each.start, tz), each.sentence)
            for n, each in enumerate(found.firings[:_SHOWN_FIRINGS])
        ),
        more=f"And {hidden} more before." if hidden > 0 else "",
    )
