"""The live dashboard, at /dashboard."""
