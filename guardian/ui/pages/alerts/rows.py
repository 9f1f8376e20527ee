"""What the alerts page shows, as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from guardian import amounts
from guardian.amounts import Unit, figure
from guardian.models.enums import AlertState, DeliveryStatus
from guardian.services.guard.alerts import AlertView, GroupView, NotificationView, TransitionView
from guardian.services.guard.alerts.recipients import CHANNEL_NAMES
from guardian.ui import format
from guardian.ui.pages.alerts.words import STATES
from guardian.ui.rows import NO_MOMENT, Moment

_QUIETABLE = (AlertState.FIRING, AlertState.NO_DATA, AlertState.PENDING)


@dataclass(frozen=True)
class GroupRow:
    """One group that is not ok; `note` says until when, or who acknowledged it."""

    key: str
    id: str
    name: str
    state: str
    tone: str
    value: str
    since: Moment
    note: str
    fires: bool


@dataclass(frozen=True)
class AlertRow:
    """One alert; `note` says what its state does not: switched off, or snoozed until when."""

    id: str = ""
    name: str = ""
    sentence: str = ""
    state: str = ""
    tone: str = ""
    fires: bool = False
    snoozed: bool = False
    active: bool = True
    may_change: bool = False
    webhook: bool = False
    note: str = ""
    owner: str = ""
    triggered: Moment = NO_MOMENT
    groups: tuple[GroupRow, ...] = ()
    more: str = ""
    href: str = ""


NO_ALERT = AlertRow()


@dataclass(frozen=True)
class AttemptRow:
    key: str
    at: str
    result: str
    tone: str


@dataclass(frozen=True)
class MessageRow:
    """One message: to whom, what became of it, and each attempt."""

    id: str
    recipient: str
    channel: str
    status: str
    tone: str
    note: str
    attempts: tuple[AttemptRow, ...]


@dataclass(frozen=True)
class HistoryRow:
    """One change of state, or one test, with its messages."""

    id: str
    title: str
    state: str
    tone: str
    group: str
    sentence: str
    person: str
    at: Moment
    messages: tuple[MessageRow, ...]


_STATUSES = {
    DeliveryStatus.PENDING: ("Waiting", ""),
    DeliveryStatus.SENDING: ("Being sent", "accent"),
    DeliveryStatus.SENT: ("Delivered", "good"),
    DeliveryStatus.FAILED: ("Not delivered", "bad"),
}


def alert_row(view: AlertView, now: datetime, tz: ZoneInfo) -> AlertRow:
    word, tone = STATES[view.state] if view.is_active else ("Off", "")
    more = view.group_count - len(view.groups)
    return AlertRow(
        id=view.id,
        name=view.name,
        sentence=view.sentence,
        state=word,
        tone=tone,
        fires=view.is_active and view.state is AlertState.FIRING,
        snoozed=view.state is AlertState.SNOOZED,
        active=view.is_active,
        may_change=view.may_change,
        webhook=view.notify_webhook,
        note=f"snoozed until {format.clock(view.snoozed_until, now, tz)}" if view.snoozed_until else "",
        owner=view.owner,
        triggered=Moment.of(view.last_triggered, now, tz, never="Never"),
        groups=tuple(_group(view, each, now, tz) for each in view.groups),
        more=f"{more} more {'is' if more == 1 else 'are'} OK." if view.groups and more > 0 and view.group_by else "",
        href=f"/alerts?alert={view.id}",
    )


def _group(view: AlertView, group: GroupView, now: datetime, tz: ZoneInfo) -> GroupRow:
    word, tone = STATES[group.state]
    note = ""
    if group.state is AlertState.SNOOZED and group.snoozed_until:
        note = f"until {format.clock(group.snoozed_until, now, tz)}"
    elif group.state is AlertState.ACKNOWLEDGED and group.acknowledged_by:
        note = f"by {group.acknowledged_by}"
    return GroupRow(
        key=group.key,
        id=f"{view.id}-{group.key}",
        name=group.name or "Everything",
        state=word,
        tone=tone,
        value="–" if group.value is None else figure(group.value, view.unit),
        since=Moment.of(group.since, now, tz),
        note=note,
        fires=group.state is AlertState.FIRING,
    )


def history_rows(found: Sequence[TransitionView], unit: Unit, now: datetime, tz: ZoneInfo) -> list[HistoryRow]:
    return [_history_row(each, unit, now, tz) for each in found]


def _history_row(view: TransitionView, unit: Unit, now: datetime, tz: ZoneInfo) -> HistoryRow:
    word, tone = ("Test", "accent") if view.test else STATES[view.to_state]
    same = view.from_state is view.to_state
    value = "" if view.value is None else f"At {figure(view.value, unit)}."
    return HistoryRow(
        id=view.id,
        title="told again"
        if same and not view.test
        else ""
        if view.test
        else f"was {STATES[view.from_state][0].lower()}",
        state=word,
        tone=tone,
        group=view.group_name,
        sentence=view.sentence or value,
        person=f"by {view.person}" if view.person else "",
        at=Moment.of(view.at, now, tz),
        messages=tuple(_message(each, now, tz) for each in view.notifications),
    )


def _message(view: NotificationView, now: datetime, tz: ZoneInfo) -> MessageRow:
    word, tone = _STATUSES[view.status]
    note = view.error or ""
    if view.status is DeliveryStatus.PENDING and view.not_before and view.not_before > now:
        note = f"{note} Next attempt at {format.clock(view.not_before, now, tz)}.".strip()
    return MessageRow(
        id=view.id,
        recipient=view.recipient,
        channel=CHANNEL_NAMES[view.channel],
        status=word,
        tone=tone,
        note=note,
        attempts=tuple(
            AttemptRow(
                key=f"{view.id}-{n}",
                at=_clock(each.at, now, tz),
                result=_result(each.status, each.error, each.seconds),
                tone="bad" if each.error else "good",
            )
            for n, each in enumerate(view.attempts)
        ),
    )


def _result(status: int, error: str, seconds: float) -> str:
    answer = f"HTTP {status}" if status else ("no answer" if error else "taken")
    return f"{answer} after {seconds:.1f}{amounts.NBSP}s" + (f": {error}" if error else "")


def _clock(text: str, now: datetime, tz: ZoneInfo) -> str:
    try:
        return format.clock(datetime.fromisoformat(text), now, tz)
    except ValueError:
        return text
