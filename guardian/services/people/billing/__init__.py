"""What an organization may use, and how it pays for it: plans, subscriptions, invoices."""
