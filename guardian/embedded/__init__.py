"""The local PostgreSQL, Redis and mailbox, and the supervisor of `guardian up`."""
