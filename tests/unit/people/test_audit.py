"""Audit: chained, complete under concurrency, without secrets, and any later change of a row shows."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from guardian import db
from guardian.errors import ValidationError
from guardian.models import ActivityLog, User
from guardian.services.people import audit
from tests.conftest import People


def three(session: Session, people: People) -> list[ActivityLog]:
    actor = replace(people.alice, request_id="r-1", ip_address="10.0.0.1")
    rows = [
        audit.record(session, actor, "KEY_CREATE", resource_type="key", resource_id=f"k{n}", metadata={"n": n})
        for n in range(3)
    ]
    session.commit()
    return rows


def test_rows_are_chained_per_organization(session: Session, people: People) -> None:
    rows = three(session, people)
    assert [row.sequence for row in rows] == [1, 2, 3]
    assert [row.previous_hash for row in rows] == ["", rows[0].hash, rows[1].hash]
    other = audit.record(session, people.charlie, "KEY_CREATE")
    nobody = audit.record(session, None, "AUTH_LOGIN_REFUSED", request_id="r-2", ip_address="10.0.0.9")
    assert (other.sequence, other.previous_hash, nobody.sequence, nobody.chain) == (1, "", 1, "")
    assert (nobody.request_id, nobody.ip_address, nobody.user_id) == ("r-2", "10.0.0.9", None)
    assert audit.chains(session) == sorted(["", people.alice.organization_id, people.charlie.organization_id])
    for chain in audit.chains(session):
        assert audit.verify(session, chain) is None


def test_a_chain_has_no_gap_however_many_write_at_once(session: Session, people: People) -> None:
    def write(n: int) -> None:
        with db.session() as own:
            audit.record(own, people.alice, "KEY_TEST", metadata={"n": n})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    rows = session.exec(select(ActivityLog.sequence).order_by(ActivityLog.sequence)).all()
    assert rows == list(range(1, 41))
    assert audit.verify(session, people.alice.organization_id) is None


@pytest.mark.parametrize(
    "change",
    [
        "action = 'KEY_DELETE'",
        "resource_type = NULL",
        "resource_id = 'k9'",
        "request_id = 'r-9'",
        "ip_address = '10.0.0.2'",
        "metadata = '{\"n\": 2}'",
        "metadata = jsonb_set(metadata, '{userId}', '\"somebody\"')",
        "metadata = NULL",
        "created_at = created_at + interval '1 microsecond'",
        "hash = overlay(hash placing (CASE left(hash, 1) WHEN 'a' THEN 'b' ELSE 'a' END) from 1 for 1)",
        "previous_hash = reverse(previous_hash)",
        "sequence = 7",
        "user_id = (SELECT id FROM users WHERE email = 'bob@example.com')",
    ],
)
def test_a_changed_row_is_found(session: Session, people: People, change: str) -> None:
    rows = three(session, people)
    session.connection().execute(text(f"UPDATE activity_logs SET {change} WHERE sequence = 2"))
    session.expire_all()
    broken = audit.verify(session, people.alice.organization_id)
    assert broken == (rows[2].id if change == "sequence = 7" else rows[1].id)


def test_a_missing_or_added_row_is_found(session: Session, people: People) -> None:
    rows = three(session, people)
    session.connection().execute(text("DELETE FROM activity_logs WHERE sequence = 2"))
    session.expire_all()
    assert audit.verify(session, people.alice.organization_id) == rows[2].id
    forged = ActivityLog(chain=people.alice.organization_id, sequence=2, action="X", hash="0" * 64)
    session.add(forged)
    session.flush()
    assert audit.verify(session, people.alice.organization_id) == forged.id


def test_a_person_who_is_deleted_stays_in_the_log(session: Session, people: People) -> None:
    audit.record(session, people.bob, "KEY_CREATE")
    session.delete(session.get_one(User, people.bob.user_id))
    session.flush()
    session.expire_all()
    row = session.exec(select(ActivityLog)).one()
    assert (row.user_id, (row.meta or {})["userId"]) == (None, people.bob.user_id)
    assert audit.verify(session, people.alice.organization_id) is None
    [view] = audit.list_activity(session, people.alice).items
    assert view.actor is None


def test_secrets_are_left_out_and_odd_values_kept_as_text(session: Session, people: People) -> None:
    row = audit.record(
        session,
        people.alice,
        "KEY_CREATE",
        resource_id="sk-admin-0123456789abcdef",
        metadata={
            "password": "hunter2",
            "newPassword": "hunter2",
            "key": "hunter2",
            "api_key": "hunter2",
            "apiKey": "hunter2",
            "clientSecret": "hunter2",
            "access_token": "hunter2",
            "Authorization": "hunter2",
            "Cookie": "hunter2",
            "nested": {"token": "hunter2", "list": [{"secret": "hunter2"}, "sk-proj-0123456789abcdef"]},
            "keyId": "k1",
            "inputTokens": 5,
            "tokenId": "t1",
            "amount": Decimal("0.10"),
            "ratio": 0.1,
            "when": datetime(2026, 11, 1, tzinfo=UTC),
            "text": "a\x00b" + "x" * 1_000,
            "none": None,
            "yes": True,
        },
    )
    session.commit()
    session.expire_all()
    facts = row.meta or {}
    assert "hunter2" not in str(facts)
    assert "0123456789abcdef" not in str(facts) + str(row.resource_id)
    assert facts["nested"] == {"list": [{}, "sk-pro…"]}
    assert (facts["keyId"], facts["inputTokens"], facts["tokenId"]) == ("k1", 5, "t1")
    assert (facts["amount"], facts["ratio"], facts["when"]) == ("0.10", "0.1", "2026-11-01T00:00:00+00:00")
    assert (facts["none"], facts["yes"], len(facts["text"])) == (None, True, audit.MAX_TEXT)
    # What comes back from jsonb hashes as it went in.
    assert audit.verify(session, people.alice.organization_id) is None


def test_nothing_is_written_when_the_change_is_not_made(session: Session, people: People) -> None:
    def change() -> None:
        with db.session() as own:
            audit.record(own, people.alice, "KEY_DELETE")
            raise ValidationError("no")

    with pytest.raises(ValidationError):
        change()
    assert session.exec(select(ActivityLog)).all() == []


def test_the_list_is_of_ones_own_organization_in_pages(session: Session, people: People) -> None:
    rows = three(session, people)
    audit.record(session, people.charlie, "KEY_CREATE")
    first = audit.list_activity(session, people.bob, limit=2)
    assert [view.id for view in first.items] == [rows[2].id, rows[1].id]
    assert {view.actor for view in first.items} == {"Alice"}
    second = audit.list_activity(session, people.bob, first.next_cursor, limit=2)
    assert ([view.id for view in second.items], second.next_cursor) == ([rows[0].id], None)
    for wrong in ("", "x", "-1", "1.5", "9" * 30):
        with pytest.raises(ValidationError):
            audit.list_activity(session, people.bob, wrong)
