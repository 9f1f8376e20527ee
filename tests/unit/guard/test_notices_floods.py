"""A flood of messages to one place becomes a few, in which each of them is told, and each is accounted for."""

from collections.abc import Generator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardian.jobs.notices import resume_notices
from guardian.models.enums import AlertState, DeliveryStatus
from guardian.periods import utcnow
from guardian.services.guard.notices import floods
from guardian.services.guard.notices.floods import MOST
from tests.conftest import People, Servers, forget_caches
from tests.fakes.sink import Answer, Sink
from tests.jobs.notices import (
    PAGERDUTY,
    SLACK,
    WEBHOOK,
    all_stored,
    change,
    deliver,
    made_alert,
    made_target,
    make_due,
    stored,
    told,
    waiting_jobs,
)


@pytest.fixture
def sink(environment: Servers, people: People, monkeypatch: pytest.MonkeyPatch) -> Generator[Sink]:
    monkeypatch.setenv("OUTBOUND_ALLOWLIST", "127.0.0.1")
    forget_caches()
    with Sink() as opened:
        yield opened


def flood(people: People, target: str, count: int, channel: object = WEBHOOK) -> list[str]:
    alert = made_alert(people.alice)
    return [
        told(people.alice, alert, 1, (channel, target), group=f"group {n}", sentence=f"Group {n} is above.")[0]  # type: ignore[arg-type]
        for n in range(count)
    ]


def a_minute_later() -> None:
    change("tried_at = tried_at - interval '1 minute'")
    make_due()


def test_what_comes_after_the_tenth_is_told_as_one(sink: Sink, people: People) -> None:
    target = made_target(people.alice, WEBHOOK, sink)
    ids = flood(people, target, MOST + 15)
    deliver(*ids)
    assert len(sink.posted) == MOST
    waiting = [row for row in all_stored() if row.status is DeliveryStatus.PENDING]
    assert len(waiting) == 15
    assert all(row.not_before and timedelta(0) < row.not_before - utcnow() <= floods.GATHER for row in waiting)
    # Fifteen wait, and one job for them is enough.
    assert len([job for job in waiting_jobs() if job.startswith("deliver-together-")]) <= 2
    a_minute_later()
    deliver(ids[-1])
    assert len(sink.posted) == MOST + 1
    body = sink.posted[-1].json
    assert body["type"] == "digest"
    assert body["data"]["name"] == "15 messages of alerts"
    assert [part["group"] for part in body["data"]["parts"]] == [f"group {n}" for n in range(10, 25)]
    assert [row.status for row in all_stored()] == [DeliveryStatus.SENT] * 25
    assert len({row.digest for row in waiting for row in [stored(row.id)]}) == 1
    deliver(*ids)
    assert len(sink.posted) == MOST + 1


def test_a_digest_that_is_refused_is_tried_again_as_the_same_message(sink: Sink, people: People) -> None:
    ids = flood(people, made_target(people.alice, WEBHOOK, sink), MOST + 5)
    deliver(*ids)
    a_minute_later()
    sink.next.append(Answer(503))
    deliver(ids[-1])
    first = sink.posted[-1]
    assert all(stored(id).status is DeliveryStatus.PENDING and stored(id).error for id in ids[MOST:])
    make_due()
    deliver(ids[-2])
    again = sink.posted[-1]
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert [part["transition"] for part in first.json["data"]["parts"]] == [
        part["transition"] for part in again.json["data"]["parts"]
    ]
    assert all(
        stored(id).status is DeliveryStatus.SENT and len(stored(id).attempts_made or []) == 2 for id in ids[MOST:]
    )


def test_a_digest_that_will_not_pass_fails_for_each_with_its_cause(sink: Sink, people: People) -> None:
    ids = flood(people, made_target(people.alice, SLACK, sink), MOST + 5, SLACK)
    deliver(*ids)
    a_minute_later()
    sink.next.append(Answer(400, b"too_many_attachments"))
    deliver(ids[-1])
    for id in ids[MOST:]:
        assert stored(id).status is DeliveryStatus.FAILED
        assert "too_many_attachments" in str(stored(id).error)


