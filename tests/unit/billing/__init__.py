"""Plans, subscriptions and invoices, below the API."""
