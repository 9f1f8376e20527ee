"""Fixtures around the fake provider server, for every test folder that talks to it."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from guardian.config import Settings
from guardian.models.enums import CostSource, Provider
from guardian.providers.base import BaseProvider
from guardian.providers.registry import provider_for
from guardian.providers.tracking import TrackedUsage, UsageSink
from guardian.records import CostBreakdown, UsageRecord
from tests.fakes.google_cloud import TABLE
from tests.fakes.provider_server import FakeProvider

MakeAdapter = Callable[..., BaseProvider]


def half_dollar(record: UsageRecord) -> CostBreakdown:
    """A pricer for tests in which prices do not matter."""
    return CostBreakdown(amount=Decimal("0.5"), source=CostSource.COMPUTED)


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


@pytest.fixture
def sleeps() -> list[float]:
    """How long the adapters of this test would have waited between attempts; they do not."""
    return []


@pytest.fixture
def tracked() -> list[TrackedUsage]:
    """What the adapters of this test handed to their sink."""
    return []


@pytest.fixture
def make_adapter(fake: FakeProvider, sleeps: list[float], tracked: list[TrackedUsage]) -> Iterator[MakeAdapter]:
    """Adapters that talk to `fake`; closed when the test ends."""
    made: list[BaseProvider] = []

    def make(
        provider: Provider,
        *,
        timeout: float = 10,
        attempts: int = 3,
        metadata: Mapping[str, Any] | None = None,
        urls: Mapping[str, str] | None = None,
        sink: UsageSink | None = tracked.append,
    ) -> BaseProvider:
        known = Settings(
            **(urls or fake.urls),
            outbound_allowlist=("127.0.0.1",),
            provider_timeout_seconds=timeout,
            provider_attempts=attempts,
        )
        made.append(
            provider_for(
                provider,
                pricer=half_dollar,
                sink=sink,
                metadata=metadata,
                settings=known,
                sleep=sleeps.append,
            )
        )
        return made[-1]

    yield make
    for adapter in made:
        adapter.close()


@pytest.fixture
def openai(make_adapter: MakeAdapter) -> BaseProvider:
    return make_adapter(Provider.OPENAI)


@pytest.fixture
def anthropic(make_adapter: MakeAdapter) -> BaseProvider:
    return make_adapter(Provider.ANTHROPIC)


@pytest.fixture
def google(make_adapter: MakeAdapter) -> BaseProvider:
    """With a billing export; the service account is google_keys.key_file()'s."""
    return make_adapter(Provider.GOOGLE, metadata={"billingTable": TABLE, "location": "EU"})


@pytest.fixture
def xai(make_adapter: MakeAdapter) -> BaseProvider:
    return make_adapter(Provider.XAI)


@pytest.fixture
def perplexity(make_adapter: MakeAdapter) -> BaseProvider:
    return make_adapter(Provider.PERPLEXITY)
