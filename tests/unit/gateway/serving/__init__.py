"""The gateway's own HTTP server."""
