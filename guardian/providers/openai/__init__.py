"""OpenAI: usage and cost reports of an organization, names, key tests, and single inference requests."""

from guardian.providers.openai.adapter import OpenAIProvider

__all__ = ["OpenAIProvider"]
