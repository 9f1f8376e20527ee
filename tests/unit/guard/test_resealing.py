"""A new encryption key: nothing that is kept sealed is forgotten, and nothing is interrupted."""

import threading

import pytest
from sqlmodel import Session, SQLModel

from guardian import db
from guardian.config import settings
from guardian.crypto import EncryptionService, SealedSecret, encryption
from guardian.models import ApiKey, SecondFactor
from guardian.models.enums import Provider
from guardian.services.guard.resealing import RESEALED, reseal_all
from tests.conftest import ENCRYPTION_KEY, People

NEW_KEY = "e" * 64


def test_every_table_with_sealed_columns_is_in_the_list() -> None:
    import guardian.models  # noqa: F401  # all tables

    sealed = {table.name for table in SQLModel.metadata.tables.values() if {"iv", "tag"} <= set(table.c.keys())}
    # Secrets of an alert and kept answers are documents in one column, and what is signed with the key has no iv.
    assert sealed | {"alerts", "alert_notifications", "activity_heads", "idempotent_requests"} == set(RESEALED)


@pytest.fixture
def factor(session: Session, people: People) -> SecondFactor:
    sealed = EncryptionService(ENCRYPTION_KEY).encrypt_api_key("JBSWY3DPEHPK3PXP")
    row = SecondFactor(
        user_id=people.alice.user_id,
        encrypted_secret=sealed.encrypted_key,
        iv=sealed.iv,
        tag=sealed.tag,
        encryption_key_id=sealed.key_id,
    )
    session.add(row)
    session.commit()
    return row


def test_second_factors_are_sealed_anew_once(session: Session, factor: SecondFactor) -> None:
    both, new = EncryptionService(NEW_KEY, ENCRYPTION_KEY), EncryptionService(NEW_KEY)
    reseal = RESEALED["second_factors"]
    assert reseal(session, both, dry_run=True).resealed == 1
    assert factor.encryption_key_id != new.current_key_id
    assert [one.name for one in reseal(session, new).unopened] == ["second factor"]
    assert reseal(session, both).resealed == 1
    session.commit()
    session.refresh(factor)
    again = reseal(session, both)
    assert (again.resealed, again.current) == (0, 1)
    assert reseal(session, both, after=again.last_id).last_id is None
    sealed = SealedSecret(factor.encrypted_secret, factor.iv, factor.tag, factor.encryption_key_id)
    assert new.decrypt_api_key(sealed) == "JBSWY3DPEHPK3PXP"


def test_what_runs_meanwhile_opens_and_stores_keys(
    session: Session, people: People, factor: SecondFactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes restart one by one with both keys; from then on each opens what either of them has sealed."""
    monkeypatch.setenv("ENCRYPTION_KEY", NEW_KEY)
    monkeypatch.setenv("ENCRYPTION_KEY_PREVIOUS", ENCRYPTION_KEY)
    settings.cache_clear()
    old, ids = EncryptionService(ENCRYPTION_KEY), []
    for number in range(30):
        sealed = old.encrypt_api_key(f"sk-{number}")
        row = ApiKey(
            provider=Provider.OPENAI,
            label=f"key {number}",
            encrypted_key=sealed.encrypted_key,
            iv=sealed.iv,
            tag=sealed.tag,
            encryption_key_id=sealed.key_id,
            user_id=people.alice.user_id,
        )
        session.add(row)
        ids.append(row.id)
    session.commit()
    failures: list[Exception] = []
    done = threading.Event()

    def use_keys() -> None:
        while not done.is_set():
            with db.session() as other:
                for number, id in enumerate(ids):
                    row = other.get_one(ApiKey, id)
                    sealed = SealedSecret(row.encrypted_key, row.iv, row.tag, row.encryption_key_id)
                    try:
                        assert encryption().decrypt_api_key(sealed) == f"sk-{number}"
                    except Exception as error:  # noqa: BLE001  # told by the test's own thread
                        failures.append(error)
                        return

    user = threading.Thread(target=use_keys)
    user.start()
    batches = list(reseal_all(encryption()))
    done.set()
    user.join()
    assert failures == []
    assert sum(batch.resealed for batch in batches) == 31
    with db.session() as other:
        current = EncryptionService(NEW_KEY).current_key_id
        assert {other.get_one(ApiKey, id).encryption_key_id for id in ids} == {current}
    settings.cache_clear()
