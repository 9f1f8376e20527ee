"""A new encryption key: channels and alerts' secrets are sealed anew, once, and what cannot be opened is named."""

import pytest
from sqlmodel import Session

from guardian.config import settings
from guardian.crypto import EncryptionService
from guardian.models import Alert, NotificationTarget
from guardian.periods import utcnow
from guardian.services.guard.alerts.secrets import renew_secret, secrets_of
from guardian.services.guard.notices.rotation import reseal_alerts, reseal_channels
from guardian.services.guard.notices.sealing import usable_config
from tests.conftest import ENCRYPTION_KEY, People
from tests.jobs.notices import EMAIL, made_alert, made_target

NEW_KEY = "f" * 64
BOTH = EncryptionService(NEW_KEY, ENCRYPTION_KEY)


@pytest.fixture
def stored(session: Session, people: People) -> tuple[NotificationTarget, Alert, list[str]]:
    target = session.get_one(NotificationTarget, made_target(people.alice, EMAIL))
    alert = session.get_one(Alert, made_alert(people.alice))
    made_alert(people.alice)  # without a webhook: there is nothing to seal
    secrets = [renew_secret(alert, utcnow()) for _ in range(2)]
    session.commit()
    return target, alert, list(reversed(secrets))


def test_all_is_sealed_anew_once(
    session: Session, stored: tuple[NotificationTarget, Alert, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    target, alert, secrets = stored
    for reseal in (reseal_channels, reseal_alerts):
        assert reseal(session, BOTH, dry_run=True).resealed == 1
        first = reseal(session, BOTH)
        assert (first.resealed, first.current, first.unopened) == (1, 0, ())
        session.commit()
        again = reseal(session, BOTH)
        assert (again.resealed, again.current) == (0, 1)
        assert reseal(session, BOTH, after=again.last_id).last_id is None
    monkeypatch.setenv("ENCRYPTION_KEY", NEW_KEY)
    settings.cache_clear()
    session.refresh(target)
    session.refresh(alert)
    assert usable_config(target, utcnow()) == {"address": "ops@example.com"}
    assert secrets_of(alert, utcnow()) == secrets


def test_what_no_key_opens_is_named(session: Session, stored: tuple[NotificationTarget, Alert, list[str]]) -> None:
    lost = EncryptionService(NEW_KEY)
    target, alert, _ = stored
    before = (target.encrypted_config, alert.webhook_secrets)
    assert [each.name for each in reseal_channels(session, lost).unopened] == ["channel EMAIL"]
    assert [each.name for each in reseal_alerts(session, lost).unopened] == ["alert Team web"]
    assert (target.encrypted_config, alert.webhook_secrets) == before
