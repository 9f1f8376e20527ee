"""What the command line does about sign-ins: a lost second factor, a rule in the way, and a new encryption key."""

from typing import Any

import pytest
from pyotp import random_base32
from sqlmodel import Session, select

from guardian.crypto import EncryptionService, SealedSecret
from guardian.errors import NotFoundError
from guardian.models import EmailLog, Organization, SecondFactor, User
from guardian.periods import utcnow
from guardian.services.people import sign_in_rules
from guardian.services.people.access import second_factors
from guardian.services.people.access.second_factor_rotation import reseal_second_factors
from tests.conftest import ENCRYPTION_KEY, People

NEW_KEY = "f" * 64
OLD = EncryptionService(ENCRYPTION_KEY)


def give_second_factor(session: Session, user_id: str, sealer: EncryptionService = OLD) -> str:
    secret = random_base32()
    sealed = sealer.encrypt_api_key(secret)
    session.add(
        SecondFactor(
            user_id=user_id,
            encrypted_secret=sealed.encrypted_key,
            iv=sealed.iv,
            tag=sealed.tag,
            encryption_key_id=sealed.key_id,
            confirmed_at=utcnow(),
        )
    )
    session.commit()
    return secret


def test_a_lost_second_factor_is_taken_away(session: Session, people: People) -> None:
    give_second_factor(session, people.bob.user_id)
    assert second_factors.is_on(session, people.bob.user_id)
    second_factors.remove(session, " Bob@Example.com")
    assert not second_factors.is_on(session, people.bob.user_id)
    assert session.exec(select(EmailLog.to)).all() == ["bob@example.com"]
    for email in ("bob@example.com", "nobody@example.com"):
        with pytest.raises(NotFoundError):
            second_factors.remove(session, email)


def test_a_rule_in_the_way_is_lifted(session: Session, people: People) -> None:
    acme = session.get_one(Organization, people.alice.organization_id)
    acme.domain, acme.settings = "example.com", {"requireSignInWith": "oidc", "timeZone": "Asia/Tokyo"}
    session.flush()
    bob, charlie = session.get_one(User, people.bob.user_id), session.get_one(User, people.charlie.user_id)
    assert sign_in_rules.required_provider(session, bob) == "oidc"
    # Of the same domain, but of another organization.
    assert sign_in_rules.required_provider(session, charlie) is None
    assert sign_in_rules.lift_rule(session, bob.email).id == acme.id
    assert sign_in_rules.required_provider(session, bob) is None
    assert acme.time_zone == "Asia/Tokyo"
    with pytest.raises(NotFoundError):
        sign_in_rules.lift_rule(session, bob.email)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_new_key_seals_second_factors_anew(session: Session, people: People, dry_run: bool) -> None:
    secret = give_second_factor(session, people.bob.user_id)
    give_second_factor(session, people.alice.user_id, EncryptionService("a" * 64))
    both = EncryptionService(NEW_KEY, ENCRYPTION_KEY)
    batch = reseal_second_factors(session, both, dry_run=dry_run)
    assert (batch.resealed, batch.current, [each.id for each in batch.unopened]) == (1, 0, [people.alice.user_id])
    assert reseal_second_factors(session, both, after=batch.last_id).last_id is None
    session.expire_all()
    row: Any = session.get_one(SecondFactor, people.bob.user_id)
    reader = OLD if dry_run else EncryptionService(NEW_KEY)
    stored = SealedSecret(row.encrypted_secret, row.iv, row.tag, row.encryption_key_id)
    assert reader.decrypt_api_key(stored) == secret
    assert reseal_second_factors(session, both).resealed == (1 if dry_run else 0)
