"""Google: tokens from Cloud Monitoring, money from the billing export in BigQuery, and single Gemini requests."""

from guardian.providers.google.adapter import GoogleProvider

__all__ = ["GoogleProvider"]
