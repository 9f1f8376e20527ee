"""The state machine of one group: what a measurement makes of its state, and whether people are told. Pure.

ok, recovered, no_data ──condition──▶ pending ──held for long enough──▶ firing ──over──▶ recovered ──an hour──▶ ok
                                                                         │ ▲ told again every renotify_minutes
                                                  a person acknowledges  ▼ │ or snoozes it
                                                           acknowledged, snoozed
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, auto
from typing import Any

from guardian.models.enums import AlertState, ComparisonType, NoDataRule
from guardian.services.guard.alerts.metrics import holds, over
from guardian.services.guard.watching.watched import Measurement, Watched

_QUIET = (AlertState.OK, AlertState.RECOVERED, AlertState.NO_DATA)
QUIET = (AlertState.OK, AlertState.RECOVERED)
"""What no receiver holds an incident open for."""
_BURNING = (AlertState.FIRING, AlertState.ACKNOWLEDGED)
# A clock that went back by less is waited for; what was stored later than this cannot have been the time.
_CLOCK = timedelta(days=1)
_RECOVERED_FOR = timedelta(hours=1)
_PERIOD, _MEANING, _TOWARDS = "period", "meaning", "towards"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What is stored of a group. `notified_at` is when people were last told that it fires; `detail` says in which
    period that was, and what of.
    """

    state: AlertState = AlertState.OK
    since: datetime | None = None
    transitions: int = 0
    fired_at: datetime | None = None
    notified_at: datetime | None = None
    snoozed_until: datetime | None = None
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def told(self) -> bool:
        """Whether people know that it fires."""
        return self.fired_at is not None and self.notified_at is not None and self.notified_at >= self.fired_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """From one state to another, or the same told once more. `group` is how it is stored afterwards."""

    before: AlertState
    group: Group
    tell: bool


class _Verdict(Enum):
    ON = auto()
    OFF = auto()
    BETWEEN = auto()  # below the threshold, and not past the one of recovery
    UNKNOWN = auto()


def decide(watched: Watched, group: Group, found: Measurement | None, now: datetime) -> Move | None:
    """What becomes of the group; None where nothing does. `found` None: the group is no more.

    While the clock is behind the group's last change nothing happens, so that no moment is lived through twice.
    """
    ahead = group.since - now if group.since is not None else timedelta(0)
    if timedelta(0) < ahead <= _CLOCK:
        return None
    if group.snoozed_until is not None and group.state is AlertState.SNOOZED and now < group.snoozed_until:
        return None
    if found is None:
        return None if group.state is AlertState.OK else _moved(group, _fresh(group), AlertState.OK, now, tell=False)
    base = _fresh(group) if _begins_anew(watched, group, found) else _awake(group)
    if ahead > _CLOCK:
        base = _dated(base, now)
    base = replace(base, detail={_PERIOD: found.period, _MEANING: _meaning(watched, found), **_towards(base)})
    move = _next(watched, group, base, found, now)
    if move is None and (base.state is not group.state or ahead > _CLOCK):
        move = _moved(group, base, base.state, now, tell=False)
    return move


def _next(watched: Watched, group: Group, base: Group, found: Measurement, now: datetime) -> Move | None:
    verdict = _verdict(watched, base, found)
    if base.state in _BURNING:
        return _burning(watched, group, base, verdict, now)
    if base.state is AlertState.PENDING:
        return _pending(watched, group, base, verdict, now)
    return _quiet(watched, group, base, verdict, now)


def _quiet(watched: Watched, group: Group, base: Group, verdict: _Verdict, now: datetime) -> Move | None:
    rule = watched.rule
    lost = verdict is _Verdict.UNKNOWN and rule.no_data is NoDataRule.NOTIFY
    if verdict is _Verdict.ON or (lost and base.state is not AlertState.NO_DATA):
        towards = AlertState.NO_DATA if lost else AlertState.FIRING
        if rule.pending_minutes:
            return _waiting(group, base, towards, now)
        return _reached(watched, group, base, towards, now)
    if base.state is AlertState.NO_DATA and verdict is not _Verdict.UNKNOWN:
        return _moved(group, base, AlertState.RECOVERED, now, tell=True)
    rested = base.since is None or now - base.since >= _RECOVERED_FOR
    if base.state is AlertState.RECOVERED and rested:
        return _moved(group, base, AlertState.OK, now, tell=False)
    return None


def _pending(watched: Watched, group: Group, base: Group, verdict: _Verdict, now: datetime) -> Move | None:
    rule = watched.rule
    towards = AlertState(base.detail.get(_TOWARDS, AlertState.FIRING))
    if verdict is _Verdict.UNKNOWN and rule.no_data is NoDataRule.KEEP:
        return None
    wanted = {_Verdict.ON: AlertState.FIRING}.get(verdict)
    if verdict is _Verdict.UNKNOWN and rule.no_data is NoDataRule.NOTIFY:
        wanted = AlertState.NO_DATA
    if wanted is None:
        return _moved(group, base, AlertState.OK, now, tell=False)
    if wanted is not towards:
        return _waiting(group, base, wanted, now)
    held = now - (base.since or now)
    return _reached(watched, group, base, wanted, now) if held >= timedelta(minutes=rule.pending_minutes) else None


