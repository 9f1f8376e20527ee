"""The fake provider server and adapters that talk to it."""

from tests.fakes.fixtures import anthropic, fake, google, make_adapter, openai, perplexity, sleeps, tracked, xai

__all__ = ["anthropic", "fake", "google", "make_adapter", "openai", "perplexity", "sleeps", "tracked", "xai"]
