"""Thin doors through which RQ's processes start; no logic."""