def test_a_digest_whose_sender_is_gone_is_sent_by_another(sink: Sink, people: People) -> None:
    ids = flood(people, made_target(people.alice, SLACK, sink), MOST + 5, SLACK)
    deliver(*ids)
    a_minute_later()
    deliver(ids[-1])
    change("status = 'SENDING', lease_until = now() - interval '1 second' WHERE digest IS NOT NULL")
    resume_notices()
    [job] = [each for each in waiting_jobs() if each.endswith("-again")]
    deliver(job.split("-")[1])
    assert len(sink.posted) == MOST + 2
    assert [row.status for row in all_stored()] == [DeliveryStatus.SENT] * len(ids)


def test_one_that_waited_alone_is_told_as_itself(sink: Sink, people: People) -> None:
    ids = flood(people, made_target(people.alice, WEBHOOK, sink), MOST + 1)
    deliver(*ids)
    a_minute_later()
    deliver(ids[-1])
    assert sink.posted[-1].json["type"] == "alert.firing"


def test_when_the_flood_is_over_each_message_is_one_again(sink: Sink, people: People) -> None:
    target = made_target(people.alice, WEBHOOK, sink)
    deliver(*flood(people, target, MOST))
    change("tried_at = tried_at - interval '6 minutes'")
    deliver(*flood(people, target, 2))
    assert [each.json["type"] for each in sink.posted] == ["alert.firing"] * (MOST + 2)


def test_other_places_are_not_held_up(sink: Sink, people: People) -> None:
    one, other = made_target(people.alice, SLACK, sink, "one"), made_target(people.alice, SLACK, sink, "other")
    deliver(*flood(people, one, MOST + 3, SLACK))
    deliver(*flood(people, other, 2, SLACK))
    assert len(sink.posted) == MOST + 2


def test_a_recovery_is_told_in_a_digest_too(sink: Sink, people: People) -> None:
    target = made_target(people.alice, WEBHOOK, sink)
    deliver(*flood(people, target, MOST))
    alert = made_alert(people.alice)
    ids = [
        *told(people.alice, alert, 1, (WEBHOOK, target)),
        *told(people.alice, alert, 2, (WEBHOOK, target), state=AlertState.RECOVERED),
    ]
    deliver(*ids)
    a_minute_later()
    deliver(ids[0])
    assert [part["state"] for part in sink.posted[-1].json["data"]["parts"]] == ["firing", "recovered"]
    assert [item.split(":")[0] for item in sink.posted[-1].json["data"]["items"]] == ["Firing", "Recovered"]


def test_events_of_a_pager_are_spaced_and_never_told_as_one(
    sink: Sink, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floods, "_EVENTS", 3)
    ids = flood(people, made_target(people.alice, PAGERDUTY, sink), 5, PAGERDUTY)
    deliver(*ids)
    assert len(sink.posted) == 3
    a_minute_later()
    deliver(*ids)
    assert len(sink.posted) == 5
    assert len({each.json["dedup_key"] for each in sink.posted}) == 5


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bursts=st.lists(st.integers(1, 14), min_size=1, max_size=4), faults=st.lists(st.booleans(), max_size=6))
def test_none_is_lost_and_none_told_twice(sink: Sink, people: People, bursts: list[int], faults: list[bool]) -> None:
    change("status = 'FAILED' WHERE true")
    target = made_target(people.alice, WEBHOOK, sink, f"hook {utcnow().timestamp()}")
    alert = made_alert(people.alice)
    sink.posted.clear()
    sink.next.clear()
    sink.next.extend(Answer(500) if fault else Answer() for fault in faults)
    ids: list[str] = []
    for burst in bursts:
        new = [told(people.alice, alert, 1, (WEBHOOK, target), group=f"{len(ids) + n}")[0] for n in range(burst)]
        ids += new
        deliver(*new)
        a_minute_later()
    for _ in range(len(ids) + len(faults)):
        if all(stored(id).status is DeliveryStatus.SENT for id in ids):
            break
        a_minute_later()
        deliver(*ids)
    assert all(stored(id).status is DeliveryStatus.SENT for id in ids)
    taken: list[str] = []
    for posted, answer in zip(sink.posted, [*faults, *[False] * len(sink.posted)], strict=False):
        if not answer:
            data = posted.json["data"]
            taken += [part["group"] for part in data.get("parts", [data])]
    assert sorted(taken, key=int) == [str(n) for n in range(len(ids))]
