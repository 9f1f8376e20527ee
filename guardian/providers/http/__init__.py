"""The way to a provider: one client with deadline, size bound and retries, on the transport of guardian.wire."""
