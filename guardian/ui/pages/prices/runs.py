"""From a re-pricing run to the text that the price page shows: pure functions."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from guardian import amounts
from guardian.models.enums import RepriceStatus
from guardian.services.ledger.repricing.views import UNFINISHED, ModelDifference, RepriceView
from guardian.ui import format
from guardian.ui.colors import provider_color, provider_name
from guardian.ui.rows import NO_MOMENT, NO_PULL, Moment, Money, Pull

MOST_MODELS = 30  # lines of one run on the page; the API gives all
_WORKING = {
    "dry": "Working out the difference",
    "apply": "Writing the new prices",
    "undo": "Putting back the old prices",
}
_STATES = {
    RepriceStatus.QUEUED: ("Waiting", "accent"),
    RepriceStatus.RUNNING: ("Running", "accent"),
    RepriceStatus.FINISHED: ("Dry run", ""),
    RepriceStatus.APPLIED: ("Applied", "good"),
    RepriceStatus.UNDONE: ("Undone", ""),
    RepriceStatus.FAILED: ("Failed", "bad"),
}


@dataclass(frozen=True)
class DifferenceRow:
    """One model of a run: what its changed rows cost before and after."""

    key: str
    provider: str
    color: str
    model: str
    rows: str
    before: Money
    after: Money
    change: str
    unpriced: str


@dataclass(frozen=True)
class RunRow:
    """A run. `pull` is its progress while `working`; `result` says in a sentence what it found, wrote or put back."""

    id: str = ""
    title: str = ""
    state: str = ""
    tone: str = ""
    working: bool = False
    pull: Pull = NO_PULL
    result: str = ""
    error: str = ""
    asked: Moment = NO_MOMENT
    by: str = ""
    version: str = ""
    can_apply: bool = False
    can_undo: bool = False
    has_models: bool = False
    models: list[DifferenceRow] = field(default_factory=list[DifferenceRow])
    more: str = ""


def run_row(run: RepriceView, now: datetime, tz: ZoneInfo, *, busy: bool, may_change: bool) -> RunRow:
    """`busy` says that some run of the organization is not over, and then nothing else can begin."""
    state, tone = _STATES[run.status]
    working = run.status in UNFINISHED
    free = may_change and not busy
    more = len(run.models) - MOST_MODELS
    return RunRow(
        id=run.id,
        title=_title(run, tz),
        state=state,
        tone=tone,
        working=working,
        pull=_progress(run, now) if working else NO_PULL,
        result="" if working else _result(run),
        error=run.error or "",
        asked=Moment.of(run.created_at, now, tz),
        by=run.requested_by or "",
        version=run.price_version or "",
        can_apply=free and run.can_apply,
        can_undo=free and run.can_undo,
        has_models=bool(run.models),
        models=[_difference(each) for each in run.models[:MOST_MODELS]],
        more=f"{more} more models are not shown." if more > 0 else "",
    )


def change_words(change: Decimal) -> str:
    """With its sign: +$0.0015."""
    if not change:
        return "no change"
    return amounts.signed(change)


def _title(run: RepriceView, tz: ZoneInfo) -> str:
    first, last = run.start.astimezone(tz), (run.end - timedelta(microseconds=1)).astimezone(tz)
    days = f"{first.day} {first:%b %Y}"
    if first.date() != last.date():
        days += f" – {last.day} {last:%b %Y}"
    whose = f", {provider_name(run.provider)}" if run.provider else ""
    return days + whose + (f", {run.model_pattern}" if run.model_pattern else "")


def _progress(run: RepriceView, now: datetime) -> Pull:
    percent = int(run.progress * 100)
    if run.started_at is None:
        return Pull(run.id, _WORKING[run.phase], 0, "waiting for a worker")
    left = format.remaining(run.progress, now - run.started_at)
    note = f"{format.number(run.rows_total)} rows, {percent}{amounts.NBSP}%" + (f", {left}" if left else "")
    return Pull(run.id, _WORKING[run.phase], percent, note)


def _result(run: RepriceView) -> str:
    if run.status is RepriceStatus.UNDONE:
        back = f"{_rows(run.rows_restored)} put back as they were."
        left = f" {_rows(run.rows_refused)} left: something else has changed them since." if run.rows_refused else ""
        return back + left
    if not run.rows_changed:
        return f"{_rows(run.rows_read)} read: every one has the price of today already."
    verb = "changed" if run.status is not RepriceStatus.FINISHED else "would change"
    change = change_words(run.cost_after - run.cost_before)
    sums = f"{amounts.dollars(run.cost_before)} → {amounts.dollars(run.cost_after)} ({change})"
    gone = run.unpriced_before - run.unpriced_after
    priced = (
        f" Without a price: {format.number(run.unpriced_before)} before, {format.number(run.unpriced_after)} after."
    )
    return f"{_rows(run.rows_changed)} of {format.number(run.rows_read)} {verb}: {sums}.{priced if gone else ''}"


def _difference(each: ModelDifference) -> DifferenceRow:
    unpriced = ""
    if each.unpriced_before != each.unpriced_after:
        unpriced = f"unpriced {format.number(each.unpriced_before)} → {format.number(each.unpriced_after)}"
    return DifferenceRow(
        key=f"{each.provider} {each.model}",
        provider=provider_name(each.provider),
        color=provider_color(each.provider),
        model=each.model,
        rows=_rows(each.rows),
        before=_sum(each.before, each.rows, each.unpriced_before),
        after=_sum(each.after, each.rows, each.unpriced_after),
        change=change_words(each.change),
        unpriced=unpriced,
    )


def _sum(amount: Decimal, rows: int, unpriced: int) -> Money:
    if unpriced == rows:
        return Money.unknown("unpriced", "None of these rows has a price.")
    return Money.of(amount, f"{_rows(unpriced)} of them have no price and are not in it." if unpriced else "")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{format.number(count)} rows"
