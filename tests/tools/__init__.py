"""What `make install-dev` and `make check` run besides the well-known tools."""
