"""The state machine of a group: what each measurement makes of each state, by a table, and what always holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardian.models.enums import AlertFrequency, AlertState, AlertType, ComparisonType, NoDataRule
from guardian.periods import DAY, HOUR, Window
from guardian.services.guard.alerts.metrics import metric_of
from guardian.services.guard.alerts.rule import Rule
from guardian.services.guard.watching import Group, Measurement, Move, Watched, decide

T0 = datetime(2026, 11, 18, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OK, PENDING, FIRING = AlertState.OK, AlertState.PENDING, AlertState.FIRING
RECOVERED, NO_DATA = AlertState.RECOVERED, AlertState.NO_DATA
ACKNOWLEDGED, SNOOZED = AlertState.ACKNOWLEDGED, AlertState.SNOOZED


def rule(**facts: Any) -> Watched:
    """Above $10, at once."""
    defaults: dict[str, Any] = {
        "type": AlertType.COST_THRESHOLD,
        "metric": metric_of(AlertType.COST_THRESHOLD, "cost"),
        "comparison": ComparisonType.GREATER_THAN,
        "threshold": Decimal(10),
        "frequency": AlertFrequency.IMMEDIATE,
    }
    return Watched(alert_id="a", name="a", rule=Rule(**{**defaults, **facts}))


def found(value: float | str | None, **facts: Any) -> Measurement:
    return Measurement(value=None if value is None else Decimal(str(value)), window=Window(T0, T0), **facts)


class Life:
    """A group that is measured again and again, and what came of it."""

    def __init__(self, watched: Watched, group: Group | None = None) -> None:
        self.watched, self.group, self.now = watched, group or Group(), T0

    def at(self, minutes: float, measured: Any, **facts: Any) -> str:
        """So many minutes after the start: the state that it moves to, with "!" where people are told; "" for none."""
        self.now = T0 + timedelta(minutes=minutes)
        what = measured if isinstance(measured, Measurement) else found(measured, **facts)
        move = decide(self.watched, self.group, what, self.now)
        if move is None:
            return ""
        assert move.before is self.group.state
        assert move.group.transitions == self.group.transitions + 1
        self.group = move.group
        return f"{move.group.state}{'!' if move.tell else ''}"

    def by_a_person(self, state: AlertState, until: datetime | None = None) -> None:
        self.group = replace(self.group, state=state, since=self.now, snoozed_until=until)


def test_it_fires_once_and_recovers() -> None:
    life = Life(rule())
    assert [life.at(m, v) for m, v in enumerate((5, 10, 11, 12, 99, 10, 9))] == [
        "",
        "",
        "firing!",
        "",
        "",
        "recovered!",
        "",
    ]
    assert life.at(64, 9) == "", "it is shown as recovered for an hour"
    assert life.at(65, 9) == "ok"
    assert life.at(66, 11) == "firing!"


@pytest.mark.parametrize(
    ("comparison", "threshold", "recover", "fires", "stays", "recovers"),
    [
        (ComparisonType.GREATER_THAN, 10, 8, 11, 9, 8),
        (ComparisonType.GREATER_THAN, 10, None, 11, 10.5, 10),
        (ComparisonType.GREATER_THAN_OR_EQUAL, 10, 8, 10, 9, 8),
        (ComparisonType.GREATER_THAN_OR_EQUAL, 10, None, 10, 10, 9.9),
        (ComparisonType.LESS_THAN, 10, 12, 9, 11, 12),
        (ComparisonType.LESS_THAN_OR_EQUAL, 10, None, 10, 10, 10.1),
        (ComparisonType.PERCENT_CHANGE, 50, 20, 50, 30, 19),
        (ComparisonType.PERCENT_CHANGE, -50, -20, -50, -30, -19),
        (ComparisonType.GREATER_THAN, 0, None, 0.0001, 5, 0),
        (ComparisonType.GREATER_THAN_OR_EQUAL, 0, None, 0, 0, -1),
        (ComparisonType.LESS_THAN_OR_EQUAL, 0, None, 0, 0, 0.01),
    ],
)
def test_each_comparison_fires_stays_and_recovers(
    comparison: ComparisonType, threshold: int, recover: int | None, fires: float, stays: float, recovers: float
) -> None:
    back = None if recover is None else Decimal(recover)
    life = Life(rule(comparison=comparison, threshold=Decimal(threshold), recover_threshold=back))
    assert [life.at(0, fires), life.at(1, stays), life.at(2, recovers)] == ["firing!", "", "recovered!"]


def test_it_waits_until_the_condition_has_held() -> None:
    life = Life(rule(pending_minutes=10))
    assert [life.at(m, v) for m, v in ((0, 11), (5, 11), (9, 9))] == ["pending", "", "ok"]
    assert [life.at(m, v) for m, v in ((20, 11), (29, 12), (30, 12), (31, 12))] == ["pending", "", "firing!", ""]


def test_it_tells_again_as_often_as_was_asked() -> None:
    life = Life(rule(renotify_minutes=30))
    told = [m for m in range(0, 100, 5) if life.at(m, 11).endswith("!")]
    assert told == [0, 30, 60, 90]
    assert life.at(101, 1) == "recovered!"
    assert life.at(150, 1) == "", "nothing fires"


def test_what_is_acknowledged_is_not_told_again_and_recovers() -> None:
    life = Life(rule(renotify_minutes=30))
    life.at(0, 11)
    life.by_a_person(ACKNOWLEDGED)
    assert [life.at(m, 11) for m in (40, 80, 500)] == ["", "", ""]
    assert life.at(501, 1) == "recovered!"
    assert life.at(502, 11) == "firing!"


def test_a_snooze_is_silent_until_it_is_over_and_then_tells_what_is_so() -> None:
    firing = Life(rule())
    firing.at(0, 11)
    firing.by_a_person(SNOOZED, T0 + HOUR)
    assert [firing.at(m, v) for m, v in ((10, 11), (20, 1), (59, 11))] == ["", "", ""]
    assert [firing.at(60, 11), firing.at(61, 11)] == ["firing!", ""]
    over = Life(rule())
    over.at(0, 11)
    over.by_a_person(SNOOZED, T0 + HOUR)
    assert over.at(60, 1) == "recovered!"
    quiet = Life(rule())
    quiet.by_a_person(SNOOZED, T0 + HOUR)
    assert [quiet.at(30, 11), quiet.at(60, 1)] == ["", "ok"]
    late = Life(rule())
    late.by_a_person(SNOOZED, T0 + HOUR)
    assert late.at(60, 11) == "firing!"


@pytest.mark.parametrize(
    ("frequency", "pause"),
    [
        (AlertFrequency.HOURLY, HOUR),
        (AlertFrequency.DAILY, DAY),
        (AlertFrequency.WEEKLY, 7 * DAY),
        (AlertFrequency.MONTHLY, 30 * DAY),
    ],
)
def test_at_most_one_telling_in_its_time(frequency: AlertFrequency, pause: timedelta) -> None:
    """What could not be told in the pause is told after it, if it is still so."""
    life, whole = Life(rule(frequency=frequency)), pause / MINUTE
    assert [life.at(0, 11), life.at(1, 1), life.at(2, 11), life.at(3, 11)] == ["firing!", "recovered!", "firing", ""]
    assert life.at(4, 1) == "recovered", "nobody was told that it fires"
    assert [life.at(5, 11), life.at(whole - 6, 11), life.at(whole, 11)] == ["firing", "", "firing!"]
    assert life.at(whole + 1, 11) == ""


@pytest.mark.parametrize(
    ("no_data", "quiet", "burning"),
    [
        (NoDataRule.KEEP, ["", ""], ["", ""]),
        (NoDataRule.OK, ["", ""], ["recovered!", ""]),
        (NoDataRule.NOTIFY, ["no_data!", ""], ["no_data!", ""]),
    ],
)
def test_no_data_is_no_value(no_data: NoDataRule, quiet: list[str], burning: list[str]) -> None:
    life = Life(rule(no_data=no_data))
    assert [life.at(0, None), life.at(1, None)] == quiet
    life = Life(rule(no_data=no_data))
    life.at(0, 11)
    assert [life.at(1, None), life.at(2, None)] == burning


def test_data_that_is_back_is_told() -> None:
    life = Life(rule(no_data=NoDataRule.NOTIFY))
    assert [life.at(m, v) for m, v in ((0, None), (1, 1), (2, None), (3, 11))] == [
        "no_data!",
        "recovered!",
        "no_data!",
        "firing!",
    ]
    slow = Life(rule(no_data=NoDataRule.NOTIFY, pending_minutes=5))
    steps = ((0, 11), (4, None), (8, None), (9, None), (10, 1))
    assert [slow.at(m, v) for m, v in steps] == ["pending", "pending", "", "no_data!", "recovered!"]


def test_under_the_least_calls_it_does_not_fire_and_can_recover() -> None:
    life = Life(rule(min_requests=10))
    assert [life.at(0, 99, calls=9), life.at(1, 99, calls=10), life.at(2, 99, calls=3)] == ["", "firing!", ""]
    assert life.at(3, 0, calls=0) == "recovered!"
    assert life.at(4, 99) == "firing!", "where nobody counts calls, none can be asked for"


def test_a_lower_bound_fires_above_and_says_nothing_below() -> None:
    above = Life(rule())
    assert above.at(0, 11, at_least=True) == "firing!"
    below = Life(rule(comparison=ComparisonType.LESS_THAN, no_data=NoDataRule.NOTIFY))
    assert below.at(0, 1, at_least=True) == "no_data!"


def test_another_period_begins_silently() -> None:
    life = Life(rule())
    assert life.at(0, 11, period="October") == "firing!"
    assert [life.at(1, 1, period="November"), life.at(2, 1, period="November")] == ["ok", ""]
    assert life.at(3, 11, period="November") == "firing!"
    assert life.at(4, 12, period="December") == "firing!", "which is news"
    life.by_a_person(ACKNOWLEDGED)
    assert life.at(5, 1, period="January") == "ok"


def test_a_rule_that_is_another_begins_anew_and_one_with_another_threshold_goes_on() -> None:
    life = Life(rule())
    life.at(0, 11)
    life.watched = rule(threshold=Decimal(5))
    assert life.at(1, 11) == ""
    life.watched = rule(threshold=Decimal(20))
    assert life.at(2, 11) == "recovered!"
    life.watched = rule()
    life.at(3, 11)
    life.watched = rule(window="7d")
    assert [life.at(4, 1), life.at(5, 11)] == ["ok", "firing!"]


def test_a_group_that_is_no_more_ends_silently() -> None:
    life = Life(rule())
    life.at(0, 11)
    move = decide(life.watched, life.group, None, T0 + MINUTE)
    assert move == Move(before=FIRING, group=Group(since=T0 + MINUTE, transitions=2), tell=False)
    assert decide(life.watched, Group(), None, T0) is None


def test_a_clock_that_goes_back_brings_nothing_a_second_time() -> None:
    life = Life(rule(renotify_minutes=5))
    assert [life.at(0, 11), life.at(-60, 1), life.at(-59, 11), life.at(0, 11)] == ["firing!", "", "", ""]
    assert life.at(5, 11) == "firing!"
    years = 60 * 24 * 365 * 4
    wrong = Life(rule())
    assert wrong.at(years, 11) == "firing!"
    assert wrong.at(0, 11) == "firing", "what was stored cannot have been the time; people know that it fires"
    assert [wrong.at(1, 11), wrong.at(2, 1), wrong.at(3, 11)] == ["", "recovered!", "firing!"]


def test_a_clock_that_goes_forward_brings_each_message_once() -> None:
    life = Life(rule(renotify_minutes=30, pending_minutes=10))
    steps = ((0, 11), (60 * 24 * 90, 11), (60 * 24 * 90 + 1, 11))
    assert [life.at(m, v) for m, v in steps] == ["pending", "firing!", ""]


STEPS = st.lists(
    st.tuples(
        st.integers(-30, 90),  # minutes that the clock moves
        st.one_of(st.none(), st.integers(0, 20)),
        st.integers(0, 20),  # calls
        st.sampled_from(["", "p1", "p2"]),
        st.sampled_from([None, None, None, None, ACKNOWLEDGED, SNOOZED]),
    ),
    max_size=40,
)
RULES = st.builds(
    rule,
    threshold=st.integers(0, 20).map(Decimal),
    comparison=st.sampled_from(list(ComparisonType)),
    recover_threshold=st.one_of(st.none(), st.integers(0, 20).map(Decimal)),
    pending_minutes=st.sampled_from([0, 10]),
    renotify_minutes=st.sampled_from([None, 20]),
    min_requests=st.sampled_from([0, 10]),
    no_data=st.sampled_from(list(NoDataRule)),
    frequency=st.sampled_from([AlertFrequency.IMMEDIATE, AlertFrequency.HOURLY, AlertFrequency.DAILY]),
)


@given(watched=RULES, steps=STEPS)
def test_whatever_happens_it_tells_each_thing_once(watched: Watched, steps: list[tuple[Any, ...]]) -> None:
    """Moves are numbered without a gap; the same moment again moves nothing; a message says what is news; firing is
    told no oftener than its pause and its renotify interval allow, and a recovery only of what was told.
    """
    group, now, told, open_news = Group(), T0, [datetime.min.replace(tzinfo=UTC)], False
    last, begun = "", False
    for minutes, value, calls, period, person in steps:
        now += timedelta(minutes=minutes)
        begun, last = begun or period != last, period
        if person is SNOOZED or (person is ACKNOWLEDGED and group.state is FIRING):
            until = now + HOUR if person is SNOOZED else None
            group = replace(group, state=person, since=now, snoozed_until=until, transitions=group.transitions + 1)
        measured = found(value, calls=calls, period=period)
        move = decide(watched, group, measured, now)
        if move is None:
            continue
        before, group = group, move.group
        assert (move.before, group.transitions, group.since) == (before.state, before.transitions + 1, now)
        assert before.since is None or before.since <= now, "no moment twice"
        again = decide(watched, group, measured, now)
        assert again is None or not again.tell, "the same measurement is no news"
        if group.state is FIRING:
            assert group.fired_at is not None
        if move.tell and group.state is FIRING:
            # What was told of one period of a budget is no reason to be silent once another has begun.
            anew = before.state is SNOOZED or begun
            assert anew or now - told[-1] >= watched.pause
            told.append(now)
            begun = False
            open_news = True
        elif move.tell and group.state is RECOVERED:
            assert open_news
            open_news = False
        elif move.tell:
            assert group.state is NO_DATA
            open_news = True
        else:
            assert group.state is not NO_DATA
