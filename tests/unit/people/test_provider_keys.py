"""The vault below the API: what a test stands for, what is lost with a key, and secrets for jobs."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from guardian import db
from guardian.config import settings
from guardian.crypto import EncryptionService, SealedSecret
from guardian.errors import (
    AuthorizationError,
    ConflictError,
    DecryptionError,
    NotFoundError,
    ProviderError,
    ProviderKeyRejected,
    ProviderRateLimited,
)
from guardian.models import ApiKey, ProviderAccount, SyncRun, UsageRollup
from guardian.models.enums import CostSource, KeyStatus, Provider, SyncTrigger, TeamRole, UsageOrigin, UserRole
from guardian.periods import floor_hour, utcnow
from guardian.records import TestResult
from guardian.services.actor import Actor
from guardian.services.people import provider_keys
from guardian.services.people.views import KeyView
from tests.conftest import ENCRYPTION_KEY, People

SECRET = "sk-admin-0123456789abcdef"
GOOD = TestResult(success=True, message="This key works.", kind="admin", account_id="org-1", account_name="Acme Inc.")


def add(session: Session, actor: Actor, secret: str = SECRET, label: str | None = "main", **facts: object) -> KeyView:
    tested = TestResult(**{**{name: getattr(GOOD, name) for name in GOOD.__slots__}, **facts})  # type: ignore[arg-type]
    return provider_keys.add_key(
        session, actor, provider=Provider.OPENAI, secret=secret, label=label, metadata={"region": "eu"}, tested=tested
    )


def test_what_is_stored(session: Session, people: People) -> None:
    view = add(session, people.alice, f" {SECRET}\n")
    assert (view.hint, view.kind, view.status, view.account_id, view.account_name) == (
        "cdef",
        "admin",
        KeyStatus.ACTIVE,
        "org-1",
        "Acme Inc.",
    )
    assert view.metadata == {"region": "eu", "kind": "admin"}
    assert (view.name, view.owner) == ("main", "Alice")
    row = session.get_one(ApiKey, view.id)
    sealed = SealedSecret(row.encrypted_key, row.iv, row.tag, row.encryption_key_id)
    assert EncryptionService(ENCRYPTION_KEY).decrypt_api_key(sealed) == SECRET


def test_a_short_key_gives_no_hint(session: Session, people: People) -> None:
    view = add(session, people.alice, "tiny-key", None)
    assert (view.hint, view.name) == ("", "OPENAI …")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("PROVIDER_KEY_REJECTED", ProviderKeyRejected),
        ("PROVIDER_RATE_LIMITED", ProviderRateLimited),
        (None, ProviderError),
    ],
)
def test_a_key_that_was_found_bad_is_refused_in_the_tests_words(
    session: Session, people: People, code: str | None, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind, match="revoked") as refused:
        add(
            session, people.alice, success=False, message="The key is revoked.", metadata={"code": code} if code else {}
        )
    assert type(refused.value) is kind
    assert session.exec(select(ApiKey)).all() == []


def test_an_account_without_a_name_is_the_keys_own(session: Session, people: People) -> None:
    first = add(session, people.alice, account_id=None, account_name=None)
    second = add(session, people.alice, SECRET + "2", "second", account_id=None, account_name=None)
    assert first.account_id
    assert first.account_id.startswith("key:")
    assert second.account_id != first.account_id
    inference = add(session, people.alice, SECRET + "3", "third", kind="inference", account_id=None)
    assert inference.account_id is None
    # A later test that tells the account must not start the same usage anew under its name.
    kept = provider_keys.record_test(session, people.alice, first.id, GOOD)
    assert kept.account_id == first.account_id
    # Stored again, the same key must find its history instead of counting it twice.
    provider_keys.delete_key(session, people.alice, first.id)
    again = add(session, people.alice, account_id=None, account_name=None)
    assert (again.id == first.id, again.account_id) == (False, first.account_id)


def test_replacing_a_key(session: Session, people: People) -> None:
    view = add(session, people.alice)
    same = provider_keys.replace_secret(session, people.alice, view.id, SECRET, GOOD)
    assert same.account_id == "org-1"
    silent = TestResult(success=True, message="Works.", kind="admin")
    assert provider_keys.replace_secret(session, people.alice, view.id, SECRET + "2", silent).account_id == "org-1"
    other = TestResult(success=True, message="Works.", kind="admin", account_id="org-2")
    moved = provider_keys.replace_secret(session, people.alice, view.id, SECRET + "3", other)
    assert (moved.account_id, moved.label, moved.hint) == ("org-2", "main", "def3")
    assert {a.account_id for a in session.exec(select(ProviderAccount))} == {"org-1", "org-2"}
    add(session, people.alice, SECRET + "4", "second")
    with pytest.raises(ConflictError):
        provider_keys.replace_secret(session, people.alice, view.id, SECRET + "4", GOOD)


def test_two_of_the_same_key_at_once_are_one(session: Session, people: People) -> None:
    def attempt(n: int) -> str:
        try:
            with db.session() as own:
                return add(own, people.alice, label=f"label {n}").id
        except ConflictError:
            return "conflict"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(4)))[1:] == ["conflict"] * 3


def test_a_key_that_nobody_can_open_does_not_hide_the_others(session: Session, people: People) -> None:
    add(session, people.alice)
    broken = add(session, people.alice, SECRET + "2", "broken")
    session.connection().execute(text("UPDATE api_keys SET iv = repeat('0', 32) WHERE id = :id"), {"id": broken.id})
    session.expire_all()
    with pytest.raises(ConflictError, match="main"):
        add(session, people.alice, label="again")


def test_the_test_of_a_key_that_was_replaced_meanwhile_says_nothing_of_the_new_one(
    session: Session, people: People
) -> None:
    view = add(session, people.alice)
    old = provider_keys.key_under_test(session, people.alice, view.id)
    assert old.secret == SECRET
    assert SECRET not in repr(old)
    provider_keys.replace_secret(session, people.alice, view.id, SECRET + "2", GOOD)
    bad = TestResult(success=False, message="Revoked.", metadata={"code": "PROVIDER_KEY_REJECTED"})
    found = provider_keys.record_test(session, people.alice, view.id, bad, version=old.version)
    assert found.status is KeyStatus.ACTIVE
    assert provider_keys.record_test(session, people.alice, view.id, bad).status is KeyStatus.REJECTED


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("PROVIDER_KEY_REJECTED", KeyStatus.REJECTED),
        ("PROVIDER_WRONG_KEY_KIND", KeyStatus.WRONG_KIND),
        ("PROVIDER_FORBIDDEN", KeyStatus.FORBIDDEN),
        ("PROVIDER_QUOTA_EXHAUSTED", KeyStatus.EXHAUSTED),
        ("PROVIDER_UNAVAILABLE", KeyStatus.FAILING),
        (None, KeyStatus.FAILING),
    ],
)
def test_what_an_error_says_about_the_key(code: str | None, status: KeyStatus) -> None:
    assert provider_keys.status_for(code) is status


def test_a_secret_for_a_job(session: Session, people: People) -> None:
    view = add(session, people.alice)
    assert provider_keys.open_secret(session, view.id) == SECRET
    row = session.get_one(ApiKey, view.id)
    used = row.last_used
    assert used is not None
    provider_keys.open_secret(session, view.id)
    assert row.last_used == used
    row.last_used = used - timedelta(minutes=2)
    provider_keys.open_secret(session, view.id)
    assert row.last_used is not None
    assert row.last_used >= used
    with pytest.raises(NotFoundError):
        provider_keys.open_secret(session, "nothing")


def test_a_secret_that_cannot_be_opened_marks_its_key_for_good(
    session: Session, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = add(session, people.alice)
    session.commit()
    monkeypatch.setenv("ENCRYPTION_KEY", "ff" * 32)
    settings.cache_clear()
    with pytest.raises(DecryptionError) as refused:
        provider_keys.open_secret(session, view.id)
    session.rollback()
    session.expire_all()
    row = session.get_one(ApiKey, view.id)
    assert (row.status, row.status_message) == (KeyStatus.FAILING, refused.value.message)
    # With the old key as the previous one it opens again.
    monkeypatch.setenv("ENCRYPTION_KEY_PREVIOUS", ENCRYPTION_KEY)
    settings.cache_clear()
    assert provider_keys.open_secret(session, view.id) == SECRET


def test_what_is_lost_with_a_key(session: Session, people: People) -> None:
    view = add(session, people.alice)
    for place, cost in enumerate(("1.25", "0.0000002")):
        session.add(
            UsageRollup(
                organization_id=people.alice.organization_id,
                id=f"r{place}",
                hour=floor_hour(utcnow()),
                provider=Provider.OPENAI,
                model="gpt-5",
                operation="chat",
                origin=UsageOrigin.SYNC,
                cost_source=CostSource.COMPUTED,
                account_id=view.account_id,
                rows=3,
                cost=Decimal(cost),
            )
        )
    session.add(
        SyncRun(
            organization_id=people.alice.organization_id,
            api_key_id=view.id,
            trigger=SyncTrigger.BACKFILL,
            window_start=utcnow(),
            window_end=utcnow(),
        )
    )
    session.flush()
    lost = provider_keys.what_is_lost(session, people.bob, view.id)
    assert (lost.usage_rows, lost.cost, lost.pulls, lost.last_of_account) == (6, Decimal("1.2500002"), 1, True)
    second = add(session, people.alice, SECRET + "2", "second")
    assert not provider_keys.what_is_lost(session, people.alice, view.id).last_of_account
    provider_keys.update_key(session, people.alice, second.id, is_active=False)
    assert provider_keys.what_is_lost(session, people.alice, view.id).last_of_account
    with pytest.raises(NotFoundError):
        provider_keys.what_is_lost(session, people.charlie, view.id)


def test_who_may_do_what(session: Session, people: People) -> None:
    view = add(session, people.alice)
    viewer = Actor(
        user_id=people.bob.user_id,
        organization_id=people.bob.organization_id,
        role=UserRole.USER,
        team_role=TeamRole.VIEWER,
    )
    with pytest.raises(AuthorizationError):
        add(session, viewer, SECRET + "2", "other")
    with pytest.raises(AuthorizationError):
        provider_keys.test_key(viewer, Provider.OPENAI, SECRET)
    for change in (
        lambda actor: provider_keys.update_key(session, actor, view.id, label="x"),
        lambda actor: provider_keys.replace_secret(session, actor, view.id, SECRET + "2", GOOD),
        lambda actor: provider_keys.key_to_replace(session, actor, view.id),
        lambda actor: provider_keys.delete_key(session, actor, view.id),
        lambda actor: provider_keys.record_test(session, actor, view.id, GOOD),
        lambda actor: provider_keys.key_under_test(session, actor, view.id),
    ):
        with pytest.raises(AuthorizationError):
            change(viewer)
        with pytest.raises(NotFoundError):
            change(people.charlie)
    # A member may try and pull any key of the organization, but change only what is their own.
    assert provider_keys.key_under_test(session, people.bob, view.id).secret == SECRET
    for forbidden in (provider_keys.key_to_replace, provider_keys.delete_key):
        with pytest.raises(AuthorizationError):
            forbidden(session, people.bob, view.id)
    assert [key.id for key in provider_keys.list_keys(session, viewer)] == [view.id]
    assert provider_keys.list_keys(session, people.charlie) == []
