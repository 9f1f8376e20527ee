"""/admin/monitoring: what of the system is not as it should be, and the figures that say so."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import reflex as rx
from sqlmodel import Session

from guardian.services.actor import Actor
from guardian.services.guard.installation import monitoring
from guardian.services.guard.installation.monitoring import Monitoring
from guardian.telemetry import ProcessSnapshot
from guardian.ui import format
from guardian.ui.components.basics import badge, moment
from guardian.ui.components.cards import card, figure
from guardian.ui.components.table import Column, cell, data_table
from guardian.ui.pages.admin.area import Area, area, listed, under
from guardian.ui.rows import Moment

ROUTE = "/admin/monitoring"
_TONES = {"ok": "good", "warn": "warn", "bad": "bad"}
_PART = Column("Part", narrow="first")
_WORD = Column("State", narrow="amount")
_WHAT = Column("What", narrow="second")
_PROCESS = Column("Process", narrow="first")
_RATE = Column("Per second", numeric=True)
_P50 = Column("p50", numeric=True)
_P95 = Column("p95", numeric=True, narrow="amount")
_P99 = Column("p99", numeric=True)
_ERRORS = Column("Errors", numeric=True)
_MEMORY = Column("Memory", numeric=True)
_CPU = Column("CPU", numeric=True)
_JOURNAL = Column("Journal", numeric=True)
_TOLD = Column("Heard of", narrow="aside")
_TABLE = Column("Table", narrow="first")
_SIZE = Column("Size", numeric=True, narrow="amount")


@dataclass(frozen=True)
class CheckRow:
    name: str
    word: str
    tone: str
    what: str


@dataclass(frozen=True)
class ProcessRow:
    key: str
    name: str
    where: str
    rate: str
    p50: str
    p95: str
    p99: str
    errors: str
    memory: str
    cpu: str
    journal: str
    told: Moment


@dataclass(frozen=True)
class FigureRow:
    name: str
    value: str
    note: str


@dataclass(frozen=True)
class SizeRow:
    name: str
    size: str


class MonitoringState(Area, rx.State):
    """Checks, figures and processes as text."""

    _route: ClassVar[str] = ROUTE

    checks: list[CheckRow] = []
    figures: list[FigureRow] = []
    processes: list[ProcessRow] = []
    tables: list[SizeRow] = []

    @classmethod
    def _find(cls, session: Session, actor: Actor, asked: dict[str, str]) -> Any:
        return monitoring.monitoring(session, actor)

    def _put(self, found: Monitoring, asked: dict[str, str]) -> None:
        now, tz = self._clock()
        self.checks = [CheckRow(each.name, each.word, _TONES[each.word], each.what) for each in found.checks]
        self.figures = _figures(found)
        self.processes = [_process(each, now, tz) for each in found.processes]
        self.tables = [SizeRow(name, size_text(size)) for name, size in found.database.largest]


def size_text(count: int) -> str:
    """1 kB is 1,000 bytes."""
    amount, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.0f} {units[0]}" if units[0] == "B" or amount >= 100 else f"{amount:.1f} {units[0]}"


def _figures(found: Monitoring) -> list[FigureRow]:
    database, redis, syncs, number = found.database, found.redis, found.syncs, format.number
    waiting = sum(each.waiting + each.scheduled for each in found.queues)
    journal = sum(each.journal_bytes or 0 for each in found.processes)
    failed = sum(each.failed for each in found.queues)
    used = f"{database.connections} of {database.max_connections} connections, {database.active} active"
    asked = f"{redis.clients} clients, {number(redis.per_second)} commands a second" if redis else "does not answer"
    hits = "–" if found.hit_ratio is None else f"{found.hit_ratio * 100:.1f} %"
    pulls = f"{number(syncs.queued)} wait; last day {number(syncs.finished)} ended, {number(syncs.failed)} failed"
    return [
        FigureRow("Database", size_text(database.size_bytes), used),
        FigureRow("Redis", size_text(redis.memory_bytes) if redis else "away", asked),
        FigureRow("Cache hits", hits, "of all look-ups"),
        FigureRow("Jobs waiting", number(waiting), f"{number(failed)} failed"),
        FigureRow("Pulls running", number(syncs.running), pulls),
        FigureRow("Journals", size_text(journal), "of calls wait for the database"),
        FigureRow("Mail waiting", number(found.mails_waiting), f"{number(found.mails_failed)} given up in a day"),
    ]


def _process(each: ProcessSnapshot, now: datetime, tz: ZoneInfo) -> ProcessRow:
    return ProcessRow(
        key=f"{each.kind}-{each.host}-{each.pid}",
        name=each.kind.capitalize(),
        where=f"{each.host}:{each.pid}",
        rate=f"{each.per_second:,.1f}",
        p50=_ms(each.p50_ms),
        p95=_ms(each.p95_ms),
        p99=_ms(each.p99_ms),
        errors=format.number(each.errors),
        memory=size_text(each.memory_bytes),
        cpu=f"{each.cpu_percent:.0f} %",
        journal="–" if each.journal_bytes is None else size_text(each.journal_bytes),
        told=Moment.of(each.at, now, tz),
    )


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f} ms" if value < 100 else f"{value:,.0f} ms"


def page() -> rx.Component:
    state: Any = MonitoringState
    checks = data_table(
        "checks", [_PART, _WORD, _WHAT], rx.foreach(state.checks, _check), caption="Parts of the system"
    )
    processes = data_table(
        "processes",
        [_PROCESS, _RATE, _P50, _P95, _P99, _ERRORS, _MEMORY, _CPU, _JOURNAL, _TOLD],
        rx.foreach(state.processes, _line),
        caption="Processes of this installation",
    )
    tables = data_table("tables", [_TABLE, _SIZE], rx.foreach(state.tables, _size), caption="The largest tables")
    return area(
        state,
        "As each process last told of itself, every ten seconds; latencies are of the last minute",
        card("Health", checks),
        rx.el.section(rx.foreach(state.figures, _figure), class_name="card figures even"),
        listed(
            "Processes",
            state.processes,
            processes,
            "No process is heard of. They tell of themselves through Redis.",
        ),
        card("Largest tables", tables),
    )


def _check(row: CheckRow) -> rx.Component:
    return rx.el.tr(cell(_PART, row.name), cell(_WORD, badge(row.word, row.tone)), cell(_WHAT, row.what), key=row.name)


def _figure(row: FigureRow) -> rx.Component:
    return figure(row.name, rx.el.span(row.value), rx.el.div(row.note, class_name="muted small"))


def _line(row: ProcessRow) -> rx.Component:
    return rx.el.tr(
        cell(_PROCESS, row.name, under(row.where)),
        cell(_RATE, row.rate),
        cell(_P50, row.p50),
        cell(_P95, rx.el.span("p95 ", class_name="narrow-only"), row.p95),
        cell(_P99, row.p99),
        cell(_ERRORS, row.errors),
        cell(_MEMORY, row.memory),
        cell(_CPU, row.cpu),
        cell(_JOURNAL, row.journal),
        cell(_TOLD, moment(row.told)),
        key=row.key,
    )


def _size(row: SizeRow) -> rx.Component:
    return rx.el.tr(cell(_TABLE, row.name), cell(_SIZE, row.size), key=row.name)
