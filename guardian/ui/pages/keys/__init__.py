"""The vault of provider keys, at /keys."""
