"""The fake provider server and adapters that talk to it."""

from tests.fakes.fixtures import anthropic, fake, make_adapter, openai, sleeps, tracked

__all__ = ["anthropic", "fake", "make_adapter", "openai", "sleeps", "tracked"]
