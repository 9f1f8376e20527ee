"""From the imports' views to the text that the page shows: pure functions."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from guardian import amounts
from guardian.models.enums import ImportStatus
from guardian.services.ledger.imports import READERS, ImportView
from guardian.services.people.views import KeyView
from guardian.ui import format
from guardian.ui.colors import provider_name
from guardian.ui.rows import NO_MOMENT, Moment, Option

MOST_LINES = 50


@dataclass(frozen=True)
class ImportRow:
    """One file. `facts` says what became of its rows; `percent` and `note` are how far it is while `running`."""

    id: str = ""
    name: str = ""
    kind: str = ""
    state: str = ""
    tone: str = ""
    facts: str = ""
    problem: str = ""
    notes: str = ""
    when: Moment = NO_MOMENT
    running: bool = False
    may_stop: bool = False
    percent: int = 0
    note: str = ""
    refused: int = 0
    href: str = ""
    current: bool = False


@dataclass(frozen=True)
class LineRow:
    """A line that was refused: where it stands, and why."""

    key: str
    where: str
    message: str


FORMATS = [Option("", "Tell by its content"), *(Option(name, reader.title) for name, reader in READERS.items())]


def import_row(view: ImportView, route: str, current: str, now: datetime, tz: ZoneInfo, *, may_stop: bool) -> ImportRow:
    running = view.status is ImportStatus.RUNNING
    state, tone = _state(view)
    reader = READERS.get(view.format or "")
    return ImportRow(
        id=view.id,
        name=view.file_name,
        kind=reader.title if reader else "",
        state=state,
        tone=tone,
        facts=_facts(view),
        problem=view.error or "",
        notes=" ".join(view.notes),
        when=Moment.of(view.created_at, now, tz),
        running=running,
        may_stop=running and may_stop,
        percent=int(view.progress * 100),
        note=_note(view, now) if running else "",
        refused=view.rows_refused,
        href=route if view.id == current else f"{route}?import={view.id}",
        current=view.id == current,
    )


def line_rows(view: ImportView) -> list[LineRow]:
    """The first refused lines: more than fit on a page help nobody, and the API lists the others."""
    return [
        LineRow(
            key=f"{place}",
            where=f"{each['file']}, line {each['line']}" if "file" in each else f"Line {each['line']}",
            message=str(each["message"]),
        )
        for place, each in enumerate(view.errors[:MOST_LINES])
    ]


def lines_left(view: ImportView) -> str:
    """What the list of refused lines leaves out; empty when it has all."""
    left = view.rows_refused - min(len(view.errors), MOST_LINES)
    return f"{format.number(left)} more were refused." if left > 0 else ""


def bound(most: int) -> tuple[str, str]:
    """How large a file may be, as the end of a sentence, and what is said of a larger one before it is sent."""
    size = f"{most / 1e9:,.2f}{amounts.NBSP}GB" if most >= 1e9 else f"{most / 1e6:,.1f}{amounts.NBSP}MB"
    return (
        f"; up to {size} each",
        f"Larger than {size}, so it was not sent. Import it with `guardian import`, or have GUARDIAN_IMPORT_MAX_BYTES "
        "raised.",
    )


def key_options(keys: list[KeyView]) -> list[Option]:
    """Keys by their labels; one without a label, or with one that another key has, cannot be named."""
    labels = [key.label for key in keys]
    named = [key for key in keys if key.label and labels.count(key.label) == 1]
    return [Option("", "No key"), *(Option(k.label or "", f"{k.label} ({provider_name(k.provider)})") for k in named)]


def _state(view: ImportView) -> tuple[str, str]:
    if view.status is ImportStatus.RUNNING:
        return ("Waiting" if not view.bytes_read and not view.rows_read else "Importing"), "accent"
    if view.status is ImportStatus.FAILED:
        return "Not finished", "bad"
    if view.rows_refused:
        return "Finished, with refused lines", "warn"
    return "Finished", "good"


def _facts(view: ImportView) -> str:
    parts = [(view.rows_added, "added"), (view.rows_duplicate, "already there"), (view.rows_skipped, "left out")]
    parts.append((view.rows_refused, "refused"))
    found = ", ".join(f"{format.number(count)} {what}" for count, what in parts if count)
    return found or ("No rows of usage in it" if view.status is ImportStatus.FINISHED else "")


def _note(view: ImportView, now: datetime) -> str:
    size = f"{view.bytes_read / 1e6:,.1f} of {(view.bytes_total or 0) / 1e6:,.1f}{amounts.NBSP}MB"
    left = format.remaining(view.progress, now - view.created_at)
    return f"{size}, {left}" if left else size
