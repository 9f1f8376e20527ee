"""Anthropic: usage and cost reports of an organization, names, key tests, and single messages."""

from guardian.providers.anthropic.adapter import AnthropicProvider

__all__ = ["AnthropicProvider"]
