"""/billing: the plan, what of it is used, how it is paid, and the invoices."""
