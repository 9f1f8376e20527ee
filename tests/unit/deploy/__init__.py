"""What deploys the product."""
