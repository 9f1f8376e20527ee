"""The fake provider server and adapters that talk to it."""

import pytest

from guardian.providers.base import BaseProvider
from tests.contracts.vendors import Vendor
from tests.fakes.fixtures import (
    MakeAdapter,
    anthropic,
    fake,
    google,
    make_adapter,
    openai,
    perplexity,
    sleeps,
    tracked,
    xai,
)
from tests.fakes.provider_server import FakeProvider

__all__ = ["adapter", "anthropic", "fake", "google", "make_adapter", "openai", "perplexity", "sleeps", "tracked", "xai"]


@pytest.fixture
def adapter(vendor: Vendor, fake: FakeProvider, make_adapter: MakeAdapter) -> BaseProvider:
    return make_adapter(vendor.provider, metadata=vendor.metadata(fake))
