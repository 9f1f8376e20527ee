"""The organizations of this server, at /admin."""
