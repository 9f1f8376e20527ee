"""The proxy that applications call instead of the provider."""
