"""The fake provider server and adapters that talk to it."""

import pytest

from guardian.providers.base import BaseProvider
from tests.contracts.vendors import Vendor
from tests.fakes.fixtures import MakeAdapter, anthropic, fake, make_adapter, openai, perplexity, sleeps, tracked, xai

__all__ = ["adapter", "anthropic", "fake", "make_adapter", "openai", "perplexity", "sleeps", "tracked", "xai"]


@pytest.fixture
def adapter(vendor: Vendor, make_adapter: MakeAdapter) -> BaseProvider:
    return make_adapter(vendor.provider)
