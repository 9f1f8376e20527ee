"""The dashboard: one read that agrees with itself, in the organization's zone, cached until the ledger changes."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event
from sqlmodel import Session

from guardian import db
from guardian.errors import NotFoundError, ValidationError
from guardian.models.enums import CostSource, Provider, ResourceKind, SyncStatus, TeamRole, UsageOrigin, UserRole
from guardian.models.people import Organization
from guardian.services.actor import Actor
from guardian.services.ledger import queries
from guardian.services.ledger.queries import board
from guardian.services.ledger.views import Comparison, Dashboard, Freshness, Totals
from tests.conftest import People
from tests.unit.ledger_queries.conftest import Ledger, utc

NOW = utc("2026-03-18T12:34")


def show(ledger: Ledger, start: str | None = None, end: str | None = None, now: datetime = NOW) -> Dashboard:
    first, last = (date.fromisoformat(day) if day else None for day in (start, end))
    return queries.dashboard(ledger.session, ledger.actor, first, last, now)


def set_zone(ledger: Ledger, zone: str) -> None:
    organization = ledger.session.get_one(Organization, ledger.actor.organization_id)
    organization.settings = {"timeZone": zone}
    ledger.session.commit()


def test_before_anything_is_connected_nothing_is_known(ledger: Ledger) -> None:
    found = show(ledger)
    assert (found.start, found.end, found.time_zone) == (utc("2026-03-01"), utc("2026-03-19"), "UTC")
    assert (found.totals, found.today, found.billed, found.has_keys) == (Totals(), 0, None, False)
    assert found.month == Comparison(current=Decimal(0), previous=None, change=None, percent=None)
    assert [(day.totals, day.covered) for day in found.per_day] == [(Totals(), False)] * 18
    assert (found.by_provider, found.by_model, found.by_project, found.by_key, found.lines) == ((), (), (), (), ())
    assert found.freshness == Freshness(as_of=None, next_pull=utc("2026-03-19"), running=(), failing=())


def test_a_key_or_a_row_is_enough_to_be_connected(ledger: Ledger, other_ledger: Ledger) -> None:
    ledger.key()
    assert show(ledger).has_keys
    assert not show(other_ledger).has_keys
    other_ledger.write(other_ledger.row("2025-01-01", "1", origin=UsageOrigin.INGEST))
    assert show(other_ledger).has_keys


def test_all_parts_agree_and_are_ordered_by_cost(ledger: Ledger) -> None:
    ledger.name(ResourceKind.PROJECT, "p", "Search")
    ledger.name(ResourceKind.API_KEY, "k", "Production")
    ledger.cover("2026-03-01", "2026-03-18")
    claude = {"provider": Provider.ANTHROPIC, "model": "claude"}
    ledger.write(
        ledger.row("2026-03-02T01:00", "1", project_id="p", external_key_id="k", service_tier="batch"),
        ledger.row("2026-03-02T02:00", "20", cost_source=CostSource.ESTIMATED, **claude),
        ledger.row("2026-03-18T03:00", "300", project_id="q", external_key_id="l"),
        ledger.row("2026-03-18T03:00", None, model="new"),
        ledger.row("2026-02-28T23:59", "4000"),
        ledger.row("2026-03-02T01:00", "50000", origin=UsageOrigin.GATEWAY),
    )
    found = show(ledger)
    assert (found.totals.cost, found.totals.estimated_cost, found.totals.unpriced_rows) == (321, 20, 1)
    assert found.today == 300
    assert [(g.values["provider"], g.totals.cost) for g in found.by_provider] == [("OPENAI", 301), ("ANTHROPIC", 20)]
    assert [(dict(g.values), g.totals.cost) for g in found.by_model] == [
        ({"provider": "OPENAI", "model": "gpt-5"}, 301),
        ({"provider": "ANTHROPIC", "model": "claude"}, 20),
        ({"provider": "OPENAI", "model": "new"}, 0),
    ]
    assert [(g.values["project"], g.names.get("project"), g.totals.cost) for g in found.by_project] == [
        ("q", None, 300),
        (None, None, 20),
        ("p", "Search", 1),
        (None, None, 0),
    ]
    assert [(g.values["providerKey"], g.names.get("providerKey")) for g in found.by_key] == [
        ("l", None),
        (None, None),
        ("k", "Production"),
        (None, None),
    ]
    assert [
        (line.project, line.project_id, line.provider_key, line.tier, line.totals.cost) for line in found.lines
    ] == [
        ("q", "q", "l", None, 300),
        (None, None, None, None, 20),
        ("Search", "p", "Production", "batch", 1),
        (None, None, None, None, 0),
    ]
    assert sum(day.totals.cost for day in found.per_day) == found.totals.cost
    second = found.per_day[1]
    assert [(g.values["provider"], g.totals.cost) for g in second.groups] == [("ANTHROPIC", 20), ("OPENAI", 1)]
    assert (second.start, second.end, second.totals.cost) == (utc("2026-03-02"), utc("2026-03-03"), 21)
    assert found.has_keys


def test_the_lines_and_tables_are_cut_and_the_totals_are_not(ledger: Ledger) -> None:
    ledger.roll_up(ledger.row("2026-03-02", str(n), model=f"model-{n}") for n in range(60))
    found = show(ledger)
    assert [line.totals.cost for line in found.lines] == list(range(59, 39, -1))
    assert [group.totals.cost for group in found.by_model] == list(range(59, 9, -1))
    assert found.totals.cost == sum(range(60))


def test_days_begin_when_they_do_in_the_organization_s_zone(ledger: Ledger) -> None:
    set_zone(ledger, "America/New_York")
    ledger.write(
        ledger.row("2026-03-01T04:00", "1"),  # 28 February, 23:00
        ledger.row("2026-03-01T05:00", "20"),
        ledger.row("2026-03-18T03:00", "300"),  # 17 March, 23:00
        ledger.row("2026-03-18T04:00", "4000"),
    )
    found = show(ledger, now=utc("2026-03-19T03:59"))
    assert (found.time_zone, found.start, found.end) == (
        "America/New_York",
        utc("2026-03-01T05:00"),
        utc("2026-03-19T04:00"),
    )
    assert (found.totals.cost, found.today) == (4_320, 4_000)
    assert [len(found.per_day), found.per_day[16].totals.cost, found.per_day[17].totals.cost] == [18, 300, 4_000]
    assert found.freshness.next_pull == utc("2026-03-20")


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        (None, None, ("2026-03-01", "2026-03-19")),
        ("2026-03-05", None, ("2026-03-05", "2026-03-19")),
        (None, "2026-02-10", ("2026-02-01", "2026-02-11")),
        ("2025-12-31", "2026-01-02", ("2025-12-31", "2026-01-03")),
        ("2026-04-01", None, ("2026-04-01", "2026-04-02")),
        ("2026-03-18", "2026-03-18", ("2026-03-18", "2026-03-19")),
    ],
)
def test_ranges(ledger: Ledger, start: str | None, end: str | None, shown: tuple[str, str]) -> None:
    found = show(ledger, start, end)
    assert (found.start, found.end) == (utc(shown[0]), utc(shown[1]))


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2026-03-02", "2026-03-01", "empty"),
        ("2025-01-01", "2026-03-01", "425 days"),
        ("0001-01-01", None, "outside the years"),
        ("2026-03-01", "9999-12-31", "outside the years"),
    ],
)
def test_wrong_ranges_are_refused(ledger: Ledger, start: str, end: str | None, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        show(ledger, start, end)


def test_this_month_is_held_against_the_same_days_of_the_last_one(ledger: Ledger) -> None:
    ledger.write(
        ledger.row("2026-02-01T00:00", "10"),
        ledger.row("2026-02-18T12:00", "30"),  # began before 12:34
        ledger.row("2026-02-18T13:00", "500"),
        ledger.row("2026-03-01T00:00", "50"),
        ledger.row("2026-01-31T23:00", "6000"),
    )
    found = show(ledger, "2025-06-01", "2025-06-30").month
    assert found == Comparison(current=Decimal(50), previous=Decimal(40), change=Decimal(10), percent=Decimal(25))


def test_a_covered_month_without_spend_is_zero_and_has_no_percentage(ledger: Ledger) -> None:
    ledger.cover("2026-02-17", "2026-02-20")
    ledger.write(ledger.row("2026-03-02", "50"))
    assert show(ledger).month == Comparison(current=Decimal(50), previous=Decimal(0), change=Decimal(50), percent=None)


@pytest.mark.parametrize(
    ("now", "zone", "start", "end"),
    [
        ("2026-03-18T12:34", "UTC", "2026-02-01", "2026-02-18T12:34"),
        ("2026-03-01T00:00", "UTC", "2026-02-01", "2026-02-01T00:00"),
        ("2026-03-28T23:59", "UTC", "2026-02-01", "2026-02-28T23:59"),
        ("2026-03-29T00:00", "UTC", "2026-02-01", "2026-03-01"),
        ("2026-03-31T12:00", "UTC", "2026-02-01", "2026-03-01"),
        ("2026-01-10T10:00", "UTC", "2025-12-01", "2025-12-10T10:00"),
        # The zone changed its clock in between: same reading, other offset.
        ("2026-04-10T10:00", "Europe/Berlin", "2026-02-28T23:00", "2026-03-10T11:00"),
        # 02:30 on 29 March does not exist in Berlin.
        ("2026-04-29T00:30", "Europe/Berlin", "2026-02-28T23:00", "2026-03-29T01:30"),
    ],
)
def test_the_same_days_of_the_previous_month(now: str, zone: str, start: str, end: str) -> None:
    previous = board.spans(utc(now), ZoneInfo(zone)).previous
    assert (previous.start, previous.end) == (utc(start), utc(end))


def test_long_ranges_are_drawn_by_week_or_month_with_at_most_200_points(ledger: Ledger) -> None:
    days = [date(2025, 3, 1) + timedelta(days=n) for n in range(383)]
    ledger.roll_up(ledger.row(day.isoformat(), "1", provider=p) for day in days for p in list(Provider)[:2])
    weeks = show(ledger, "2025-09-01", "2026-03-18").per_day
    assert (len(weeks), weeks[0].start, weeks[0].end) == (29, utc("2025-09-01"), utc("2025-09-08"))
    assert weeks[-1].start == utc("2026-03-16")
    assert [weeks[0].totals.cost, weeks[-1].totals.cost] == [14, 6]
    ledger.roll_up(ledger.row(day.isoformat(), "1", provider=p) for day in days for p in list(Provider)[2:])
    queries.invalidate_organization(ledger.actor.organization_id)
    months = show(ledger, "2025-03-02", "2026-03-18").per_day
    assert (len(months), months[0].start, months[0].end) == (13, utc("2025-03-02"), utc("2025-04-01"))
    assert [months[0].totals.cost, months[-1].totals.cost] == [30 * 6, 18 * 6]
    assert max(len(month.groups) for month in months) * len(months) <= 200


def test_a_day_that_nothing_covers_is_a_gap(ledger: Ledger) -> None:
    ledger.cover("2026-03-02", "2026-03-04")
    assert [day.covered for day in show(ledger, "2026-03-01", "2026-03-04").per_day] == [False, True, True, False]


def test_the_bill_of_the_range_is_beside_the_spend_and_never_in_it(ledger: Ledger, other_ledger: Ledger) -> None:
    ledger.bill("2026-02-28", "5")
    ledger.bill("2026-03-01", "1.25")
    ledger.bill("2026-03-18", "1")
    other_ledger.bill("2026-03-18", "7")
    found = show(ledger)
    assert (found.billed, found.totals.cost) == (Decimal("2.25"), 0)


def test_freshness_tells_the_last_pull_and_those_that_run_or_fail(ledger: Ledger, other_ledger: Ledger) -> None:
    fine, broken, off, busy = (ledger.key(label) for label in ("fine", "broken", None, "busy"))
    off.is_active = False
    ledger.pull(fine, SyncStatus.FAILED, "2026-03-17T00:00")
    ledger.pull(fine, SyncStatus.FINISHED, "2026-03-18T00:00", finished_at=utc("2026-03-18T00:01"))
    ledger.pull(
        fine, SyncStatus.FINISHED, "2026-03-18T09:00", window_end=utc("2026-01-02"), finished_at=utc("2026-03-18T09:01")
    )
    ledger.pull(broken, SyncStatus.FINISHED, "2026-03-15T00:00", finished_at=utc("2026-03-15T00:01"))
    failed = ledger.pull(broken, SyncStatus.FAILED, "2026-03-16T00:00", error="Replace the key.", error_code="X")
    ledger.pull(off, SyncStatus.FAILED, "2026-03-16T00:00")
    running = ledger.pull(busy, SyncStatus.RUNNING, "2026-03-18T12:00", steps_done=1, steps_total=4)
    other_ledger.pull(other_ledger.key(), SyncStatus.FINISHED, "2026-03-18T11:00", finished_at=utc("2026-03-18T11:01"))
    found = show(ledger).freshness
    assert (found.as_of, found.next_pull) == (utc("2026-03-18T00:00"), utc("2026-03-19"))
    assert [(run.id, run.progress, run.key_label) for run in found.running] == [(running.id, 0.25, "busy")]
    assert [(run.id, run.error) for run in found.failing] == [(failed.id, "Replace the key.")]


def test_the_figures_are_cached_until_the_ledger_changes_and_the_pulls_are_not(ledger: Ledger) -> None:
    key = ledger.key()
    ledger.write(ledger.row("2026-03-02", "1"), ledger.row("2026-03-03", None, model="x", project_id="p"))
    ledger.bill("2026-03-02", "1.5")
    first = show(ledger)
    ledger.roll_up([ledger.row("2026-03-02", "20")])
    assert show(ledger) == first, "and every type came back as it was"
    queries.invalidate_organization(ledger.actor.organization_id)
    assert show(ledger).totals.cost == 21
    ledger.roll_up([ledger.row("2026-03-02", "300")])
    ledger.pull(key, SyncStatus.RUNNING, "2026-03-18T12:00")
    again = show(ledger)
    assert again.freshness.running
    assert again.totals.cost == 321, "what a pull committed is seen even if its worker died before it could tell"


def test_any_later_step_of_any_pull_makes_figures_outdated(ledger: Ledger) -> None:
    first, second = (ledger.pull(ledger.key(label), SyncStatus.RUNNING, "2026-03-18T12:00") for label in ("a", "b"))
    for number, run in enumerate((first, second, first), start=1):
        ledger.roll_up([ledger.row("2026-03-02", "1")])
        run.steps_done = number
        ledger.session.commit()
        assert show(ledger).totals.cost == number


def test_what_was_read_before_an_invalidation_is_not_cached_after_it(ledger: Ledger, session: Session) -> None:
    ledger.write(ledger.row("2026-03-02", "1"))

    def change_meanwhile(_c: Any, _u: Any, statement: str, *_rest: Any) -> None:
        """Somebody writes, commits and invalidates (as `write` does) while the bill, the last part, is being read."""
        if "provider_costs" in statement and not changed:
            changed.append(True)
            with Session(db.engine()) as other:
                Ledger(other, ledger.actor).write(ledger.row("2026-03-03", "20"))

    changed: list[bool] = []
    event.listen(db.engine(), "after_cursor_execute", change_meanwhile)
    try:
        assert show(ledger).totals.cost == 1
    finally:
        event.remove(db.engine(), "after_cursor_execute", change_meanwhile)
    assert changed
    assert show(ledger).totals.cost == 21


def test_organizations_do_not_share_figures(ledger: Ledger, other_ledger: Ledger, people: People) -> None:
    ledger.write(ledger.row("2026-03-02", "1"))
    assert show(ledger).totals.cost == 1
    assert show(other_ledger).totals == Totals()
    queries.invalidate_organization(people.charlie.organization_id)
    assert queries.dashboard(ledger.session, people.bob, now=NOW).totals.cost == 1


def test_an_organization_that_is_gone_is_not_found(session: Session, people: People) -> None:
    ghost = Actor(people.alice.user_id, "c" + "0" * 24, UserRole.USER, TeamRole.OWNER)
    with pytest.raises(NotFoundError):
        queries.dashboard(session, ghost)
