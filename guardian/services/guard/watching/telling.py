"""What people are told of a group's move: the notice, complete, as every message about it is written from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from guardian.channels.notice import Cause, Notice, Severity
from guardian.config import settings
from guardian.models.enums import AlertState
from guardian.services.guard.alerts.wording import happened
from guardian.services.guard.watching.states import Move
from guardian.services.guard.watching.watched import Measurement, Watched

_MOST_NAMED = 10
_WHOLE = Decimal(100)
NOT_SO_ANY_MORE = "It was not so any more before this could be told."
_BACK = "There is data again, and what this alert waits for is not so."


@dataclass(frozen=True, slots=True)
class Moved:
    """A move of one group, with what was measured; `found` None where the group is no more."""

    watched: Watched
    group: str
    found: Measurement | None
    move: Move

    @property
    def key(self) -> tuple[str, str]:
        """The alert and the group that it is of."""
        return self.watched.alert_id, self.group

    @property
    def transition(self) -> str:
        return f"{self.group}#{self.move.group.transitions}"


def notice_of(
    moved: Moved,
    *,
    organization: tuple[str, str],
    group_name: str,
    now: datetime,
    causes: Sequence[Cause] = (),
) -> Notice:
    """The notice of a move that people are told of. `organization` is its id and its name."""
    watched, found, state = moved.watched, moved.found, moved.move.group.state
    rule = watched.rule
    threshold = rule.threshold if found is None or found.threshold is None else found.threshold
    value = None if found is None else found.value
    return Notice(
        alert_id=watched.alert_id,
        transition=moved.transition,
        name=watched.name,
        type=rule.type.value,
        metric=watched.metric,
        state=state,
        previous=moved.move.before,
        severity=_severity(moved, threshold),
        group=group_name,
        value=value,
        threshold=threshold,
        unit=rule.metric.unit,
        sentence=_sentence(moved, group_name, threshold),
        causes=(*_seen(found), *causes),
        organization_id=organization[0],
        organization=organization[1],
        window_start=None if found is None else found.window.start,
        window_end=None if found is None else found.window.end,
        occurred_at=now,
        url=f"{settings().base_url}/alerts?alert={watched.alert_id}",
    )


def live_facts(notice: Notice) -> Mapping[str, str]:
    """What open pages are told at once."""
    return {
        "alertId": notice.alert_id,
        "name": notice.name,
        "state": notice.state.value,
        "sentence": notice.sentence,
    }


def _sentence(moved: Moved, group_name: str, threshold: Decimal) -> str:
    state, value = moved.move.group.state, moved.found.value if moved.found else None
    if state is AlertState.RECOVERED and moved.move.before is AlertState.NO_DATA:
        return _BACK
    return happened(
        moved.watched.rule,
        group_name,
        None if state is AlertState.NO_DATA else value,
        moved.watched.rule.window,
        threshold=threshold,
        recovered=state is AlertState.RECOVERED,
    )


def why_over(moved: Moved, said: Mapping[str, Any]) -> str:
    """What ends an incident that people are not told the end of; `said` is the notice that opened it, as it is kept."""
    if moved.found is None:
        return "What this was about is not watched any more."
    if moved.move.group.state is AlertState.RECOVERED:
        threshold = moved.watched.rule.threshold if moved.found.threshold is None else moved.found.threshold
        return _sentence(moved, str(said.get("group") or ""), threshold)
    return "It is not so any more, or another period has begun."


def _severity(moved: Moved, threshold: Decimal) -> Severity:
    if moved.move.group.state in (AlertState.RECOVERED, AlertState.OK):
        return "info"
    return "critical" if moved.watched.is_of_budgets and threshold >= _WHOLE else "warning"


def _seen(found: Measurement | None) -> list[Cause]:
    """What was counted, by name."""
    names = found.seen[:_MOST_NAMED] if found else ()
    return [Cause(label=name, amount=Decimal(1), unit="count") for name in names]
