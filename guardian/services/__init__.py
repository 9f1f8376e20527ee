"""All queries and rules. Three wings: guard uses ledger, ledger uses people."""
