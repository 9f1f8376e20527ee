"""A rule played through again over the last 30 days: the same measurements and states as the check, and no messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import Session, col, func, select

from guardian.amounts import figure
from guardian.models import Alert, Budget
from guardian.models.enums import AlertState, AlertType
from guardian.periods import DAY, HOUR, floor_hour, utcnow
from guardian.services.actor import Actor
from guardian.services.guard.alerts.metrics import Metric
from guardian.services.guard.alerts.recipients import recipients_of
from guardian.services.guard.alerts.rule import Rule, budget_id_of, group_names, rule_of
from guardian.services.guard.alerts.rules import NewAlert, drafted
from guardian.services.guard.alerts.wording import happened, sentence_of
from guardian.services.guard.watching.measuring import measure
from guardian.services.guard.watching.moving import moves_of
from guardian.services.guard.watching.states import Group
from guardian.services.guard.watching.telling import Moved
from guardian.services.guard.watching.watched import Reading, Watched

DAYS = 30
MOST_SHOWN = 50
# Each of them is summed up again for each day.
MOST_BUDGETS = 20
_BURNING = (AlertState.FIRING, AlertState.ACKNOWLEDGED)
# Bills and budgets are looked at by the day: their figures move slowly, and each moment is a question of its own.
_BY_DAY = frozenset({"drift", "spent", "forecast"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One time that the rule would have fired: from `start` until `end`, None where it still would."""

    group: str
    group_name: str
    start: datetime
    end: datetime | None
    value: Decimal | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPreview:
    """`rule` is the rule in plain words, `sentence` what it would have done. `possible` False: it cannot be played
    through again, and `sentence` says why. It would have fired `count` times and sent `told` messages to each
    recipient; `firings` are the latest of them, newest first. `peak` is the value nearest to the threshold, or
    furthest past it.
    """

    rule: str
    sentence: str
    possible: bool
    start: datetime
    end: datetime
    count: int = 0
    told: int = 0
    peak: Decimal | None = None
    firings: tuple[Firing, ...] = ()


def described(session: Session, actor: Actor, wanted: NewAlert) -> str:
    """A rule in plain words before it is stored. Raises as create_alert."""
    actor.require("alerts:read")
    alert = drafted(session, actor, wanted)
    return _words(session, alert)


def preview_alert(session: Session, actor: Actor, wanted: NewAlert) -> AlertPreview:
    """What the rule would have done in the last 30 days. Nothing is stored, and nobody is told.

    Raises AuthorizationError, ValidationError on the wrong field, NotFoundError.
    """
    actor.require("alerts:read")
    alert = drafted(session, actor, wanted)
    rule = rule_of(session, alert)
    words, metric = _words(session, alert), rule.metric
    end = floor_hour(utcnow())
    start = end - DAYS * DAY
    why = _impossible(session, alert, metric)
    if why:
        return AlertPreview(rule=words, sentence=why, possible=False, start=start, end=end)
    step = DAY if metric.name in _BY_DAY else HOUR
    moments = [start + step * n for n in range(1, (end - start) // step + 1)]
    watched = Watched.of(alert, rule)
    readings = measure(session, actor.organization_id, [watched], moments)[alert.id]
    if all(m.value is None for reading in readings for m in reading.groups.values()):
        nothing = "There is no data of the last 30 days that this alert would have looked at."
        return AlertPreview(rule=words, sentence=nothing, possible=False, start=start, end=end)
    firings, told = _played(watched, readings)
    names = group_names(session, actor.organization_id, rule.group_by, {each.group for each in firings})
    peak = _peak(rule, readings)
    shown = [_named(each, names, rule) for each in reversed(firings[-MOST_SHOWN:])]
    return AlertPreview(
        rule=words,
        sentence=_sentence(len(firings), told, peak, metric, step),
        possible=True,
        start=start,
        end=end,
        count=len(firings),
        told=told,
        peak=peak,
        firings=tuple(shown),
    )


def _words(session: Session, alert: Alert) -> str:
    tells = [each.words for each in recipients_of(session, alert)]
    return sentence_of(rule_of(session, alert, tells))


def _impossible(session: Session, alert: Alert, metric: Metric) -> str:
    """Why a rule cannot be played through again; empty where it can."""
    if metric.name == "used":
        return (
            "What providers say of their rate limits is not kept, so that the last 30 days cannot be looked at again."
        )
    if metric.windows and alert.window == "15m":
        return "Sums are kept by the hour, so that a window of 15 minutes cannot be looked at again."
    if alert.type is AlertType.BUDGET_EXCEEDED and budget_id_of(alert) is None:
        query = select(func.count()).where(
            col(Budget.organization_id) == alert.organization_id, col(Budget.is_active).is_(True)
        )
        count = session.exec(query).one()
        if not count:
            return "There is no budget yet. This alert speaks as soon as there is one."
        if count > MOST_BUDGETS:
            return f"There are {count} budgets. Choose one of them to see what the last 30 days would have been."
    return ""


def _played(watched: Watched, readings: Sequence[Reading]) -> tuple[list[Firing], int]:
    """Each firing in the order in which it began, and how often people would have been told."""
    groups: dict[str, Group] = {}
    found: list[Firing] = []
    burning: dict[str, int] = {}
    told = 0
    for reading in readings:
        for moved in moves_of(watched, groups, reading):
            groups[moved.group] = moved.move.group
            told += moved.move.tell
            if moved.move.group.state in _BURNING and moved.group not in burning:
                burning[moved.group] = len(found)
                found.append(_firing(moved, reading.moment))
            elif moved.move.group.state not in _BURNING and moved.group in burning:
                place = burning.pop(moved.group)
                found[place] = replace(found[place], end=reading.moment)
    return found, told


def _firing(moved: Moved, at: datetime) -> Firing:
    value = moved.found.value if moved.found else None
    name = moved.found.name if moved.found else ""
    rule = moved.watched.rule
    threshold = moved.found.threshold if moved.found else None
    said = happened(rule, name, value, rule.window, threshold=threshold)
    return Firing(group=moved.group, group_name=name, start=at, end=None, value=value, sentence=said)


def _named(firing: Firing, names: Mapping[str, str], rule: Rule) -> Firing:
    """With what people call its group, where the measurement did not say."""
    name = firing.group_name or names.get(firing.group, firing.group)
    if not name or firing.group_name:
        return firing
    return replace(firing, group_name=name, sentence=happened(rule, name, firing.value, rule.window))


def _peak(rule: Rule, readings: Sequence[Reading]) -> Decimal | None:
    values = [m.value for reading in readings for m in reading.groups.values() if m.value is not None]
    low = rule.comparison.value.startswith("LESS") or rule.threshold < 0
    return (min(values) if low else max(values)) if values else None


def _sentence(count: int, told: int, peak: Decimal | None, metric: Metric, step: timedelta) -> str:
    looked = "looked at once a day" if step == DAY else "looked at every hour"
    if not count:
        nearest = f"; the nearest that it came was {figure(peak, metric.unit)}" if peak is not None else ""
        return f"Would not have fired in the last 30 days{nearest}."
    times = "once" if count == 1 else f"{count:,} times"
    messages = "1 message" if told == 1 else f"{told:,} messages"
    return f"Would have fired {times} in the last 30 days, {looked}: {messages} to each recipient."
