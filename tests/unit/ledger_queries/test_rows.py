"""Single rows: pages that neither repeat nor skip, every filter, the bill, and nothing of other organizations."""

import base64
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session

from guardian import db
from guardian.errors import NotFoundError, ValidationError
from guardian.models.base import new_id
from guardian.models.enums import CostSource, Provider, ResourceKind, UsageOrigin
from guardian.models.usage import UsageLog
from guardian.records import BillLine
from guardian.services.ledger import queries
from guardian.services.ledger.queries.dimensions import FIELDS
from guardian.services.ledger.views import USAGE_FILTERS, UsageFilter, UsageView
from tests.conftest import People
from tests.unit.ledger_queries.conftest import Ledger, utc

GATEWAY = UsageOrigin.GATEWAY


def ids(ledger: Ledger, **usage: Any) -> list[str]:
    page = queries.list_usage(ledger.session, ledger.actor, UsageFilter(**usage))
    return [view.id for view in page.items]


def pages(ledger: Ledger, limit: int, **order: bool) -> list[list[UsageView]]:
    found, cursor = [], None
    while True:
        page = queries.list_usage(ledger.session, ledger.actor, UsageFilter(), cursor, limit, **order)
        found.append(list(page.items))
        if page.next_cursor is None:
            return found
        cursor = page.next_cursor


def test_pages_hold_every_row_once_newest_first_over_partitions_and_equal_times(ledger: Ledger) -> None:
    moments = [utc(f"2026-{month:02}-28T10:00") for month in (1, 2, 3, 3, 3, 3, 4)]
    written = ledger.write(*(ledger.row(moment, "1") for moment in moments))
    expected = [row.id for row in sorted(written, key=lambda row: (row.timestamp, row.id), reverse=True)]
    for limit in (1, 2, 3, 7, 200):
        found = pages(ledger, limit)
        assert [view.id for page in found for view in page] == expected
        assert all(found), "the last page is never an empty one"
        turned = pages(ledger, limit, oldest_first=True)
        assert [view.id for page in turned for view in page] == expected[::-1]
        assert all(turned)


def test_rows_that_arrive_between_two_pages_neither_repeat_nor_hide_others(ledger: Ledger) -> None:
    written = ledger.write(*(ledger.row(utc("2026-03-01") + timedelta(minutes=n), "1") for n in range(6)))
    first = queries.list_usage(ledger.session, ledger.actor, UsageFilter(), limit=3)
    newer = ledger.write(ledger.row("2026-03-05", "1"), ledger.row("2026-03-01T00:04:30", "1"))
    second = queries.list_usage(ledger.session, ledger.actor, UsageFilter(), first.next_cursor, limit=10)
    assert [view.id for view in (*first.items, *second.items)] == [row.id for row in reversed(written)]
    assert {row.id for row in newer} < set(ids(ledger))
    first = queries.list_usage(ledger.session, ledger.actor, UsageFilter(), limit=3, oldest_first=True)
    ledger.write(ledger.row("2026-02-27", "1"), ledger.row("2026-03-01T00:01:30", "1"))
    second = queries.list_usage(
        ledger.session, ledger.actor, UsageFilter(end=utc("2026-03-01T00:04:15")), first.next_cursor, oldest_first=True
    )
    assert [view.id for view in (*first.items, *second.items)] == [row.id for row in written[:5]]


def test_the_range_takes_its_start_and_leaves_its_end(ledger: Ledger) -> None:
    one, two, three = ledger.write(*(ledger.row(f"2026-03-0{day}", "1") for day in (1, 2, 3)))
    assert ids(ledger, start=one.timestamp, end=three.timestamp) == [two.id, one.id]
    assert ids(ledger, start=two.timestamp) == [three.id, two.id]
    assert ids(ledger, end=two.timestamp) == [one.id]


def test_every_filter_finds_its_rows_and_the_empty_value_those_that_have_none(ledger: Ledger) -> None:
    key = ledger.key()
    full, bare = ledger.write(
        ledger.row(
            "2026-03-01",
            "1",
            provider=Provider.ANTHROPIC,
            model="m",
            operation="o",
            origin=GATEWAY,
            account_id="a",
            project_id="p",
            external_key_id="k",
            external_user_id="u",
            api_key_id=key.id,
            service_tier="batch",
            cost_source=CostSource.PROVIDER,
            session="s",
            access_token_id="t1",
            tags={"team": "t", "feature": "f", "environment": "e: x"},
        ),
        ledger.row("2026-03-01", "2", account_id=None),
    )
    tags = {"team": "t", "feature": "f", "tag": "environment:e: x"}
    for name in USAGE_FILTERS:
        value = tags[name] if name in tags else getattr(full, FIELDS[name])
        found = ids(ledger, filters={name: (value,)})
        # Both rows were written for the same person.
        assert found == [full.id] or name == "user", name
        if name not in ("provider", "origin", "costSource", "model", "operation", "user"):
            none = "environment:" if name == "tag" else ""
            assert ids(ledger, filters={name: (none,)}) == [bare.id], name
            assert set(ids(ledger, filters={name: (none, value)})) == {full.id, bare.id}, name


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "not base64!"}, "cursor"),
        ({"cursor": "äöü"}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"1 2").decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"2026-03-01T00:00:00 c" + b"0" * 24).decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"9999-99-99T00:00:00+00:00 c" + b"0" * 24).decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"2026-03-01T00:00:00+00:00 x").decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"\xff\xfe").decode()}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"2026-03-01T00:00:00+00:00" * 9_000).decode()}, "cursor"),
        ({"usage": UsageFilter(filters={"colour": ("red",)})}, "filters"),
        ({"usage": UsageFilter(filters={"origin": ("synch",)})}, "origin"),
        ({"usage": UsageFilter(start=utc("2026-03-02"), end=utc("2026-03-02"))}, "from"),
        ({"usage": UsageFilter(start=utc("2026-03-02").replace(tzinfo=None))}, "from"),
    ],
)
def test_wrong_questions_are_refused(session: Session, people: People, wrong: dict[str, Any], field: str) -> None:
    asked = {"usage": UsageFilter()} | wrong
    with pytest.raises(ValidationError) as refused:
        queries.list_usage(session, people.alice, **asked)
    assert [problem["field"] for problem in refused.value.details] == [field]