def _burning(watched: Watched, group: Group, base: Group, verdict: _Verdict, now: datetime) -> Move | None:
    if verdict is _Verdict.UNKNOWN and watched.rule.no_data is NoDataRule.NOTIFY:
        return _moved(group, base, AlertState.NO_DATA, now, tell=True)
    if verdict is _Verdict.OFF or (verdict is _Verdict.UNKNOWN and watched.rule.no_data is NoDataRule.OK):
        # Who was not told that it fires is not told that it is over.
        return _moved(group, base, AlertState.RECOVERED, now, tell=base.told)
    # Who snoozed it wants to know, once the snooze is over, that it still fires.
    due = group.state is AlertState.SNOOZED or _is_due(watched, base, now)
    if base.state is AlertState.FIRING and verdict is not _Verdict.UNKNOWN and due:
        return _moved(group, replace(base, notified_at=now), AlertState.FIRING, now, tell=True)
    return None


def _is_due(watched: Watched, base: Group, now: datetime) -> bool:
    """Whether people are to be told that it still fires: once the pause is over of what they were not told of."""
    if base.notified_at is None:
        return True
    since = now - base.notified_at
    if not base.told:
        return since >= watched.pause
    again = watched.rule.renotify_minutes
    return bool(again) and since >= max(timedelta(minutes=again or 0), watched.pause)


def _waiting(group: Group, base: Group, towards: AlertState, now: datetime) -> Move:
    waiting = replace(base, detail={**base.detail, _TOWARDS: towards.value})
    return _moved(group, waiting, AlertState.PENDING, now, tell=False)


def _reached(watched: Watched, group: Group, base: Group, state: AlertState, now: datetime) -> Move:
    if state is AlertState.NO_DATA:
        return _moved(group, base, state, now, tell=True)
    tell = base.notified_at is None or now - base.notified_at >= watched.pause
    fired = replace(base, fired_at=now, notified_at=now if tell else base.notified_at)
    return _moved(group, fired, AlertState.FIRING, now, tell=tell)


def _moved(group: Group, base: Group, state: AlertState, now: datetime, *, tell: bool) -> Move:
    fired_at = base.fired_at if state in _BURNING else None
    detail = base.detail if state is AlertState.PENDING else {k: v for k, v in base.detail.items() if k != _TOWARDS}
    after = replace(
        base,
        state=state,
        since=now,
        transitions=group.transitions + 1,
        fired_at=fired_at,
        snoozed_until=None,
        detail=detail,
    )
    return Move(before=group.state, group=after, tell=tell)


def _verdict(watched: Watched, base: Group, found: Measurement) -> _Verdict:
    rule = watched.rule
    value = found.value
    threshold = rule.threshold if found.threshold is None else found.threshold
    if value is None:
        return _Verdict.UNKNOWN
    on = holds(rule.comparison, value, threshold)
    if found.at_least and on and _waits_for_low(rule.comparison, threshold):
        return _Verdict.UNKNOWN  # it is so low only without the calls that have no price
    if on:
        few = found.calls is not None and found.calls < rule.min_requests
        return _Verdict.BETWEEN if few else _Verdict.ON
    recover = None if watched.is_of_budgets else rule.recover_threshold
    if base.state in _BURNING and not over(rule.comparison, value, threshold, recover):
        return _Verdict.BETWEEN
    return _Verdict.OFF


def _waits_for_low(comparison: ComparisonType, threshold: Decimal) -> bool:
    if comparison is ComparisonType.PERCENT_CHANGE:
        return threshold <= 0
    return comparison in (ComparisonType.LESS_THAN, ComparisonType.LESS_THAN_OR_EQUAL)


def _begins_anew(watched: Watched, group: Group, found: Measurement) -> bool:
    """In another period, or where the rule or the budget has become another: what it was in then says nothing now."""
    if group.state is AlertState.OK or _MEANING not in group.detail:
        return False
    return group.detail.get(_PERIOD) != found.period or group.detail[_MEANING] != _meaning(watched, found)


def _meaning(watched: Watched, found: Measurement) -> str:
    return f"{watched.meaning}|{found.basis}"


def _towards(base: Group) -> dict[str, Any]:
    return {_TOWARDS: base.detail[_TOWARDS]} if _TOWARDS in base.detail else {}


def _fresh(group: Group) -> Group:
    return Group(transitions=group.transitions)


def _awake(group: Group) -> Group:
    """A group whose snooze is over is as it was before."""
    if group.state is not AlertState.SNOOZED:
        return group
    return replace(group, state=AlertState.FIRING if group.fired_at is not None else AlertState.OK)


def _dated(base: Group, now: datetime) -> Group:
    """Of times that cannot have been, nothing is later than now."""
    fired_at, notified_at = (None if at is None else min(at, now) for at in (base.fired_at, base.notified_at))
    return replace(base, since=now, fired_at=fired_at, notified_at=notified_at)
