"""What the bench of the gateway stands on: where everything runs, the load, and what the kernel and Redis say of it."""
