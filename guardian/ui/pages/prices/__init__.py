"""The price book, at /prices."""