def test_one_row_comes_with_its_names_and_its_bill(ledger: Ledger) -> None:
    ledger.name(ResourceKind.PROJECT, "p", "Search")
    line = {
        "unit": "input_tokens",
        "quantity": "100",
        "unit_price": "0.00000125",
        "multiplier": "0.5",
        "amount": "0.0000625",
    }
    (row,) = ledger.write(
        ledger.row(
            "2026-03-01T10:00",
            "0.0000625",
            project_id="p",
            tags={"team": "web"},
            meta={"a": 1},
            units={"seconds": "1.5"},
            bill=[line],
            bucket_end=utc("2026-03-01T11:00"),
        )
    )
    found = queries.get_usage(ledger.session, ledger.actor, row.id)
    assert found.names == {"project": "Search", "user": "Alice"}
    assert found.bill == (
        BillLine(
            unit="input_tokens",
            quantity=Decimal(100),
            unit_price=Decimal("0.00000125"),
            multiplier=Decimal("0.5"),
            amount=Decimal("0.0000625"),
        ),
    )
    assert (found.tags, found.metadata, found.units) == ({"team": "web"}, {"a": 1}, {"seconds": "1.5"})
    assert (found.cost, found.timestamp, found.bucket_end) == (row.cost, row.timestamp, row.bucket_end)
    listed = queries.list_usage(ledger.session, ledger.actor, UsageFilter()).items[0]
    assert listed.bill == ()
    assert listed.names == found.names


def test_an_unpriced_row_has_no_cost_rather_than_zero(ledger: Ledger) -> None:
    (row,) = ledger.write(ledger.row("2026-03-01T10:00", None, cost_reason="Unknown model."))
    found = queries.get_usage(ledger.session, ledger.actor, row.id)
    assert (found.cost, found.cost_source, found.cost_reason) == (None, CostSource.UNPRICED, "Unknown model.")


def test_a_row_whose_id_tells_another_time_is_found_all_the_same(ledger: Ledger, session: Session) -> None:
    row = ledger.row("2026-03-01T10:00", "1")
    row.id = new_id(utc("2026-01-01"))
    ledger.write(row)
    assert queries.get_usage(session, ledger.actor, row.id).timestamp == row.timestamp


def test_the_id_leaves_one_partition_to_look_into(ledger: Ledger, session: Session) -> None:
    written = ledger.write(*(ledger.row(f"2026-{month:02}-28T10:00:00.123456", "1") for month in range(1, 7)))
    asked: list[tuple[str, Any]] = []
    listen = lambda _c, _u, statement, parameters, _x, _m: asked.append((statement, parameters))  # noqa: E731
    event.listen(db.engine(), "before_cursor_execute", listen)
    try:
        assert queries.get_usage(session, ledger.actor, written[3].id).id == written[3].id
    finally:
        event.remove(db.engine(), "before_cursor_execute", listen)
    statement, parameters = next(found for found in asked if "usage_logs" in found[0])
    plan = session.connection().exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars().all()
    assert {f"usage_logs_2026_0{n}" for n in range(1, 7) if f"usage_logs_2026_0{n}" in "\n".join(plan)} == {
        "usage_logs_2026_04"
    }


def test_rows_of_other_organizations_do_not_exist(ledger: Ledger, session: Session, people: People) -> None:
    (row,) = ledger.write(ledger.row("2026-03-01T10:00", "1"))
    assert queries.list_usage(session, people.charlie, UsageFilter()).items == ()
    for id in (row.id, new_id(), "c", "", "c" * 26, "C" + "0" * 24, "x\x00"):
        with pytest.raises(NotFoundError):
            queries.get_usage(session, people.charlie, id)
    assert queries.get_usage(session, people.bob, row.id).id == row.id


def test_a_cursor_of_one_organization_opens_nothing_of_another(
    ledger: Ledger, other_ledger: Ledger, session: Session, people: People
) -> None:
    ledger.write(*(ledger.row(f"2026-03-0{day}", "1") for day in (1, 2, 3)))
    (theirs,) = other_ledger.write(other_ledger.row("2026-03-01", "1"))
    cursor = queries.list_usage(session, people.alice, UsageFilter(), limit=1).next_cursor
    found = queries.list_usage(session, people.charlie, UsageFilter(), cursor)
    assert [view.id for view in found.items] == [theirs.id]


def test_every_column_of_the_ledger_is_shown(ledger: Ledger) -> None:
    (row,) = ledger.write(ledger.row("2026-03-01T10:00", "1"))
    found = queries.get_usage(ledger.session, ledger.actor, row.id)
    for name in UsageLog.model_fields.keys() - {"meta", "bill", "price_id"}:
        assert getattr(found, name) == getattr(row, name), name
