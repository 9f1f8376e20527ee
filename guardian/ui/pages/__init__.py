"""One module is one page."""
