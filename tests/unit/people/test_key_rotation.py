"""Rotation of the encryption key: every stored key is sealed anew, once, and what cannot be opened is named."""

import pytest
from sqlmodel import Session, select

from guardian.crypto import EncryptionService, SealedSecret
from guardian.models import ApiKey
from guardian.models.enums import Provider
from guardian.services.people.provider_keys.rotation import reseal_keys
from guardian.services.people.resealing import Batch
from tests.conftest import ENCRYPTION_KEY, People

NEW_KEY = "f" * 64
LOST_KEY = "a" * 64

OLD = EncryptionService(ENCRYPTION_KEY)
BOTH = EncryptionService(NEW_KEY, ENCRYPTION_KEY)


def store(session: Session, people: People, label: str, encryption: EncryptionService = OLD) -> ApiKey:
    sealed = encryption.encrypt_api_key(f"sk-{label}")
    key = ApiKey(
        provider=Provider.OPENAI,
        label=label,
        encrypted_key=sealed.encrypted_key,
        iv=sealed.iv,
        tag=sealed.tag,
        encryption_key_id=sealed.key_id,
        hint="last",
        user_id=people.alice.user_id,
        organization_id=people.alice.organization_id,
    )
    session.add(key)
    session.commit()
    return key


def rotate_all(session: Session, encryption: EncryptionService, *, dry_run: bool = False) -> list[Batch]:
    batches: list[Batch] = []
    after = None
    while True:
        batch = reseal_keys(session, encryption, after=after, size=2, dry_run=dry_run)
        session.commit()
        if batch.last_id is None:
            return batches
        batches.append(batch)
        after = batch.last_id


def opened(session: Session, encryption: EncryptionService) -> set[str]:
    session.expire_all()
    rows = session.exec(select(ApiKey)).all()
    return {
        encryption.decrypt_api_key(SealedSecret(row.encrypted_key, row.iv, row.tag, row.encryption_key_id))
        for row in rows
    }


def test_every_key_is_sealed_anew_in_batches(session: Session, people: People) -> None:
    for label in "abcde":
        store(session, people, label)
    batches = rotate_all(session, BOTH)
    assert [batch.resealed for batch in batches] == [2, 2, 1]
    assert opened(session, EncryptionService(NEW_KEY)) == {"sk-a", "sk-b", "sk-c", "sk-d", "sk-e"}


def test_a_second_rotation_changes_nothing(session: Session, people: People) -> None:
    key = store(session, people, "a")
    rotate_all(session, BOTH)
    session.refresh(key)
    sealed = (key.encrypted_key, key.iv, key.tag, key.encryption_key_id, key.updated_at)
    (batch,) = rotate_all(session, BOTH)
    assert (batch.resealed, batch.current) == (0, 1)
    session.refresh(key)
    assert (key.encrypted_key, key.iv, key.tag, key.encryption_key_id, key.updated_at) == sealed


def test_a_dry_run_only_counts(session: Session, people: People) -> None:
    store(session, people, "a")
    (batch,) = rotate_all(session, BOTH, dry_run=True)
    assert (batch.resealed, batch.current) == (1, 0)
    assert opened(session, OLD) == {"sk-a"}


def test_what_cannot_be_opened_is_named_and_left_as_it_is(session: Session, people: People) -> None:
    lost = store(session, people, "lost", EncryptionService(LOST_KEY))
    store(session, people, "good")
    (batch,) = rotate_all(session, BOTH)
    assert batch.resealed == 1
    (unopened,) = batch.unopened
    assert (unopened.id, unopened.name) == (lost.id, "OPENAI lost")
    assert "ENCRYPTION_KEY_PREVIOUS" in unopened.reason
    session.refresh(lost)
    assert lost.encryption_key_id == EncryptionService(LOST_KEY).current_key_id


def test_a_key_without_a_label_is_named_by_its_last_characters(session: Session, people: People) -> None:
    key = store(session, people, "lost", EncryptionService(LOST_KEY))
    key.label = None
    session.add(key)
    session.commit()
    (batch,) = rotate_all(session, BOTH)
    assert batch.unopened[0].name == "OPENAI …last"


def test_an_empty_vault_is_done_at_once(session: Session) -> None:
    assert reseal_keys(session, BOTH) == Batch(last_id=None, resealed=0, current=0, unopened=())


@pytest.mark.parametrize("dry_run", [True, False])
def test_keys_sealed_before_key_ids_existed_are_found_out(session: Session, people: People, dry_run: bool) -> None:
    key = store(session, people, "old")
    key.encryption_key_id = None
    session.add(key)
    session.commit()
    (batch,) = rotate_all(session, BOTH, dry_run=dry_run)
    assert batch.resealed == 1
