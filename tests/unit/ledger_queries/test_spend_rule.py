"""One dollar is spent once: the reported book where a sync covered the hour, else the tracked one."""

from decimal import Decimal

import pytest
from sqlmodel import Session

from guardian.models.enums import Provider, UsageOrigin
from guardian.services.ledger import queries
from guardian.services.ledger.views import Summary, SummaryQuery
from tests.unit.ledger_queries.conftest import Ledger, utc

GATEWAY, INGEST, IMPORT, SYNC = UsageOrigin.GATEWAY, UsageOrigin.INGEST, UsageOrigin.IMPORT, UsageOrigin.SYNC


def spent(ledger: Ledger, group_by: tuple[str, ...] = (), **filters: tuple[str, ...]) -> Summary:
    """The whole of 2026-03-01 to 2026-03-10."""
    query = SummaryQuery(start=utc("2026-03-01"), end=utc("2026-03-11"), group_by=group_by, filters=filters)
    return queries.summary(ledger.session, ledger.actor, query)


def test_reported_rows_count_in_covered_hours_and_tracked_rows_in_all_others(ledger: Ledger) -> None:
    ledger.cover("2026-03-02", "2026-03-03T12:00")
    ledger.write(
        ledger.row("2026-03-02T10:00", "1"),
        ledger.row("2026-03-02T10:20", "20", origin=GATEWAY),
        ledger.row("2026-03-02T11:20", "300", origin=INGEST),  # no reported row in this hour: the provider saw nothing
        ledger.row("2026-03-01T23:59", "4000", origin=GATEWAY),  # the hour before
        ledger.row("2026-03-03T12:00", "50000", origin=IMPORT),  # the first hour after
        ledger.row("2026-03-03T11:59", "600000", origin=GATEWAY),  # the last one covered
    )
    assert spent(ledger).totals.cost == 54_001


def test_a_tracked_row_without_account_is_covered_by_any_account_of_its_provider(ledger: Ledger) -> None:
    ledger.cover("2026-03-02", "2026-03-03", account="first")
    ledger.cover("2026-03-04", "2026-03-05", account="second")
    ledger.cover("2026-03-06", "2026-03-07", provider=Provider.ANTHROPIC, account="third")
    ledger.write(
        ledger.row("2026-03-02T10:00", "1", origin=GATEWAY, account_id=None),
        ledger.row("2026-03-04T10:00", "20", origin=GATEWAY, account_id=None),
        ledger.row("2026-03-06T10:00", "300", origin=GATEWAY, account_id=None),
        ledger.row("2026-03-06T10:00", "4000", origin=GATEWAY, account_id=None, provider=Provider.ANTHROPIC),
    )
    assert spent(ledger).totals.cost == 300


def test_an_account_covers_its_own_tracked_rows_only(ledger: Ledger) -> None:
    ledger.cover("2026-03-02", "2026-03-03", account="first")
    ledger.write(
        ledger.row("2026-03-02T10:00", "1", origin=GATEWAY, account_id="first"),
        ledger.row("2026-03-02T10:00", "20", origin=GATEWAY, account_id="second"),
        ledger.row("2026-03-02T10:00", "300", account_id="first"),
    )
    assert spent(ledger, ("account",)).totals.cost == 320


def test_days_pulled_on_demand_before_the_covered_span_count_as_reported(ledger: Ledger) -> None:
    ledger.cover("2026-03-08", "2026-03-09")
    ledger.write(
        ledger.row("2026-03-02T10:00", "1"),
        ledger.row("2026-03-02T10:30", "20", origin=GATEWAY),
        ledger.row("2026-03-02T10:30", "300", origin=GATEWAY, account_id=None),
        ledger.row("2026-03-02T11:30", "4000", origin=GATEWAY),
        ledger.row("2026-03-02T10:30", "50000", origin=GATEWAY, account_id="other"),
        ledger.row("2026-03-02T10:30", "600000", origin=GATEWAY, provider=Provider.ANTHROPIC),
    )
    assert spent(ledger).totals.cost == 654_001


@pytest.mark.parametrize("account", ["acct", None])
def test_the_hour_that_a_pull_read_while_it_ran_is_tracked_until_it_is_covered(
    ledger: Ledger, account: str | None
) -> None:
    ledger.cover("2026-03-08", "2026-03-09T12:00")
    ledger.write(
        ledger.row("2026-03-09T12:00", "1"),
        ledger.row("2026-03-09T12:05", "20", origin=GATEWAY, account_id=account),
        ledger.row("2026-03-09T12:55", "300", origin=GATEWAY, account_id=account),
        ledger.row("2026-03-09T13:00", "4000"),
    )
    assert spent(ledger).totals.cost == 4_320


