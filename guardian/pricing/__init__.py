"""Prices: what one unit cost at the time of use, and the arithmetic of a bill."""
