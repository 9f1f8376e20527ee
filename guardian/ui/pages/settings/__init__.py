"""A person's and an organization's settings, at /settings."""