def test_what_a_pull_read_of_the_running_hour_counts_where_nothing_was_tracked(ledger: Ledger) -> None:
    ledger.cover("2026-03-08", "2026-03-09T12:00")
    ledger.cover("2026-03-08", "2026-03-09T12:00", account="other")
    ledger.write(
        ledger.row("2026-03-09T12:00", "1"),
        ledger.row("2026-03-09T12:10", "20", origin=GATEWAY, account_id="other"),
        ledger.row("2026-03-09T12:00", "300", account_id="other"),
    )
    assert spent(ledger).totals.cost == 21


def test_an_account_that_was_never_covered_is_tracked_where_both_books_have_rows(ledger: Ledger) -> None:
    ledger.cover("2026-03-01", "2026-03-11", account="other")
    ledger.cover(None, None)
    ledger.write(
        ledger.row("2026-03-05T12:00", "1"),
        ledger.row("2026-03-05T12:10", "20", origin=GATEWAY),
        ledger.row("2026-03-05T13:00", "300"),
    )
    assert spent(ledger).totals.cost == 320


def test_without_any_account_the_tracked_book_counts_where_both_have_rows(ledger: Ledger) -> None:
    ledger.write(
        ledger.row("2026-03-05T12:00", "1"),
        ledger.row("2026-03-05T12:10", "20", origin=GATEWAY),
        ledger.row("2026-03-05T13:00", "300"),
    )
    assert spent(ledger).totals.cost == 320


@pytest.mark.parametrize(
    ("origins", "cost"),
    [
        ((SYNC,), 1),
        ((GATEWAY,), 20),
        ((INGEST,), 300),
        ((GATEWAY, INGEST), 320),
        ((SYNC, GATEWAY), 1),
        ((SYNC, GATEWAY, INGEST, IMPORT), 1),
        ((IMPORT,), 0),
    ],
)
def test_a_filter_on_one_book_shows_it_whole_and_two_books_are_never_added(
    ledger: Ledger, origins: tuple[str, ...], cost: int
) -> None:
    ledger.cover("2026-03-02", "2026-03-03")
    ledger.write(
        ledger.row("2026-03-02T10:00", "1"),
        ledger.row("2026-03-02T10:20", "20", origin=GATEWAY),
        ledger.row("2026-03-02T10:20", "300", origin=INGEST),
    )
    assert spent(ledger, origin=origins).totals.cost == cost


def test_the_rule_looks_at_all_rows_of_the_hour_whatever_is_filtered(ledger: Ledger) -> None:
    ledger.cover("2026-03-08", "2026-03-09")
    ledger.write(
        ledger.row("2026-03-02T10:00", "1", model="gpt-5"),
        ledger.row("2026-03-02T10:30", "20", origin=GATEWAY, model="gpt-4o"),
        ledger.row("2026-03-09T10:00", "300", model="gpt-4o"),
        ledger.row("2026-03-09T10:30", "4000", origin=GATEWAY, model="gpt-5"),
    )
    assert spent(ledger, model=("gpt-4o",)).totals.cost == 0
    assert spent(ledger).totals.cost == 4_001


def test_other_organizations_cover_nothing_here(ledger: Ledger, other_ledger: Ledger) -> None:
    other_ledger.cover("2026-03-01", "2026-03-09")
    other_ledger.write(other_ledger.row("2026-03-02T10:00", "1"))
    ledger.write(ledger.row("2026-03-02T10:00", "20", origin=GATEWAY))
    assert spent(ledger).totals.cost == 20
    assert spent(other_ledger).totals.cost == 1


def test_grouping_by_origin_says_which_book_counted(ledger: Ledger, session: Session) -> None:
    ledger.cover("2026-03-02", "2026-03-03")
    ledger.write(
        ledger.row("2026-03-02T10:00", "1"),
        ledger.row("2026-03-02T10:20", "20", origin=GATEWAY),
        ledger.row("2026-03-03T10:20", "300", origin=GATEWAY),
    )
    found = {group.values["origin"]: group.totals.cost for group in spent(ledger, ("origin",)).groups}
    assert found == {"gateway": Decimal(300), "sync": Decimal(1)}
