"""The local journal: on disk before it is acknowledged, and shipped to the ledger when that can be."""
