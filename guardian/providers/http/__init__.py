"""The way to a provider: one client with deadline, size bound and retries, on a transport of our own."""
