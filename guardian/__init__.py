"""AI Cost Guardian: what AI providers cost, live, to the cent, and who caused it."""

__version__ = "0.1.0"
