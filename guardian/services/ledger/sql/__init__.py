"""The ledger's tables, and statements about many of their rows at once; nothing here knows what a row means."""
