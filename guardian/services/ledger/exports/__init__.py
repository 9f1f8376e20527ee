"""The ledger as files: usage, and FOCUS, streamed."""
