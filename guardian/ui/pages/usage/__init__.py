"""The explorer, at /usage."""
