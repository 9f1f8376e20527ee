"""Figures of the installation for its monitoring."""
