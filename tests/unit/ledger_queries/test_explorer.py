"""What an explorer asks besides: the most expensive groups and the rest, sessions and tags, weeks."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from guardian.models.enums import UsageOrigin
from guardian.services.ledger import queries
from guardian.services.ledger.queries import sums
from guardian.services.ledger.views import Group, Summary, SummaryQuery, Totals
from tests.unit.ledger_queries.conftest import Ledger, utc

GATEWAY = UsageOrigin.GATEWAY


def ask(ledger: Ledger, *group_by: str, **query: Any) -> Summary:
    """The first ten days of March 2026."""
    asked = {"start": utc("2026-03-01"), "end": utc("2026-03-11"), "group_by": group_by} | query
    return queries.summary(ledger.session, ledger.actor, SummaryQuery(**asked))


def costs(groups: tuple[Group, ...]) -> list[tuple[str | None, Decimal, int]]:
    return [(*group.values.values(), group.totals.cost, group.others) for group in groups]  # pyright: ignore[reportReturnType]  # one dimension each


def call(ledger: Ledger, at: str, cost: str | None, tags: Mapping[str, Any] | None = None, **fields: Any) -> Any:
    return ledger.row(at, cost, origin=GATEWAY, tags=dict(tags or {}), **fields)


@pytest.mark.parametrize("dimension", ["model", "session", "tag:environment", "tag:team", "team"])
def test_the_most_expensive_groups_are_told_apart_and_the_others_are_one_group(ledger: Ledger, dimension: str) -> None:
    def row(day: int, cost: str | None, name: str | None) -> Any:
        tags = {dimension.removeprefix("tag:"): name} if name else {}
        fields = {dimension: name} if name and dimension in ("model", "session") else {}
        return call(ledger, f"2026-03-0{day}T10:30", cost, tags, **fields)

    none = "gpt-5" if dimension == "model" else None
    ledger.write(row(1, "8", "a"), row(2, "4", "b"), row(2, "2", None), row(3, "1", "c"), row(3, None, "d"))
    found = ask(ledger, dimension, top=2, bucket="day")
    assert costs(found.groups) == [("a", 8, 0), ("b", 4, 0), (None, 3, 3)]
    assert [costs(bucket.groups) for bucket in found.buckets[:4]] == [
        [("a", 8, 0)],
        [("b", 4, 0), (None, 2, 3)],
        [(None, 1, 3)],
        [],
    ]
    assert found.groups[2].totals.unpriced_rows == found.buckets[2].groups[0].totals.unpriced_rows == 1
    everything = ask(ledger, dimension, top=5)
    assert costs(everything.groups) == [("a", 8, 0), ("b", 4, 0), (none, 2, 0), ("c", 1, 0), ("d", 0, 0)]
    for summary in (found, everything):
        whole = Totals()
        for group in summary.groups:
            whole = sums.add(whole, group.totals)
        assert whole == summary.totals


def test_the_top_of_two_dimensions_is_of_their_combinations(ledger: Ledger) -> None:
    ledger.write(
        call(ledger, "2026-03-01", "8", model="a", project_id="p"),
        call(ledger, "2026-03-01", "4", model="b"),
        call(ledger, "2026-03-02", "2", model="b", project_id="p"),
        call(ledger, "2026-03-02", "1", model="a"),
    )
    found = ask(ledger, "model", "project", top=2, bucket="week")
    assert [(dict(group.values), group.totals.cost, group.others) for group in found.groups] == [
        ({"model": "a", "project": "p"}, 8, 0),
        ({"model": "b", "project": None}, 4, 0),
        ({"model": None, "project": None}, 3, 2),
    ]
    assert [[group.totals.cost for group in bucket.groups] for bucket in found.buckets] == [[8, 4], [3], []]


def test_a_top_without_groups_and_one_of_an_empty_ledger_change_nothing(ledger: Ledger) -> None:
    assert ask(ledger, "model", top=3, bucket="day").groups == ()
    ledger.write(call(ledger, "2026-03-01", "8"))
    assert ask(ledger, top=3) == ask(ledger)


def test_weeks_begin_on_monday_and_are_cut_to_the_range(ledger: Ledger) -> None:
    ledger.write(*(call(ledger, f"2026-03-{day:02}", str(day)) for day in (1, 2, 8, 9)))
    found = ask(ledger, bucket="week")  # 1 March is a Sunday
    assert [(bucket.start, bucket.end, bucket.totals.cost) for bucket in found.buckets] == [
        (utc("2026-03-01"), utc("2026-03-02"), 1),
        (utc("2026-03-02"), utc("2026-03-09"), 10),
        (utc("2026-03-09"), utc("2026-03-11"), 9),
    ]


def test_sessions_and_tags_follow_the_rule_of_spend_so_that_they_add_up(ledger: Ledger) -> None:
    ledger.cover("2026-03-02", "2026-03-03T12:00")
    tags = {"environment": "prod", "team": "web"}
    ledger.write(
        ledger.row("2026-03-02T10:00", "1"),
        call(ledger, "2026-03-02T10:59", "20", tags, session="s"),  # the provider's report counts in this hour
        call(ledger, "2026-03-01T23:59:59", "300", tags, session="s"),
        call(ledger, "2026-03-03T12:00", "4000", tags, session="t"),
        call(ledger, "2026-03-03T12:00", "50000", {"environment": "test"}, session="t"),
    )
    assert costs(ask(ledger, "session").groups) == [("t", 54_000, 0), ("s", 300, 0), (None, 1, 0)]
    assert costs(ask(ledger, "tag:environment").groups) == [("test", 50_000, 0), ("prod", 4_300, 0), (None, 1, 0)]
    assert ask(ledger).totals == ask(ledger, "session").totals
    assert ask(ledger, "session", filters={"session": ("s",), "origin": ("gateway",)}).totals.cost == 320


@pytest.mark.parametrize(
    ("tags", "cost"),
    [
        (("environment:prod",), 1),
        (("environment:prod", "environment:test"), 3),
        (("environment:prod", "environment:"), 13),
        (("environment:prod", "team:web"), 1),
        (("environment:test", "team:web"), 0),
        (("team:web",), 1),
        (("team:",), 14),
        (("note:a:b",), 4),
    ],
)
def test_values_of_one_tag_are_alternatives_and_different_tags_must_all_match(
    ledger: Ledger, tags: tuple[str, ...], cost: int
) -> None:
    ledger.write(
        call(ledger, "2026-03-01", "1", {"environment": "prod", "team": "web"}),
        call(ledger, "2026-03-01", "2", {"environment": "test", "team": ""}),
        call(ledger, "2026-03-01", "4", {"note": "a:b", "team": 7}),
        call(ledger, "2026-03-01", "8"),
    )
    assert ask(ledger, filters={"tag": tags}).totals.cost == cost


def test_another_organization_s_sessions_are_unknown(ledger: Ledger, other_ledger: Ledger) -> None:
    ledger.write(call(ledger, "2026-03-01", "1", {"environment": "prod"}, session="s"))
    for filters in ({"session": ("s",)}, {"tag": ("environment:prod",)}):
        assert ask(ledger, filters=filters).totals.cost == 1
        assert ask(other_ledger, filters=filters).totals.cost == 0
