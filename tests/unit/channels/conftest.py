"""A sink that may be reached: an address of this machine is private, so the operator has to allow it."""

from collections.abc import Generator

import pytest

from guardian.config import settings
from tests.fakes.sink import Sink


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Generator[Sink]:
    monkeypatch.setenv("OUTBOUND_ALLOWLIST", "127.0.0.1")
    settings.cache_clear()
    with Sink() as opened:
        yield opened
    settings.cache_clear()
