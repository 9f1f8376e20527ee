"""Who comes in: accounts and their passwords, signed-in browsers, and access tokens."""
