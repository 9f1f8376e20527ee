"""What the ledger answers, on a real database."""
