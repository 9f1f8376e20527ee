"""Perplexity: key tests and single requests to the Agent API; it reports nothing to API keys."""

from guardian.providers.perplexity.adapter import PerplexityProvider

__all__ = ["PerplexityProvider"]
