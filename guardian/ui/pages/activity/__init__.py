"""What was done in the organization, at /activity."""
