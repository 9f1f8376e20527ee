"""The three books side by side, at /reconciliation."""
