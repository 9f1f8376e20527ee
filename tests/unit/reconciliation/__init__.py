"""The three books, compared."""
