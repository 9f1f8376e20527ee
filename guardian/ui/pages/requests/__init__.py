"""The last calls as they happen."""
