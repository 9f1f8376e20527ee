"""Accounts, sessions, organizations, provider keys, audit."""
