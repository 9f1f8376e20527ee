"""Audit: chained, complete under concurrency, without secrets, and any later change of a row shows."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from guardian import db
from guardian.config import settings
from guardian.crypto import encryption
from guardian.errors import AuthorizationError, ValidationError
from guardian.models import ActivityHead, ActivityLog, User
from guardian.services.people import audit
from guardian.services.people.audit import chain, uses
from guardian.services.people.audit_resealing import reseal_heads
from tests.conftest import ENCRYPTION_KEY, People, Servers


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
    for name in audit.chains(session):
        assert audit.verify(session, name) is None


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
    assert broken is not None
    if change == "sequence = 7":
        # The third row is where the second is missed.
        assert (broken.kind, broken.sequence, broken.row_id) == ("removed", 2, rows[2].id)
    else:
        assert (broken.kind, broken.sequence, broken.row_id) == ("changed", 2, rows[1].id)


def test_a_missing_or_added_row_is_found(session: Session, people: People) -> None:
    rows = three(session, people)
    session.connection().execute(text("DELETE FROM activity_logs WHERE sequence = 2"))
    session.expire_all()
    broken = audit.verify(session, people.alice.organization_id)
    assert broken is not None
    assert (broken.kind, broken.sequence, broken.row_id) == ("removed", 2, rows[2].id)
    forged = ActivityLog(chain=people.alice.organization_id, sequence=2, action="X", hash="0" * 64)
    session.add(forged)
    session.flush()
    broken = audit.verify(session, people.alice.organization_id)
    assert broken is not None
    assert (broken.kind, broken.sequence, broken.row_id) == ("changed", 2, forged.id)


def altered(session: Session, people: People) -> tuple[str, int, str | None]:
    session.expire_all()
    found = audit.verify(session, people.alice.organization_id)
    assert found is not None
    return found.kind, found.sequence, found.row_id


def sql(session: Session, statement: str) -> None:
    session.connection().execute(text(statement))


def rehash(session: Session, *rows: ActivityLog) -> None:
    """What somebody does who can write to the database and has read our code."""
    for row in rows:
        session.refresh(row)
        row.hash = chain.hash_of(row)
        session.flush()


def test_a_row_that_was_changed_and_hashed_anew_is_found_by_the_one_after_it(session: Session, people: People) -> None:
    rows = three(session, people)
    sql(session, "UPDATE activity_logs SET ip_address = '10.9.9.9' WHERE sequence = 2")
    rehash(session, rows[1])
    assert altered(session, people) == ("changed", 2, rows[1].id)


def test_a_chain_that_was_hashed_anew_to_its_end_does_not_fit_its_seal(session: Session, people: People) -> None:
    rows = three(session, people)
    sql(session, "UPDATE activity_logs SET ip_address = '10.9.9.9' WHERE sequence = 2")
    rehash(session, rows[1])
    rows[2].previous_hash = rows[1].hash
    session.flush()
    rehash(session, rows[2])
    assert altered(session, people) == ("changed", 3, rows[2].id)
    sql(session, f"UPDATE activity_heads SET hash = '{rows[2].hash}' WHERE chain = '{rows[2].chain}'")
    assert altered(session, people)[0] == "seal"


def test_a_row_that_was_put_in_is_named(session: Session, people: People) -> None:
    rows = three(session, people)
    sql(session, "UPDATE activity_logs SET sequence = 4 WHERE sequence = 3")
    sql(session, "UPDATE activity_logs SET sequence = 3 WHERE sequence = 2")
    own = ActivityLog(chain=rows[0].chain, sequence=2, action="X", previous_hash=rows[0].hash, hash="")
    own.hash = chain.hash_of(own)
    session.add(own)
    session.flush()
    assert altered(session, people) == ("inserted", 2, own.id)


def test_rows_that_changed_places_are_named(session: Session, people: People) -> None:
    rows = three(session, people)
    for old, new in ((2, 9), (3, 2), (9, 3)):
        sql(session, f"UPDATE activity_logs SET sequence = {new} WHERE sequence = {old}")
    kind, sequence, row_id = altered(session, people)
    assert (kind, sequence, row_id) == ("moved", 2, rows[2].id)


def test_a_row_that_was_taken_out_is_missed_though_the_others_moved_up(session: Session, people: People) -> None:
    rows = [*three(session, people), audit.record(session, people.bob, "KEY_DELETE")]
    sql(session, "DELETE FROM activity_logs WHERE sequence = 2")
    sql(session, "UPDATE activity_logs SET sequence = 2 WHERE sequence = 3")
    sql(session, "UPDATE activity_logs SET sequence = 3 WHERE sequence = 4")
    assert altered(session, people) == ("removed", 2, rows[2].id)


@pytest.mark.parametrize("kept", [2, 1, 0])
def test_rows_that_were_cut_off_the_end_are_missed(session: Session, people: People, kept: int) -> None:
    rows = three(session, people)
    sql(session, f"DELETE FROM activity_logs WHERE sequence > {kept}")
    assert altered(session, people) == ("cut off", kept + 1, rows[kept - 1].id if kept else None)
    assert audit.chains(session) == [people.alice.organization_id]


def test_the_seal_itself_cannot_be_changed_or_taken_away(session: Session, people: People) -> None:
    rows = three(session, people)
    sql(session, "DELETE FROM activity_logs WHERE sequence = 3")
    sql(session, f"UPDATE activity_heads SET sequence = 2, hash = '{rows[1].hash}'")
    assert altered(session, people)[0] == "seal"
    sql(session, "DELETE FROM activity_heads")
    assert altered(session, people) == ("seal", 2, rows[1].id)


def test_a_row_past_the_seal_was_put_in(session: Session, people: People) -> None:
    rows = three(session, people)
    own = ActivityLog(chain=rows[0].chain, sequence=4, action="X", previous_hash=rows[2].hash, hash="")
    own.hash = chain.hash_of(own)
    session.add(own)
    session.flush()
    assert altered(session, people) == ("inserted", 4, own.id)


def test_a_chain_from_before_there_were_seals_is_sealed_with_its_next_row(session: Session, people: People) -> None:
    three(session, people)
    sql(session, "UPDATE activity_heads SET mac = '', key_id = NULL")
    assert audit.verify(session, people.alice.organization_id) is None
    audit.record(session, people.alice, "KEY_TEST")
    session.expire_all()
    head = session.get_one(ActivityHead, people.alice.organization_id)
    assert (head.sequence, len(head.mac), head.key_id is not None) == (4, 64, True)


def test_seals_follow_a_new_encryption_key(
    session: Session, people: People, environment: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(session, people)
    monkeypatch.setenv("ENCRYPTION_KEY", "ab" * 32)
    settings.cache_clear()
    assert altered(session, people)[0] == "seal"
    monkeypatch.setenv("ENCRYPTION_KEY_PREVIOUS", ENCRYPTION_KEY)
    settings.cache_clear()
    assert audit.verify(session, people.alice.organization_id) is None
    assert reseal_heads(session, encryption(), dry_run=True).resealed == 1
    assert [reseal_heads(session, encryption()).resealed for _ in range(2)] == [1, 0]
    monkeypatch.delenv("ENCRYPTION_KEY_PREVIOUS")
    settings.cache_clear()
    session.expire_all()
    assert audit.verify(session, people.alice.organization_id) is None


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
    first = audit.list_activity(session, people.alice, limit=2)
    assert [view.id for view in first.items] == [rows[2].id, rows[1].id]
    assert {view.actor for view in first.items} == {"Alice"}
    second = audit.list_activity(session, people.alice, first.next_cursor, limit=2)
    assert ([view.id for view in second.items], second.next_cursor) == ([rows[0].id], None)
    for wrong in ("", "x", "-1", "1.5", "9" * 30):
        with pytest.raises(ValidationError):
            audit.list_activity(session, people.alice, wrong)
    with pytest.raises(AuthorizationError):
        audit.list_activity(session, people.bob)


def test_the_first_use_of_a_secret_a_day_is_a_row(session: Session, people: People) -> None:
    where = people.alice.organization_id
    first, again = (audit.note_use(session, where, "key", "key-of-this-test", "pull") for _ in range(2))
    assert (first, again, audit.note_use(session, where, "key", "key-of-this-test", "gateway")) == (True, False, True)
    session.commit()
    rows = audit.list_activity(session, people.alice, wanted=audit.Filter(action="SECRET_USE")).items
    assert [(row.resource_id, row.metadata["purpose"], row.user_id) for row in rows] == [
        ("key-of-this-test", "gateway", None),
        ("key-of-this-test", "pull", None),
    ]


def test_a_process_that_has_just_begun_knows_of_todays_use_by_the_log(
    session: Session, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = people.alice.organization_id
    assert audit.note_use(session, where, "key", "another-key", "pull")
    session.commit()
    monkeypatch.setattr(uses, "_known", {})
    assert not audit.note_use(session, where, "key", "another-key", "pull")
    monkeypatch.setattr(uses, "_known", {})
    session.connection().execute(text("UPDATE activity_logs SET created_at = created_at - interval '1 day'"))
    assert audit.note_use(session, where, "key", "another-key", "pull")
