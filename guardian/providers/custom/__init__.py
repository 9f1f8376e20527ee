"""CUSTOM: any OpenAI-compatible server by its base URL, and what OpenRouter and DeepSeek tell besides."""

from guardian.providers.custom.adapter import CustomProvider

__all__ = ["CustomProvider"]
