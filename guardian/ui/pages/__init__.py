"""One package is one page: `page` has its State and what the address leads to, `view` what is drawn of it."""
