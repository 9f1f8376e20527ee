"""xAI: costs and balance of a team by its management key, names, key tests, and single inference requests."""

from guardian.providers.xai.adapter import XAIProvider

__all__ = ["XAIProvider"]
