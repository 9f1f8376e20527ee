"""The three books: sync, rollups, queries."""
