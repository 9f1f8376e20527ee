"""One call on a page of its own."""
