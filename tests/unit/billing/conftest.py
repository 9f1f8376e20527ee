"""An installation that sells its plans through a Stripe on loopback."""

from collections.abc import Iterator

import pytest

from guardian.config import settings
from tests.conftest import Servers
from tests.fakes.stripe_server import SECRET_KEY, WEBHOOK_SECRET, FakeStripe


@pytest.fixture
def stripe(environment: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    with FakeStripe() as fake:
        monkeypatch.setenv("STRIPE_SECRET_KEY", SECRET_KEY)
        monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
        monkeypatch.setenv("STRIPE_BASE_URL", fake.url)
        settings.cache_clear()
        yield fake
