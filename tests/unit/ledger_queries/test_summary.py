"""The summary: buckets of local time, groups with names, sums that say what they leave out, refusals in words."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import event
from sqlmodel import Session

from guardian import db
from guardian.embedded.processes import free_port
from guardian.errors import AuthorizationError, ValidationError
from guardian.models.enums import CostSource, Provider, ResourceKind, TeamRole, UsageOrigin, UserRole
from guardian.services.actor import Actor
from guardian.services.ledger import queries
from guardian.services.ledger.queries import cells
from guardian.services.ledger.views import DIMENSIONS, Summary, SummaryQuery, Totals
from tests.conftest import People, Servers, forget_caches
from tests.unit.ledger_queries.conftest import Ledger, utc

GATEWAY = UsageOrigin.GATEWAY


def ask(ledger: Ledger, start: str, end: str, **query: Any) -> Summary:
    return queries.summary(ledger.session, ledger.actor, SummaryQuery(start=utc(start), end=utc(end), **query))


def costs(found: Summary) -> list[Decimal]:
    return [bucket.totals.cost for bucket in found.buckets]


def test_an_empty_ledger_has_nothing_and_says_that_it_knows_nothing(ledger: Ledger) -> None:
    found = ask(ledger, "2026-03-01", "2026-03-04", bucket="day", group_by=("model",))
    assert found.totals == Totals()
    assert found.groups == ()
    assert [(bucket.totals, bucket.groups, bucket.covered) for bucket in found.buckets] == [(Totals(), (), False)] * 3


def test_totals_count_what_cost_leaves_out_and_what_is_only_estimated(ledger: Ledger) -> None:
    ledger.write(
        ledger.row("2026-03-01T10:00", "1.0000000002", cache_read_tokens=40, requests=3),
        ledger.row("2026-03-01T11:00", "2", cost_source=CostSource.ESTIMATED),
        ledger.row("2026-03-01T12:00", None, requests=None),
        ledger.row("2026-03-01T12:00", None, model="new-model", input_tokens=1_000),
    )
    assert ask(ledger, "2026-03-01", "2026-03-02").totals == Totals(
        cost=Decimal("3.0000000002"),
        estimated_cost=Decimal(2),
        requests=5,
        input_tokens=1_300,
        output_tokens=40,
        cache_read_tokens=40,
        unpriced_rows=2,
        unpriced_tokens=1_120,
    )


def test_groups_come_most_expensive_first_and_unpriced_ones_are_not_lost(ledger: Ledger) -> None:
    ledger.write(
        ledger.row("2026-03-01T10:00", "1", model="b"),
        ledger.row("2026-03-01T10:00", "5", model="c"),
        ledger.row("2026-03-01T10:00", None, model="d"),
        ledger.row("2026-03-01T10:00", "0", model="a"),
    )
    found = ask(ledger, "2026-03-01", "2026-03-02", group_by=("model",))
    assert [group.values["model"] for group in found.groups] == ["c", "b", "d", "a"]
    assert found.groups[2].totals.unpriced_rows == 1


def test_several_dimensions_group_by_their_combinations(ledger: Ledger) -> None:
    ledger.write(
        ledger.row("2026-03-01T10:00", "1", project_id="one", service_tier="batch"),
        ledger.row("2026-03-01T11:00", "2", project_id="one", service_tier="batch"),
        ledger.row("2026-03-01T10:00", "4", project_id="one"),
        ledger.row("2026-03-01T10:00", "8"),
    )
    found = ask(ledger, "2026-03-01", "2026-03-02", group_by=("project", "tier"))
    assert [(dict(group.values), group.totals.cost) for group in found.groups] == [
        ({"project": None, "tier": None}, 8),
        ({"project": "one", "tier": None}, 4),
        ({"project": "one", "tier": "batch"}, 3),
    ]


def test_every_dimension_can_be_grouped_and_filtered_by(ledger: Ledger) -> None:
    key = ledger.key()
    full = {
        "project_id": "p",
        "external_key_id": "k",
        "api_key_id": key.id,
        "external_user_id": "u",
        "service_tier": "batch",
        "origin": GATEWAY,
        "tags": {"team": "t", "feature": "f"},
    }
    ledger.write(
        ledger.row("2026-03-01T10:00", "1", **full),
        ledger.row(
            "2026-03-01T10:00",
            "2",
            provider=Provider.ANTHROPIC,
            model="m",
            operation="o",
            account_id="a",
            cost_source=CostSource.PROVIDER,
        ),
    )
    for dimension in DIMENSIONS:
        groups = ask(ledger, "2026-03-01", "2026-03-02", group_by=(dimension,)).groups
        assert [group.totals.cost for group in groups] == [2, 1], dimension
        for group in groups:
            only = ask(ledger, "2026-03-01", "2026-03-02", filters={dimension: (group.values[dimension] or "",)})
            assert only.totals == group.totals, dimension
        both = {dimension: tuple(group.values[dimension] or "" for group in groups)}
        assert ask(ledger, "2026-03-01", "2026-03-02", filters=both).totals.cost == 3, dimension


def test_names_are_those_of_the_organization_and_the_latest_ones(
    ledger: Ledger, other_ledger: Ledger, session: Session
) -> None:
    ledger.name(ResourceKind.PROJECT, "p", "Search", "2026-02-01", account="first")
    ledger.name(ResourceKind.PROJECT, "p", "Search, renamed", "2026-02-03", account="second")
    ledger.name(ResourceKind.PROJECT, "p", "Searching", "2026-02-02", account="third")
    other_ledger.name(ResourceKind.PROJECT, "p", "Not yours", "2026-02-03")
    ledger.name(ResourceKind.API_KEY, "k", "Production key")
    ledger.name(ResourceKind.SERVICE_ACCOUNT, "s", "Robot")
    ledger.name(ResourceKind.PROJECT, "u", "Not a user")
    ledger.cover("2026-01-01", "2026-01-02", name="Main account")
    key = ledger.key()
    ledger.write(
        ledger.row("2026-03-01T10:00", "1", project_id="p", external_key_id="k", external_user_id="s"),
        ledger.row(
            "2026-03-01T12:00",
            "2",
            project_id="q",
            external_user_id="u",
            origin=GATEWAY,
            account_id=None,
            api_key_id=key.id,
        ),
    )
    by = ("project", "providerKey", "externalUser", "account", "user", "apiKey", "model")
    tracked, reported = ask(ledger, "2026-03-01", "2026-03-02", group_by=by, bucket="day").buckets[0].groups
    assert reported.names == {
        "project": "Search, renamed",
        "providerKey": "Production key",
        "externalUser": "Robot",
        "account": "Main account",
    }
    assert tracked.names == {"user": "Alice", "apiKey": "…wxyz"}
    key.label = "Production"
    session.flush()
    assert ask(ledger, "2026-03-01", "2026-03-02", group_by=("apiKey",)).groups[0].names == {"apiKey": "Production"}


def test_days_are_those_of_the_zone_and_last_23_and_25_hours_at_the_changes(ledger: Ledger) -> None:
    for start, end, hours in (
        ("2026-03-28T23:00", "2026-03-29T22:00", 23),
        ("2026-10-24T22:00", "2026-10-25T23:00", 25),
    ):
        first = utc(start)
        ledger.write(*(ledger.row(first + timedelta(hours=n), "1") for n in range(-1, hours + 1)))
        around = first - timedelta(days=1), utc(end) + timedelta(days=1)
        query = SummaryQuery(start=around[0], end=around[1], tz="Europe/Berlin", bucket="day")
        found = queries.summary(ledger.session, ledger.actor, query)
        assert costs(found) == [1, hours, 1]
        assert (found.buckets[1].start, found.buckets[1].end) == (utc(start), utc(end))


def test_in_zones_with_odd_offsets_an_hour_counts_to_the_day_in_which_it_starts(ledger: Ledger) -> None:
    # Kolkata is 5:30 ahead: its 2 March begins at 18:30 UTC. Kathmandu is 5:45 ahead.
    ledger.write(ledger.row("2026-03-01T18:59", "1"), ledger.row("2026-03-01T19:00", "20"))
    for zone, midnight in (("Asia/Kolkata", "18:30"), ("Asia/Kathmandu", "18:15")):
        start, end = f"2026-02-28T{midnight}", f"2026-03-02T{midnight}"
        assert costs(ask(ledger, start, end, tz=zone, bucket="day")) == [1, 20]


def test_hours_are_those_of_the_local_clock(ledger: Ledger) -> None:
    ledger.write(ledger.row("2026-10-25T00:10", "1"), ledger.row("2026-10-25T01:10", "2"))
    found = ask(ledger, "2026-10-24T22:00", "2026-10-25T23:00", tz="Europe/Berlin", bucket="hour")
    assert len(found.buckets) == 25
    assert [(n, cost) for n, cost in enumerate(costs(found)) if cost] == [(2, 1), (3, 2)]
    half = ask(ledger, "2026-10-24T18:30", "2026-10-25T18:30", tz="Asia/Kolkata", bucket="hour")
    assert len(half.buckets) == 24
    assert half.buckets[1].start == utc("2026-10-24T19:30")


def test_months_and_cut_edges(ledger: Ledger) -> None:
    ledger.write(*(ledger.row(f"2026-{month:02}-10", str(10**month)) for month in range(1, 5)))
    found = ask(ledger, "2026-01-09", "2026-04-10T01:00", bucket="month")
    assert costs(found) == [10, 100, 1000, 10000]
    edges = [found.buckets[0].start, *(bucket.end for bucket in found.buckets)]
    assert edges == [
        utc("2026-01-09"),
        utc("2026-02-01"),
        utc("2026-03-01"),
        utc("2026-04-01"),
        utc("2026-04-10T01:00"),
    ]


def test_a_bucket_that_no_book_covers_is_a_gap_and_an_empty_one_that_is_covered_is_zero(ledger: Ledger) -> None:
    ledger.cover("2026-03-02T05:00", "2026-03-04")
    ledger.write(ledger.row("2026-03-06T10:00", "1"))
    found = ask(ledger, "2026-03-01", "2026-03-08", bucket="day")
    assert [bucket.covered for bucket in found.buckets] == [False, True, True, False, False, True, False]
    other = ask(ledger, "2026-03-02", "2026-03-04", bucket="day", filters={"provider": ("ANTHROPIC",)})
    assert [bucket.covered for bucket in other.buckets] == [False, False]


def test_the_tracked_book_covers_everything_since_its_first_row_until_now(ledger: Ledger) -> None:
    ledger.write(ledger.row("2026-03-02T10:00", "1", origin=GATEWAY))
    found = ask(ledger, "2026-03-01", "2026-03-05", bucket="day")
    assert [bucket.covered for bucket in found.buckets] == [False, True, True, True]
    reported = ask(ledger, "2026-03-01", "2026-03-05", bucket="day", filters={"origin": ("sync",)})
    assert [bucket.covered for bucket in reported.buckets] == [False] * 4
    future = ask(ledger, "2099-03-01", "2099-03-02", bucket="day")
    assert [bucket.covered for bucket in future.buckets] == [False]


def test_another_organization_sees_nothing(ledger: Ledger, session: Session, people: People) -> None:
    ledger.write(ledger.row("2026-03-01T10:00", "1"))
    query = SummaryQuery(start=utc("2026-03-01"), end=utc("2026-03-02"), bucket="day", group_by=("model",))
    found = queries.summary(session, people.charlie, query)
    assert (found.totals, found.groups, found.buckets[0].covered) == (Totals(), (), False)
    assert queries.summary(session, people.bob, query).totals.cost == 1


def test_who_may_not_read_usage_is_refused(session: Session, people: People) -> None:
    token = Actor(
        people.alice.user_id, people.alice.organization_id, UserRole.USER, TeamRole.OWNER, scopes=frozenset({"ingest"})
    )
    with pytest.raises(AuthorizationError):
        queries.summary(session, token, SummaryQuery(start=utc("2026-03-01"), end=utc("2026-03-02")))


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"start": utc("2026-03-02")}, "from", "must be before"),
        ({"start": utc("2026-03-03")}, "from", "must be before"),
        ({"start": datetime(2026, 3, 1)}, "from", "no offset to UTC"),
        ({"end": datetime(2026, 3, 2)}, "to", "no offset to UTC"),
        ({"start": utc("0001-01-01")}, "from", "outside the years"),
        ({"end": utc("9999-12-31")}, "to", "outside the years"),
        ({"end": utc("2027-04-06")}, "to", "401 days"),
        ({"tz": "Mars/Olympus"}, "tz", "IANA"),
        ({"bucket": "year"}, "bucket", "hour, day, week, month"),
        ({"bucket": "hour", "end": utc("2026-04-02")}, "bucket", "at most 31 days"),
        ({"group_by": ("colour",)}, "groupBy", "Choose from: provider, model"),
        ({"group_by": ("tag:",)}, "groupBy", "Name the tag"),
        ({"group_by": ("tag:\x00",)}, "groupBy", "NUL"),
        ({"group_by": ("model", "model")}, "groupBy", "named twice"),
        ({"filters": {"colour": ("red",)}}, "filters", "Unknown filter"),
        ({"filters": {"session": ("x\x00",)}}, "session", "NUL"),
        ({"filters": {"tag": ("x",)}}, "tag", "Write its key"),
        ({"filters": {"tag": (":x",)}}, "tag", "Write its key"),
        ({"filters": {"tag": ("a:\x00",)}}, "tag", "NUL"),
        ({"top": 0}, "top", "from 1 to 100"),
        ({"top": 101}, "top", "from 1 to 100"),
        ({"filters": {"provider": ("openai",)}}, "provider", "Choose from: OPENAI"),
        ({"filters": {"costSource": ("",)}}, "costSource", "Choose from: provider"),
        ({"filters": {"model": ("a\x00",)}}, "model", "NUL"),
        ({"filters": {"model": tuple(map(str, range(101)))}}, "model", "at most 100"),
    ],
)
def test_wrong_questions_are_refused_in_words(
    session: Session, people: People, change: dict[str, Any], field: str, words: str
) -> None:
    asked = {"start": utc("2026-03-01"), "end": utc("2026-03-02")} | change
    with pytest.raises(ValidationError, match=words) as refused:
        queries.summary(session, people.alice, SummaryQuery(**asked))
    assert [problem["field"] for problem in refused.value.details] == [field]


def test_the_longest_questions_are_answered(ledger: Ledger) -> None:
    assert len(ask(ledger, "2026-03-01", "2027-04-05", bucket="day").buckets) == 400
    assert len(ask(ledger, "2026-03-01", "2026-04-01", bucket="hour").buckets) == 744


def test_an_answer_of_too_many_parts_is_refused(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "_MOST_CELLS", 19)
    ledger.write(*(ledger.row(f"2026-03-0{day}", "1", model=f"model-{n}") for n in range(6) for day in (1, 2)))
    # The total and 6 groups; with days the 2 days and 12 cells besides.
    assert len(ask(ledger, "2026-03-01", "2026-03-03", group_by=("model",)).groups) == 6
    with pytest.raises(ValidationError, match="more than 19 parts"):
        ask(ledger, "2026-03-01", "2026-03-03", bucket="day", group_by=("model",))


def test_empty_filters_filter_nothing(ledger: Ledger) -> None:
    ledger.write(ledger.row("2026-03-01T10:00", "1"))
    assert ask(ledger, "2026-03-01", "2026-03-02", filters={"model": ()}).totals.cost == 1


def test_an_answer_is_kept_until_the_ledger_changes_and_its_names_are_not(ledger: Ledger) -> None:
    key = ledger.key("old name")
    ledger.write(ledger.row("2026-03-01T10:00", "1", api_key_id=key.id), ledger.row("2026-03-02T10:00", None))
    question = {"group_by": ("apiKey", "model"), "bucket": "day", "filters": {"operation": ("completions", "messages")}}
    first = ask(ledger, "2026-03-01", "2026-03-04", **question)
    ledger.roll_up([ledger.row("2026-03-01T10:00", "20")])
    assert ask(ledger, "2026-03-01", "2026-03-04", **question) == first
    key.label = "new name"
    ledger.session.commit()
    assert ask(ledger, "2026-03-01", "2026-03-04", **question).groups[0].names == {"apiKey": "new name"}
    for different in ({"bucket": "month"}, {"group_by": ("model", "apiKey")}, {"tz": "Asia/Kolkata"}, {"filters": {}}):
        assert ask(ledger, "2026-03-01", "2026-03-04", **question | different).totals.cost == 21
    queries.invalidate_organization(ledger.actor.organization_id)
    assert ask(ledger, "2026-03-01", "2026-03-04", **question).totals.cost == 21


def test_one_persons_usage_is_kept_under_their_name_in_each_organization_until_it_changes(
    ledger: Ledger, people: People, environment: Servers
) -> None:
    ledger.write(ledger.row("2026-03-01T10:00", "1", origin=GATEWAY))
    question = {"filters": {"user": (ledger.actor.user_id,)}}
    assert ask(ledger, "2026-03-01", "2026-03-04", **question).totals.cost == 1
    query = SummaryQuery(start=utc("2026-03-01"), end=utc("2026-03-04"), **question)
    assert queries.summary(ledger.session, people.charlie, query).totals.cost == 0
    with Redis.from_url(environment.redis_url) as redis:
        assert redis.keys("org-usage:*") == []
        assert len(redis.keys(f"usage:{ledger.actor.user_id}:*")) == 2
    ledger.roll_up([ledger.row("2026-03-02T10:00", "20", origin=GATEWAY)])
    assert ask(ledger, "2026-03-01", "2026-03-04", **question).totals.cost == 1
    queries.invalidate_organization(ledger.actor.organization_id)
    assert ask(ledger, "2026-03-01", "2026-03-04", **question).totals.cost == 21


def test_a_long_answer_is_not_kept(ledger: Ledger, environment: Servers) -> None:
    ledger.write(*(ledger.row(f"2026-03-0{day}", "1", model=f"model-{n}") for n in range(300) for day in (1, 2, 3)))
    ask(ledger, "2026-03-01", "2026-03-04", bucket="day", group_by=("model",))
    with Redis.from_url(environment.redis_url) as redis:
        assert redis.keys("org-usage:*") == []
        ask(ledger, "2026-03-01", "2026-03-04", bucket="day")
        assert len(redis.keys("org-usage:*")) == 1


def test_without_redis_there_is_an_answer_all_the_same(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.write(ledger.row("2026-03-01T10:00", "1"))
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    forget_caches()
    with Session(db.engine()) as session:
        query = SummaryQuery(start=utc("2026-03-01"), end=utc("2026-03-02"))
        assert queries.summary(session, ledger.actor, query).totals.cost == 1
    queries.invalidate_organization(ledger.actor.organization_id)


@pytest.mark.parametrize(("only_reads", "times"), [(True, 1), (False, 3)])
def test_what_only_reads_asks_for_the_state_of_the_pulls_once(ledger: Ledger, only_reads: bool, times: int) -> None:
    """Fifty budgets are fifty sums; who may have pulled in between, and goes on, asks each time."""
    ledger.write(ledger.row("2026-03-01T10:00", "1"))
    ledger.session.commit()
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "sync_runs" in statement and "hashtextextended" in statement:
            asked.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        with db.session() as session:
            if only_reads:
                db.prefer_replica(session)
            for day in (1, 2, 3):
                query = SummaryQuery(start=utc(f"2026-03-0{day}"), end=utc("2026-03-05"))
                queries.summary(session, ledger.actor, query)
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)
    assert len(asked) == times
