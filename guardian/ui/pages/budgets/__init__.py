"""What may be spent, and on what, at /budgets."""
